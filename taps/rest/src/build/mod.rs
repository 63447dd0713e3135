//! Makes the client and the streams of a definition.

mod auth;
mod client;
mod pages;
mod records;
mod settings;
mod stream;

use std::collections::BTreeMap;

use melisma_sdk::http::{Client, RestStream};
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::definition::{Source, Stream};

pub(crate) use client::client;

/// The schemas of streams by their names.
pub(crate) type Schemas = BTreeMap<String, Value>;

/// The streams that have no parent, each with its name and with its children. A stream without a schema among `schemas` gets
/// one that says nothing.
pub(crate) fn streams(
    source: &Source,
    client: &Client,
    schemas: &Schemas,
) -> Result<Vec<(String, RestStream<'static>)>> {
    let all = &source.definition.read;
    for (name, stream) in all {
        check_parent(name, stream, all)?;
    }
    let roots = all.iter().filter(|(_, stream)| stream.parent.is_none());
    roots
        .map(|(name, stream)| Ok((name.clone(), family(source, client, schemas, name, stream)?)))
        .collect()
}

/// The names of a stream, its children and theirs.
pub(crate) fn family_of(source: &Source, name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    for (child, stream) in &source.definition.read {
        if stream.parent.as_deref() == Some(name) {
            names.extend(family_of(source, child));
        }
    }
    names
}

fn family(
    source: &Source,
    client: &Client,
    schemas: &Schemas,
    name: &str,
    stream: &Stream,
) -> Result<RestStream<'static>> {
    let made = stream::make(source, client, schemas, name, stream);
    let mut made = made.map_err(|error| error.in_stream(name))?;
    for (child, below) in &source.definition.read {
        if below.parent.as_deref() == Some(name) {
            made = made.child(family(source, client, schemas, child, below)?);
        }
    }
    Ok(made)
}

/// Fails when a stream has a parent that is none, or is its own ancestor.
fn check_parent(name: &str, stream: &Stream, all: &[(String, Stream)]) -> Result<()> {
    let mut above = stream.parent.as_deref();
    for _ in 0..=all.len() {
        let Some(parent) = above else { return Ok(()) };
        let Some((_, found)) = all.iter().find(|(known, _)| known == parent) else {
            let names: Vec<&str> = all.iter().map(|(known, _)| known.as_str()).collect();
            let message = format!(
                "parent: there is no stream {parent}; there are {}",
                names.join(", ")
            );
            return Err(Error::config(message).in_stream(name));
        };
        above = found.parent.as_deref();
    }
    Err(Error::config("parent: the stream is a parent of itself").in_stream(name))
}

/// The members of an object in a definition, with the settings filled in.
fn filled(source: &Source, members: &Map<String, Value>) -> Result<Vec<(String, Value)>> {
    let pairs = members
        .iter()
        .map(|(name, value)| Ok((name.clone(), source.settings.value(value)?)));
    pairs.collect()
}
