//! The expressions of a manifest: `{{ config['start_date'] }}`, as Airbyte's low-code framework evaluates them.
//!
//! A text is filled in by Jinja, and the result is read again as a Python literal: `"{{ 1 + 1 }}"` is the number 2, and so is
//! `"2"`. Templates are compiled once, when the manifest is read; names, filters and methods that there are not are refused then.

mod check;
mod failure;
mod filters;
mod functions;
mod moment;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use melisma_sdk::{Error, Result};
use minijinja::value::Value as Jinja;
use minijinja::{Environment, ErrorKind};
use serde_json::{Map, Value};

use crate::python;

/// The templates of a manifest.
#[derive(Clone)]
pub(super) struct Templates(Arc<RwLock<Compiled>>);

struct Compiled {
    environment: Environment<'static>,
    names: HashMap<String, String>,
}

/// A text with expressions, and what its component's parameters are.
#[derive(Clone)]
pub(super) struct Text {
    source: Arc<str>,
    /// The name of its template; a text without expressions has none.
    template: Option<Arc<str>>,
    parameters: Jinja,
    templates: Templates,
    place: Arc<str>,
}

/// What expressions can name.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope(Vec<(&'static str, Jinja)>, Vec<(String, Jinja)>);

impl Scope {
    /// With another name.
    pub(super) fn with(mut self, name: &'static str, value: Jinja) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
        self
    }

    /// With a name of the manifest's own.
    pub(super) fn with_own(mut self, name: &str, value: Jinja) -> Self {
        self.1.push((name.to_owned(), value));
        self
    }
}

/// A value for an expression.
pub(super) fn value(value: &Value) -> Jinja {
    Jinja::from(minijinja::value::Serde(value))
}

/// What can be named where the text stands.
pub(super) type Names<'n> = &'n [&'n str];

impl Templates {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_formatter(functions::format);
        environment.set_unknown_method_callback(functions::method);
        filters::add(&mut environment);
        functions::add(&mut environment);
        Self(Arc::new(RwLock::new(Compiled {
            environment,
            names: HashMap::new(),
        })))
    }

    /// Compiles a text; `place` is where it stands.
    pub(super) fn compile(
        &self,
        source: &str,
        parameters: &Map<String, Value>,
        names: Names<'_>,
        place: &str,
    ) -> Result<Text> {
        let is_template = ["{{", "{%", "{#"].iter().any(|open| source.contains(open));
        let template = if is_template {
            Some(self.add(source, names, place)?)
        } else {
            None
        };
        Ok(Text {
            source: source.into(),
            template,
            parameters: value(&Value::Object(parameters.clone())),
            templates: self.clone(),
            place: place.into(),
        })
    }

    fn add(&self, source: &str, names: Names<'_>, place: &str) -> Result<Arc<str>> {
        let rewritten = check::rewrite(source).map_err(|why| Error::config(format!("{place}: {why}")))?;
        let mut compiled = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Compiled {
            environment,
            names: known,
        } = &mut *compiled;
        let next = known.len().to_string();
        let name = known.entry(rewritten.clone()).or_insert(next).clone();
        let added = environment.add_template_owned(name.clone(), rewritten);
        let wrong = |error: &minijinja::Error| {
            let why = error
                .detail()
                .map_or_else(|| error.kind().to_string(), str::to_owned);
            Error::config(format!("{place}: {}: {why}", melisma_sdk::show(source)))
        };
        added.map_err(|error| wrong(&error))?;
        let template = environment.get_template(&name).map_err(|error| wrong(&error))?;
        for used in template.undeclared_variables(false) {
            if !names.contains(&used.as_str())
                && !["config", "parameters"].contains(&used.as_str())
                && !functions::is_one(&used)
            {
                return Err(Error::config(format!(
                    "{place}: there is no {used} for expressions here; there are config, parameters, {}",
                    names.join(", ")
                )));
            }
        }
        Ok(name.into())
    }
}

impl Text {
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The filled text. `None` when it names a part of something that is not there.
    fn render(&self, scope: &Scope) -> Result<Option<String>> {
        let Some(name) = &self.template else {
            return Ok(Some(self.source.to_string()));
        };
        let own = scope.1.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let all = scope.0.iter().map(|(name, value)| (*name, value.clone()));
        let parameters = std::iter::once(("parameters", self.parameters.clone()));
        let context = Jinja::from_pairs(all.chain(own).chain(parameters));
        let compiled = self.templates.0.read().unwrap_or_else(PoisonError::into_inner);
        let rendered = compiled
            .environment
            .get_template(name)
            .and_then(|template| template.render(context));
        match rendered {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(None),
            Err(error) => {
                // The error's own text may quote a secret of the config.
                let why = error
                    .detail()
                    .map_or_else(|| error.kind().to_string(), str::to_owned);
                let (place, source) = (&self.place, melisma_sdk::show(&self.source));
                Err(Error::config(format!("{place}: {source}: {why}")))
            }
        }
    }

    fn missing(&self) -> Error {
        let (place, source) = (&self.place, melisma_sdk::show(&self.source));
        Error::config(format!("{place}: {source} names a part of what is not there"))
    }

    /// The value.
    pub(super) fn value(&self, scope: &Scope) -> Result<Value> {
        let text = self.render(scope)?.ok_or_else(|| self.missing())?;
        Ok(python::literal(&text).unwrap_or(Value::String(text)))
    }

    /// The value, if it is of one of these kinds, else the text as it was filled in.
    pub(super) fn value_of(&self, scope: &Scope, kinds: fn(&Value) -> bool) -> Result<Value> {
        let text = self.render(scope)?.ok_or_else(|| self.missing())?;
        let value = python::literal(&text).filter(kinds);
        Ok(value.unwrap_or(Value::String(text)))
    }

    /// The value of a member of a mapping, if it is of one of these kinds: `None` for nothing, for what is empty, and for a part
    /// of what is not there.
    pub(super) fn member(&self, scope: &Scope, kinds: fn(&Value) -> bool) -> Result<Option<Value>> {
        let text = self.render(scope)?.filter(|text| !text.is_empty());
        let value = text.map(|text| match python::literal(&text).filter(kinds) {
            Some(value) => value,
            None => Value::String(text),
        });
        Ok(value.filter(|value| !value.is_null()))
    }

    /// The value as text.
    pub(super) fn text(&self, scope: &Scope) -> Result<String> {
        Ok(python::str(&self.value(scope)?))
    }

    /// Whether a condition is met.
    pub(super) fn is_true(&self, scope: &Scope) -> Result<bool> {
        let Some(text) = self.render(scope)?.filter(|text| !text.is_empty()) else {
            return Ok(false);
        };
        let value = python::literal(&text).unwrap_or(Value::String(text));
        Ok(is_truthy(&value))
    }
}

/// What conditions take for yes: not what is empty, nothing, or zero in quotes or without.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !["False", "false", "{}", "[]", "()", "", "0", "0.0"].contains(&text.as_str()),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(true) => true,
    }
}

/// What Python takes for yes.
pub(super) fn python_truth(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        other => is_truthy(other),
    }
}

#[cfg(test)]
mod tests;
