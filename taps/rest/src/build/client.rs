//! What all streams of a definition have in common.

use melisma_sdk::http::{Client, Retry};
use melisma_sdk::{Context, Error, Result};

use super::auth::authenticated;
use super::settings::{duration, text_members};
use super::{filled, pages};
use crate::definition::Source;

/// The client of a definition.
pub(crate) fn client(source: &Source, context: &Context) -> Result<Client> {
    let definition = &source.definition;
    let mut client = Client::new(&source.settings.text(&definition.url, "url")?, context)?;
    for (name, value) in text_members(source, &definition.headers, "headers")? {
        client = client.header(&name, &value);
    }
    for (name, value) in filled(source, &definition.query)? {
        client = client.query(&name, value);
    }
    if let Some(name) = &definition.user_agent {
        client = client.user_agent(name);
    }
    if let Some(pages) = &definition.pages {
        client = client.pages(pages::of(pages, "pages")?);
    }
    client = limits(source, client)?;
    match &definition.auth {
        Some(auth) => authenticated(source, client, auth),
        None => Ok(client),
    }
}

fn limits(source: &Source, mut client: Client) -> Result<Client> {
    let limits = &source.definition.limits;
    if let Some(rate) = limits.per_second {
        if rate <= 0.0 {
            return Err(Error::config("limits.per_second: expected a number above 0"));
        }
        client = client.per_second(rate);
    }
    if let Some(requests) = limits.concurrent {
        client = client.concurrent(requests);
    }
    if let Some(silence) = &limits.timeout {
        client = client.timeout(duration(silence, "limits.timeout")?);
    }
    if let Some(path) = &limits.ca_file {
        client = client.ca_file(source.folder.join(path));
    }
    let mut retry = Retry {
        statuses: limits.retry_statuses.clone(),
        wait_header: limits.wait_header.clone(),
        ..Retry::default()
    };
    if let Some(tries) = limits.tries {
        retry.tries = tries.max(1);
    }
    if let Some(wait) = &limits.max_wait {
        retry.max_wait = duration(wait, "limits.max_wait")?;
    }
    if let Some(wait) = &limits.wait_extra {
        retry.wait_extra = duration(wait, "limits.wait_extra")?;
    }
    Ok(client.retry(retry))
}
