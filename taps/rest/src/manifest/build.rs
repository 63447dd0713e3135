//! Makes the plan of a stream from its components.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use melisma_sdk::http::{Client, Requester};
use melisma_sdk::{Context, Error, Result};
use serde_json::{Map, Value};

use super::agent::Agent;
use super::auth::Agents;
use super::changes::Change;
use super::cursor::Cursor;
use super::errors::Handler;
use super::jinja::{self, Scope, Templates};
use super::pages::Paginator;
use super::part::Part;
use super::plan::Plan;
use super::records::Selector;
use super::refs;
use super::request::{REQUEST, Requests};
use super::routers::{Parent, Router};
use crate::definition::{read_file, yaml};
use crate::python;

/// What all streams of a manifest have in common.
pub(super) struct Builder<'b> {
    templates: Templates,
    config: Value,
    scope: Scope,
    context: &'b Context,
    folder: PathBuf,
    token_file: Option<&'b str>,
    agents: Mutex<HashMap<String, Arc<Agent>>>,
}

impl<'b> Builder<'b> {
    pub(super) fn new(
        config: Value,
        context: &'b Context,
        folder: PathBuf,
        token_file: Option<&'b str>,
    ) -> Self {
        Self {
            templates: Templates::new(),
            scope: Scope::default().with("config", jinja::value(&config)),
            config,
            context,
            folder,
            token_file,
            agents: Mutex::default(),
        }
    }

    /// The name of a stream, whether or not it is taken.
    pub(super) fn name(stream: &Value) -> Option<String> {
        let Value::Object(stream) = stream else {
            return None;
        };
        let stream = refs::hand_down("DeclarativeSource.streams", stream, &Map::new());
        stream.get("name").and_then(Value::as_str).map(str::to_owned)
    }

    pub(super) fn stream(&self, stream: &Value, place: &str) -> Result<Plan> {
        let Value::Object(stream) = stream else {
            return Err(Error::config(format!("{place}: expected an object")));
        };
        let whole = Value::Object(refs::hand_down("DeclarativeSource.streams", stream, &Map::new()));
        self.plan(&Part::of(&whole, place)?)
    }

    fn plan(&self, part: &Part<'_>) -> Result<Plan> {
        if part.kind() != "DeclarativeStream" {
            return Err(Error::config(format!(
                "{}: {} is not supported",
                part.place,
                melisma_sdk::show(part.kind())
            )));
        }
        let templates = &self.templates;
        let name = part.str("name").ok_or_else(|| part.missing("name"))?.to_owned();
        let cursor = part.child("incremental_sync")?;
        let cursor = cursor
            .map(|cursor| Cursor::of(&cursor, templates, &self.scope))
            .transpose()?;
        let changes = part.children("transformations")?;
        let changes = changes
            .iter()
            .map(|change| Change::of(change, templates))
            .collect::<Result<Vec<_>>>()?;
        let retriever = part.needed("retriever")?;
        if let Some(decoder) = retriever.child("decoder")?
            && decoder.kind() != "JsonDecoder"
        {
            return Err(retriever.refuse("decoder", "is not supported"));
        }
        let routers = retriever.children("partition_router")?;
        let routers = routers
            .iter()
            .map(|router| self.router(router))
            .collect::<Result<Vec<_>>>()?;
        let extra: Vec<String> = routers.iter().flat_map(Router::extra_names).collect();
        let names: Vec<&str> = REQUEST
            .iter()
            .copied()
            .chain(extra.iter().map(String::as_str))
            .collect();
        let requester = retriever.needed("requester")?;
        let agents = Agents {
            context: self.context,
            templates,
            scope: &self.scope,
            config: &self.config,
            token_file: self.token_file,
            made: Mutex::new(std::mem::take(
                &mut *self
                    .agents
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            )),
        };
        let agent = agents.of(&requester);
        *self
            .agents
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = agents
            .made
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let handler = Arc::new(Handler::of(
            requester.child("error_handler")?.as_ref(),
            templates,
            &self.scope,
        )?);
        let requests = Requests::of(&requester, templates, agent?, Arc::clone(&handler), &names)?;
        let selector = retriever.needed("record_selector")?;
        let client_side = cursor.as_ref().is_some_and(|cursor| cursor.client_side);
        // Every request has a client of its own origin; this one knows how many may be under way.
        let client = Client::new("http://localhost", self.context)?;
        Ok(Plan {
            schema: self.schema(part)?,
            key: key(part)?,
            requester: Requester::new(&client, &name).judge(handler),
            requests,
            selector: Selector::of(&selector, templates, changes, client_side)?,
            paginator: Paginator::of(retriever.child("paginator")?.as_ref(), templates, &self.scope)?,
            routers,
            cursor,
            slices_first_page_only: retriever.flag("ignore_stream_slicer_parameters_on_paginated_requests"),
            scope: self.scope.clone(),
            name,
        })
    }

    fn router(&self, part: &Part<'_>) -> Result<Router> {
        match part.kind() {
            "ListPartitionRouter" => Router::list(part, &self.templates, &self.scope),
            "SubstreamPartitionRouter" => {
                let parents = part.children("parent_stream_configs")?;
                let parent = |config: &Part<'_>| {
                    let stream = config.needed("stream")?;
                    Parent::of(
                        config,
                        &self.templates,
                        &self.scope,
                        Arc::new(self.plan(&stream)?),
                    )
                };
                Ok(Router::Parents(
                    parents.iter().map(parent).collect::<Result<_>>()?,
                ))
            }
            other => Err(Error::config(format!(
                "{}: {} is no partition router",
                part.place,
                melisma_sdk::show(other)
            ))),
        }
    }

    /// The schema of a stream; null where it is to be inferred.
    fn schema(&self, part: &Part<'_>) -> Result<Value> {
        let loaders = part.children("schema_loader")?;
        let mut schemas = loaders.iter().map(|loader| match loader.kind() {
            "InlineSchemaLoader" => Ok(loader.get("schema").cloned().unwrap_or(Value::Null)),
            _ => self.schema_file(loader),
        });
        let Some(first) = schemas.next() else {
            return Ok(Value::Null);
        };
        let mut schema = first?;
        for other in schemas {
            let other = other?;
            if let (Some(Value::Object(known)), Some(Value::Object(more))) =
                (schema.get_mut("properties"), other.get("properties"))
            {
                known.extend(more.clone());
            }
        }
        Ok(schema)
    }

    fn schema_file(&self, loader: &Part<'_>) -> Result<Value> {
        let path = loader
            .text(&self.templates, "file_path", &[])?
            .ok_or_else(|| loader.missing("file_path"))?;
        let path = path.text(&self.scope)?;
        // Airbyte names it from the folder above the connector's own.
        let own = path.trim_start_matches("./");
        let below = own.split_once('/').map_or(own, |(_, below)| below);
        let found = [own, below]
            .iter()
            .map(|path| self.folder.join(path))
            .find(|path| path.exists());
        let found = found.ok_or_else(|| {
            loader.refuse(
                "file_path",
                &format!("names no file: {}", melisma_sdk::show(&path)),
            )
        })?;
        let shown = found.display().to_string();
        yaml(&read_file(&shown, "schema")?, &shown)
    }
}

/// The names of the key; of nested ones only those at the top.
fn key(part: &Part<'_>) -> Result<Vec<String>> {
    Ok(match part.get("primary_key") {
        None => Vec::new(),
        Some(Value::String(name)) if name.is_empty() => Vec::new(),
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => {
            let one = |name: &Value| match name {
                Value::Array(path) if path.len() == 1 => Ok(python::str(&path[0])),
                Value::Array(_) => Err(part.refuse("primary_key", "is within a property")),
                name => Ok(python::str(name)),
            };
            names.iter().map(one).collect::<Result<_>>()?
        }
        Some(_) => return Err(part.refuse("primary_key", "is no name and no list of names")),
    })
}
