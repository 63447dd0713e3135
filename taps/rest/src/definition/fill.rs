//! The settings of a definition, and where they stand in it.

use melisma_sdk::secret;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::Setting;
use super::keys::near;

/// The values of a definition's settings.
#[derive(Debug)]
pub(crate) struct Settings {
    values: Map<String, Value>,
}

impl Settings {
    /// Checks the given values against what the definition asks for. Secrets are masked from here on.
    pub(super) fn of(asked: &[(String, Setting)], given: &Map<String, Value>) -> Result<Self> {
        for name in given.keys() {
            let known = asked.iter().map(|(name, _)| name.as_str());
            if !known.clone().any(|known| known == name) {
                let hint = match near(known.clone(), name) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("it asks for {}", known.collect::<Vec<_>>().join(", ")),
                };
                return Err(Error::config(format!(
                    "settings.{name}: the definition does not ask for it; {hint}"
                )));
            }
        }
        let mut values = Map::new();
        for (name, setting) in asked {
            let value = given
                .get(name)
                .filter(|value| !value.is_null())
                .or(setting.default.as_ref());
            if let (true, Some(Value::String(text))) = (setting.secret, value) {
                secret::hide(text);
            }
            match value {
                Some(value) => {
                    values.insert(name.clone(), value.clone());
                }
                None if setting.required => {
                    return Err(Error::config(format!("settings.{name}: required, but not given")));
                }
                None => {}
            }
        }
        Ok(Self { values })
    }

    /// These values.
    pub(crate) fn given(values: Map<String, Value>) -> Self {
        Self { values }
    }

    /// A text in which all placeholders must be settings.
    pub(crate) fn text(&self, text: &str, place: &str) -> Result<String> {
        let filled = self.replace(text, |value| value)?;
        match filled.find('{').filter(|_| !filled.contains("{{")) {
            Some(at) if filled[at..].contains('}') && filled == text => {
                let end = filled[at..].find('}').unwrap_or_default();
                let name = &filled[at + 1..at + end];
                let known = self.values.keys().map(String::as_str);
                let hint = near(known, name).map(|near| format!("; did you mean {{{near}}}?"));
                let hint = hint.unwrap_or_default();
                Err(Error::config(format!(
                    "{place}: {{{name}}} is no setting that has a value{hint}"
                )))
            }
            _ => Ok(filled),
        }
    }

    /// A text whose other placeholders are filled when a request is made.
    pub(crate) fn template(&self, text: &str) -> Result<String> {
        // A brace in a value is no placeholder.
        self.replace(text, |value| value.replace('{', "{{").replace('}', "}}"))
    }

    /// A value, and all texts in it. One that is a single placeholder becomes the value of the setting, be it a number.
    pub(crate) fn value(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => {
                let name = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
                match name.and_then(|name| self.values.get(name)) {
                    Some(Value::String(_)) | None => self.template(text)?.into(),
                    Some(other) => other.clone(),
                }
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect::<Result<_>>()?,
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| Ok((name.clone(), self.value(value)?));
                Value::Object(members.iter().map(member).collect::<Result<_>>()?)
            }
            other => other.clone(),
        })
    }

    fn replace(&self, text: &str, escape: impl Fn(String) -> String) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                filled.push_str("{{");
                rest = after;
                continue;
            }
            let end = from
                .find('}')
                .ok_or_else(|| Error::config(format!("{text}: a placeholder is not closed")))?;
            match self.values.get(&from[1..end]) {
                Some(Value::String(value)) => filled.push_str(&escape(value.clone())),
                Some(value) => filled.push_str(&escape(value.to_string())),
                None => filled.push_str(&from[..=end]),
            }
            rest = &from[end + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }
}
