//! Airbyte's low-code manifests: read, checked, and made into streams.
//!
//! `refs` replaces references and hands parameters down, `components` knows what is taken, `build` makes a [`plan::Plan`] of each
//! stream, and `stream` reads it: `routers` have its partitions, `cursor` its windows, `request` its requests, `pages` what follows
//! a page, `errors` what an answer means, `records`, `changes` and `normal` its records. `jinja` fills in expressions.

mod address;
mod agent;
mod auth;
mod build;
mod changes;
mod components;
mod cursor;
mod dates;
mod errors;
mod expressions;
mod headers;
mod jinja;
mod mapping;
mod normal;
mod pages;
mod part;
mod places;
mod plan;
mod records;
mod refs;
mod request;
mod routers;
mod said;
mod session;
mod slices;
mod stream;
mod strptime;
mod waits;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use melisma_sdk::tap::Refused;
use melisma_sdk::{Catalog, Context, Error, Result, Stream, secret};
use serde_json::{Map, Value, json};

use crate::definition::{read_file, yaml};
use crate::infer;
use build::Builder;
pub use components::{COMPONENTS, Fate, MEMBERS};
use plan::Plan;
use routers::Found;

/// The records that a schema is inferred from.
const SAMPLES: usize = 100;

/// A manifest with its config.
pub(crate) struct Manifest {
    plans: Vec<Arc<Plan>>,
    refused: Vec<Refused>,
}

impl Manifest {
    pub(crate) fn open(
        manifest: &Value,
        config: &Map<String, Value>,
        token_file: Option<&str>,
        context: &Context,
    ) -> Result<Self> {
        let (value, folder, shown) = read(manifest)?;
        let in_file = |error: Error| Error::config(format!("{shown}: {}", error.message()));
        let resolved = refs::resolve(&value).map_err(in_file)?;
        check_config(&resolved, config)?;
        let streams = resolved
            .get("streams")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let dynamic = resolved
            .get("dynamic_streams")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if streams.is_empty() && dynamic.is_empty() {
            return Err(Error::config(format!(
                "{shown}: streams: there is none; is this a low-code manifest?"
            )));
        }
        if resolved.get("api_budget").is_some() {
            log::warn!("{shown}: api_budget is ignored; waits that the server asks for count");
        }
        let builder = Builder::new(Value::Object(config.clone()), context, folder, token_file);
        let mut made = Self {
            plans: Vec::new(),
            refused: Vec::new(),
        };
        for (at, stream) in streams.iter().enumerate() {
            let place = format!("streams[{at}]");
            let name = Builder::name(stream).unwrap_or_else(|| place.clone());
            match builder.stream(stream, &place) {
                Ok(plan) => made.plans.push(Arc::new(plan)),
                Err(error) => made.refused.push(Refused::new(name, error.message())),
            }
        }
        for at in 0..dynamic.len() {
            let name = format!("dynamic_streams[{at}]");
            made.refused.push(Refused::new(
                name.clone(),
                format!("{name}: DynamicDeclarativeStream is not supported"),
            ));
        }
        Ok(made)
    }

    /// The streams that are not taken, each with why.
    pub(crate) fn refused(&self) -> Vec<Refused> {
        self.refused.clone()
    }

    /// The streams; `catalog` has the schemas of those whose manifest has none.
    pub(crate) fn streams(&self, catalog: Option<&Catalog>) -> Result<Vec<Stream<'_>>> {
        let found = Found::default();
        let mut streams = Vec::new();
        for plan in &self.plans {
            let known = || {
                let entry = catalog?.entries().find(|entry| entry.id() == plan.name)?;
                entry.schema().cloned()
            };
            let schema = match &plan.schema {
                Value::Null => match known() {
                    Some(schema) => schema,
                    None => Self::inferred(plan, &found).map_err(|error| error.in_stream(&plan.name))?,
                },
                schema => schema.clone(),
            };
            streams.push(stream(plan, &found, schema));
        }
        Ok(streams)
    }

    fn inferred(plan: &Plan, found: &Found) -> Result<Value> {
        let samples = plan.sample(found, SAMPLES)?;
        let cursor = plan.cursor.as_ref().map(|cursor| cursor.field.as_str());
        let keys: Vec<&str> = plan.key.iter().map(String::as_str).chain(cursor).collect();
        Ok(infer::schema(&samples, &keys, false))
    }
}

fn stream<'p>(plan: &'p Arc<Plan>, found: &Found, mut schema: Value) -> Stream<'p> {
    let cursor = plan.cursor.as_ref().map(|cursor| cursor.field.as_str());
    if !schema.get("properties").is_some_and(Value::is_object) {
        schema["properties"] = json!({});
    }
    // A key that the schema forgets is in the records all the same.
    for name in plan.key.iter().map(String::as_str).chain(cursor) {
        if schema["properties"].get(name).is_none() {
            schema["properties"][name] = json!({"type": ["string", "null"]});
        }
    }
    let mut made = Stream::new(plan.name.as_str(), schema).key(plan.key.iter().map(String::as_str));
    if let Some(field) = cursor {
        made = made.replication_key(field).manual_bookmark().own_start_date();
    }
    let found = found.clone();
    made.sync(move |output| plan.sync(&found, output))
}

/// The manifest, the folder that its files are in, and what names it.
fn read(manifest: &Value) -> Result<(Value, PathBuf, String)> {
    match manifest {
        Value::String(text) if text.contains('\n') || text.trim_start().starts_with('{') => Ok((
            yaml(text, "the manifest")?,
            PathBuf::new(),
            "the manifest".to_owned(),
        )),
        Value::String(path) => {
            let text = read_file(path, "manifest")?;
            let folder = Path::new(path).parent().map(Path::to_owned).unwrap_or_default();
            Ok((yaml(&text, path)?, folder, path.clone()))
        }
        other => Ok((other.clone(), PathBuf::new(), "the manifest".to_owned())),
    }
}

/// Masks the secrets of the config, and checks that it has what the manifest asks for.
fn check_config(manifest: &Value, config: &Map<String, Value>) -> Result<()> {
    let Some(asked) = manifest.pointer("/spec/connection_specification") else {
        return Ok(());
    };
    hide(asked, &Value::Object(config.clone()));
    let required = asked
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for name in required.filter_map(Value::as_str) {
        if config.get(name).is_none_or(Value::is_null) {
            return Err(Error::config(format!(
                "config: {}: required, but not given",
                melisma_sdk::show(name)
            )));
        }
    }
    Ok(())
}

/// Masks what the specification says is secret, also in one of several forms.
fn hide(asked: &Value, value: &Value) {
    if asked.get("airbyte_secret") == Some(&Value::Bool(true))
        && let Some(text) = value.as_str()
    {
        secret::hide(text);
    }
    for (name, asked) in asked
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if let Some(value) = value.get(name) {
            hide(asked, value);
        }
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        for asked in asked.get(word).and_then(Value::as_array).into_iter().flatten() {
            hide(asked, value);
        }
    }
}
