//! Clients with the credentials of one authenticator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use melisma_sdk::http::{Authenticator, Client, Request, Unsigned};
use melisma_sdk::{Context, Result};

use super::jinja::{Scope, Text};
use super::said::{Place, Said};

/// Sends the requests of one authenticator: a client for each origin, all with the same tokens.
pub(super) struct Agent {
    pub(super) context: Context,
    pub(super) auth: Option<Shared>,
    /// A key in the body.
    pub(super) in_body: Option<(Place, Text)>,
    pub(super) clients: Mutex<HashMap<String, Client>>,
}

#[derive(Clone)]
pub(super) struct Shared(pub(super) Arc<dyn Authenticator>);

impl Authenticator for Shared {
    fn sign(&self, request: &mut Request, http: &Unsigned<'_>) -> Result<()> {
        self.0.sign(request, http)
    }

    fn rejected(&self, request: &Request) -> bool {
        self.0.rejected(request)
    }
}

impl Agent {
    /// The client of an address. Credentials go to its origin alone, wherever links and redirects lead.
    pub(super) fn client(&self, url: &str) -> Result<Client> {
        let start = url.find("://").map_or(0, |at| at + 3);
        let end = url[start..]
            .find(['/', '?', '#'])
            .map_or(url.len(), |at| start + at);
        let origin = &url[..end];
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(origin) {
            return Ok(client.clone());
        }
        let mut client = Client::new(origin, &self.context)?;
        if let Some(auth) = &self.auth {
            client = client.auth(auth.clone());
        }
        clients.insert(origin.to_owned(), client.clone());
        Ok(client)
    }

    pub(super) fn put_in_body(&self, said: &mut Said, scope: &Scope) -> Result<()> {
        match &self.in_body {
            Some((place, key)) => place.put(said, key.text(scope)?.into(), scope),
            None => Ok(()),
        }
    }
}
