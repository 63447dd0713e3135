//! One stream of a definition.

use melisma_sdk::http::{Client, OnStatus, RestStream, Since};
use melisma_sdk::{Error, Result, Stream, json};
use serde_json::{Map, Value};

use super::settings::duration;
use super::{Schemas, filled, pages, records};
use crate::definition::{self, OneOf, Reaction, Source, State};

/// Makes a stream, without its children.
pub(super) fn make(
    source: &Source,
    client: &Client,
    schemas: &Schemas,
    name: &str,
    said: &definition::Stream,
) -> Result<RestStream<'static>> {
    let mut values = Values {
        source,
        parent: said.parent.as_deref(),
        fields: Vec::new(),
    };
    let schema = schemas.get(name).cloned();
    let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": keys_of(said)}));
    let date_time = |field: &str| schema["properties"][field]["format"] == "date-time";
    let since_is_dated = said.since.as_ref().is_some_and(|since| date_time(since.field()));
    let mut stream = Stream::new(name, schema);
    stream = match &said.key {
        Some(OneOf::Short(key)) => stream.key([key.as_str()]),
        Some(OneOf::Long(keys)) => stream.key(keys.iter().map(String::as_str)),
        None => stream,
    };
    if said.not_selected {
        stream = stream.not_selected_by_default();
    }
    let since = said.since.as_ref();
    match since {
        Some(OneOf::Short(field)) => stream = stream.replication_key(field),
        Some(OneOf::Long(since)) => {
            stream = stream.replication_key(&since.field);
            if since.sorted {
                stream = stream.sorted();
            }
        }
        None => {}
    }
    let path = said.path.as_deref().unwrap_or_default();
    if path.is_empty() && said.graphql.is_none() {
        return Err(Error::config("path: required, but not given"));
    }
    let has_body = said.json.is_some() || said.graphql.is_some() || !said.form.is_empty();
    let method = said
        .method
        .as_deref()
        .unwrap_or(if has_body { "POST" } else { "GET" });
    let mut made = client.request(method.to_ascii_uppercase(), values.text(path)?, stream);
    for (name, value) in &said.query {
        made = made.query(name, values.value(value)?);
    }
    for (name, value) in &said.headers {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        made = made.header(name, values.text(&text)?);
    }
    made = body(said, made, &mut values)?;
    made = records::of(source, said, made)?;
    for (property, value) in &said.add {
        made = made.add(property, values.value(value)?);
    }
    if let Some(records) = &said.records {
        made = made.records(records);
    }
    if let Some(pages) = &said.pages {
        made = made.pages(pages::of(pages, "pages")?);
    }
    if let Some(OneOf::Long(since)) = since {
        made = made.since(since_of(source, since, since_is_dated)?);
    }
    for (what, reaction) in &said.errors {
        let reaction = reaction_to(what, reaction)?;
        made = match what.strip_prefix('$') {
            Some(_) => made.on_body(what, reaction),
            None => made.on_status(status_of(what)?, reaction),
        };
    }
    if !said.each.is_empty() {
        made = made.partitions(products(&filled(source, &said.each)?)?);
    }
    match (said.parent.as_deref(), values.fields.as_slice()) {
        (Some(parent), []) => {
            return Err(Error::config(format!(
                "parent: nothing is taken from {parent}; say {{parent.id}} in the path"
            )));
        }
        (Some(parent), fields) => {
            for field in fields {
                made = made.from_parent(format!("{parent}.{field}"), field);
            }
        }
        (None, _) => {}
    }
    if let Some(flatten) = &said.flatten {
        let flatten = flatten.clone();
        made = made.map(move |record| Ok(Some(flatten.record(record))));
    }
    if said.state == State::Shared {
        made = made.shared_bookmark();
    }
    Ok(made)
}

fn body(
    said: &definition::Stream,
    mut made: RestStream<'static>,
    values: &mut Values<'_>,
) -> Result<RestStream<'static>> {
    let bodies = [said.json.is_some(), said.graphql.is_some(), !said.form.is_empty()];
    if bodies.iter().filter(|given| **given).count() > 1 {
        return Err(Error::config("a request has one body: json, form or graphql"));
    }
    if said.graphql.is_none() && !said.variables.is_empty() {
        return Err(Error::config(
            "variables: there is no graphql query that has them",
        ));
    }
    if let Some(json) = &said.json {
        made = made.json(values.value(json)?);
    }
    if let Some(query) = &said.graphql {
        let variables = values.value(&Value::Object(said.variables.clone()))?;
        made = made.graphql(query, &variables);
    }
    for (name, value) in &said.form {
        made = made.form(name, values.value(value)?);
    }
    Ok(made)
}

/// The key and the replication key, as properties of a schema that is not known yet.
fn keys_of(said: &definition::Stream) -> Value {
    let property = |name: &str| (name.to_owned(), json!({"type": "string"}));
    Value::Object(said.key_names().into_iter().map(property).collect())
}

fn since_of(source: &Source, said: &definition::Since, is_dated: bool) -> Result<Since> {
    let mut since = match &said.query {
        Some(query) => Since::query(query),
        None => Since::placeholder(),
    };
    let date_time = said.date_time.as_ref().filter(|_| is_dated);
    if let Some(format) = said.format.as_ref().or(date_time) {
        since = since.format(format);
    }
    if let Some(lookback) = &said.lookback {
        since = since.lookback(duration(lookback, "since.lookback")?);
    }
    if let Some(query) = &said.until {
        since = since.until(query);
    }
    if let Some(step) = &said.step {
        let step = duration(step, "since.step")?;
        if step.is_zero() {
            return Err(Error::config("since.step: expected a time above 0"));
        }
        since = since.step(step);
    }
    if let Some(start) = &said.start {
        since = since.start(source.settings.text(start, "since.start")?);
    }
    if let Some(granularity) = &said.granularity {
        if said.step.is_none() {
            return Err(Error::config(
                "since.granularity: only windows (step) end before the next begins",
            ));
        }
        since = since.granularity(duration(granularity, "since.granularity")?);
    }
    Ok(since)
}

/// A status that `errors` names.
fn status_of(text: &str) -> Result<u16> {
    let number = text.parse().ok().filter(|number| (100..600).contains(number));
    number.ok_or_else(|| {
        Error::config(format!(
            "errors.{text}: expected a status such as 404, or a JSON path such as $.errors[0]"
        ))
    })
}

fn reaction_to(what: &str, reaction: &Value) -> Result<OnStatus> {
    let reaction: Reaction = serde_json::from_value(reaction.clone()).map_err(|_| {
        Error::config(format!(
            "errors.{what}: expected skip, retry, wait or fail, found {reaction}"
        ))
    })?;
    Ok(match reaction {
        Reaction::Skip => OnStatus::Skip,
        Reaction::Retry => OnStatus::Retry,
        Reaction::Wait => OnStatus::Wait,
        Reaction::Fail => OnStatus::Fail,
    })
}

/// Every combination of the values of all lists.
fn products(lists: &[(String, Value)]) -> Result<Vec<Map<String, Value>>> {
    let mut all = vec![Map::new()];
    for (name, values) in lists {
        let Value::Array(values) = values else {
            return Err(Error::config(format!("each.{name}: expected a list")));
        };
        let with = |before: &Map<String, Value>| {
            let before = before.clone();
            values.iter().map(move |value| {
                let mut more = before.clone();
                more.insert(name.clone(), value.clone());
                more
            })
        };
        all = all.iter().flat_map(with).collect();
    }
    Ok(all)
}

/// Fills settings into texts, and notes what they take from the parent.
struct Values<'s> {
    source: &'s Source,
    parent: Option<&'s str>,
    /// `id` of `{parent.id}`.
    fields: Vec<String>,
}

impl Values<'_> {
    fn text(&mut self, text: &str) -> Result<String> {
        let text = self.source.settings.template(text)?;
        self.of_parent(&text)
    }

    fn value(&mut self, value: &Value) -> Result<Value> {
        let value = self.source.settings.value(value)?;
        self.in_value(value)
    }

    fn in_value(&mut self, value: Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => self.of_parent(&text)?.into(),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.in_value(item))
                .collect::<Result<_>>()?,
            Value::Object(members) => {
                let members = members
                    .into_iter()
                    .map(|(name, value)| Ok((name, self.in_value(value)?)));
                Value::Object(members.collect::<Result<_>>()?)
            }
            other => other,
        })
    }

    /// `{parent.id}` becomes `{tickets.id}`, so that a parent and a grandparent have different names.
    fn of_parent(&mut self, text: &str) -> Result<String> {
        const PARENT: &str = "{parent.";
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(PARENT) {
            let Some(parent) = self.parent else {
                return Err(Error::config(format!("{text}: the stream has no parent")));
            };
            let after = &rest[at + PARENT.len()..];
            let end = after.find(['}', ':']).unwrap_or(after.len());
            let field = &after[..end];
            if !self.fields.iter().any(|known| known == field) {
                self.fields.push(field.to_owned());
            }
            made.push_str(&rest[..at]);
            made.extend(["{", parent, ".", field]);
            rest = &after[end..];
        }
        made.push_str(rest);
        Ok(made)
    }
}
