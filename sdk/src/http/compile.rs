//! A stream, checked and made ready to be read: mistakes in paths and placeholders are found here.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use melisma_engine::{Error, Result};
use serde_json::Value;

use super::format::Format;
use super::judge::{OnStatus, Rules};
use super::meter::Meter;
use super::node::Node;
use super::pages::{Paging, Place};
use super::path::JsonPath;
use super::record::View;
use super::shape::Shape;
use super::since::{SINCE, UNTIL};
use super::stream::RestStream;
use super::template::{Filled, Template};
use crate::tap::Stream;

impl<'t> RestStream<'t> {
    /// The stream without what reads it, and that. `inherited` are the placeholders of its parents.
    pub(super) fn compile(self, inherited: &[String]) -> Result<(Stream<'t>, Node)> {
        let name = self.stream.name().to_owned();
        self.compiled(inherited).map_err(|error| error.in_stream(&name))
    }

    fn compiled(mut self, inherited: &[String]) -> Result<(Stream<'t>, Node)> {
        let mut query = self.client.query.clone();
        for (name, value) in std::mem::take(&mut self.query) {
            query.retain(|(known, _)| *known != name);
            query.push((name, value));
        }
        let filled = |pairs: Vec<(String, Value)>| {
            let pair = |(name, value): (String, Value)| Ok((name, Filled::compile(&value)?));
            pairs.into_iter().map(pair).collect::<Result<Vec<_>>>()
        };
        let headers = self
            .headers
            .iter()
            .map(|(name, text)| Ok((name.clone(), Template::compile(text)?)));
        let context = self
            .context
            .iter()
            .map(|(name, path)| Ok((name.clone(), JsonPath::compile(path)?)));
        let mut rules = self.rules;
        if !self.context.is_empty() && !rules.iter().any(|(status, _)| *status == 404) {
            rules.push((404, OnStatus::Skip));
        }
        self.format.check()?;
        let view = view(&self.format, self.select, self.rename, self.stream.schema())?;
        let records = JsonPath::compile(&self.records)?;
        let bodies = self.body_rules.iter();
        let bodies = bodies.map(|(path, rule)| Ok((JsonPath::compile(path)?, *rule)));
        let bodies = bodies.collect::<Result<_>>()?;
        let mut node = Node {
            name: self.stream.name().into(),
            method: self.method,
            path: Template::compile(&self.path)?,
            endpoint: self.path,
            query: filled(query)?,
            headers: headers.collect::<Result<_>>()?,
            body: self.body.as_ref().map(Filled::compile).transpose()?,
            form: filled(self.form)?,
            records: match self.format {
                Format::Xml => records.of_elements(),
                _ => records,
            },
            format: self.format,
            conditions: self.conditions,
            view,
            map: self.map,
            paging: Paging::compile(self.pages.as_ref().unwrap_or(&self.client.pages))?,
            since: self.since.or_else(|| self.client.since.clone()),
            client: self.client,
            context: context.collect::<Result<_>>()?,
            partitions: self.partitions,
            add: filled(self.add)?,
            rules: Arc::new(Rules {
                statuses: rules,
                bodies,
            }),
            failure: self.failure.as_deref().map(JsonPath::compile).transpose()?,
            shared_bookmark: self.shared_bookmark,
            meter: Arc::new(Meter::new(self.stream.name())),
            skipped: AtomicU64::new(0),
            children: Vec::new(),
        };
        let known = node.placeholders(inherited);
        node.check(&known)?;
        node.add_properties(&known, self.stream.schema())?;
        let mut stream = self.stream;
        if node.shared_bookmark {
            stream = stream.unsorted();
        }
        let inherited: Vec<String> = known.into_iter().filter(|name| !is_of_since(name)).collect();
        for child in self.children {
            if child.context.is_empty() {
                let message = "a child stream takes at least one value from its parent (from_parent)";
                return Err(Error::config(message).in_stream(child.stream.name()));
            }
            if !child.partitions.is_empty() {
                let message = "a child stream has a partition for each parent, and no others";
                return Err(Error::config(message).in_stream(child.stream.name()));
            }
            let (child, below) = child.compile(&inherited)?;
            stream = stream.child(child);
            node.children.push(below);
        }
        Ok((stream, node))
    }
}

/// Whether a placeholder is of the bookmark.
fn is_of_since(name: &str) -> bool {
    name == SINCE || name == UNTIL
}

/// What of a record is written; two properties must not get the same name.
fn view(
    format: &Format,
    select: Option<Vec<String>>,
    rename: Vec<(String, String)>,
    schema: &Value,
) -> Result<View> {
    for (at, (from, to)) in rename.iter().enumerate() {
        let twice = |(other, name): &(String, String)| other == from || name == to;
        let stays =
            |select: &Vec<String>| select.contains(to) && !rename.iter().any(|(other, _)| other == to);
        if rename[..at].iter().any(twice) || select.as_ref().is_some_and(stays) {
            return Err(Error::config(format!(
                "rename: {from} cannot be {to}, which another property is"
            )));
        }
        if let Some(select) = select.as_ref().filter(|select| !select.contains(from)) {
            return Err(Error::config(format!(
                "rename: {from} is not selected; selected are {}",
                select.join(", ")
            )));
        }
    }
    Ok(View {
        select,
        rename,
        shape: format.has_texts().then(|| Shape::of(schema)),
    })
}

impl Node {
    /// The placeholders that this stream's requests may have.
    fn placeholders(&self, inherited: &[String]) -> Vec<String> {
        let mut known = inherited.to_vec();
        known.extend(self.context.iter().map(|(name, _)| name.clone()));
        known.extend(
            self.partitions
                .iter()
                .flat_map(|partition| partition.keys().cloned()),
        );
        if self.since.is_some() {
            known.extend([SINCE.to_owned(), UNTIL.to_owned()]);
        }
        known.sort();
        known.dedup();
        known
    }

    fn check(&self, known: &[String]) -> Result<()> {
        let page = self.paging.placeholder();
        let names: Vec<&str> = known.iter().map(String::as_str).chain(page).collect();
        let in_values = |pairs: &[(String, Filled)]| -> Result<()> {
            let mut templates = pairs.iter().flat_map(|(_, filled)| filled.templates());
            templates.try_for_each(|template| template.check(&names))
        };
        self.path.check(&names)?;
        in_values(&self.query)?;
        in_values(&self.form)?;
        self.headers
            .iter()
            .try_for_each(|(_, template)| template.check(&names))?;
        self.body
            .iter()
            .flat_map(Filled::templates)
            .try_for_each(|template| template.check(&names))?;
        if matches!(self.paging.place, Some(Place::Body(_))) && self.body.is_none() {
            return Err(Error::config(
                "the pages are asked for in the body, and there is no JSON body",
            ));
        }
        if self.body.is_some() && !self.form.is_empty() {
            return Err(Error::config("a request has a JSON body or a form, and not both"));
        }
        let constants: Vec<&str> = known
            .iter()
            .map(String::as_str)
            .filter(|name| !is_of_since(name))
            .collect();
        let added = self.add.iter().flat_map(|(_, filled)| filled.templates());
        added
            .into_iter()
            .try_for_each(|template| template.check(&constants))
    }

    /// What names a partition is a property of its records, when the schema has it.
    fn add_properties(&mut self, known: &[String], schema: &Value) -> Result<()> {
        let properties = schema.get("properties").and_then(Value::as_object);
        for name in known.iter().filter(|name| !is_of_since(name)) {
            let has = properties.is_some_and(|properties| properties.contains_key(name));
            if has && !self.add.iter().any(|(property, _)| property == name) {
                let template = Value::from(format!("{{{name}}}"));
                self.add.push((name.clone(), Filled::compile(&template)?));
            }
        }
        Ok(())
    }
}
