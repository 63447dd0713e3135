//! An API: where it is, how it is asked, and what all its streams have in common.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use melisma_engine::{Error, Result};
use serde_json::Value;

use super::auth::Authenticator;
use super::clock::{Clock, SystemClock};
use super::judge::NoRules;
use super::limits::{Limiter, Places};
use super::meter::Meter;
use super::pages::Pages;
use super::recorder::Recorder;
use super::request::{Request, Response};
use super::retry::Retry;
use super::since::Since;
use super::transport::Agents;
use super::url;
use crate::signals::Stop;
use crate::tap::Context;

/// Requests under way.
const CONCURRENT: usize = 4;
/// The longest time without a byte from the server.
const SILENCE: Duration = Duration::from_mins(5);

/// An API: where it is, how it is asked, and what all its streams have in common. Clones share connections, tokens and pace.
///
/// ```
/// use melisma_sdk::http::{Bearer, Client, Pages};
/// use melisma_sdk::{Context, Secret};
///
/// let token = Secret::new("t".to_owned());
/// let client = Client::new("https://api.example.com/v2", &Context::default())?
///     .auth(Bearer::new(&token))
///     .pages(Pages::link_header())
///     .query("per_page", 100)
///     .per_second(5.0);
/// # Ok::<(), melisma_sdk::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(super) base: String,
    pub(super) agents: Agents,
    pub(super) stop: Stop,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retry: Retry,
    pub(super) limiter: Arc<Limiter>,
    pub(super) places: Arc<Places>,
    pub(super) auth: Option<Arc<dyn Authenticator>>,
    pub(super) headers: Vec<(String, String)>,
    silence: Duration,
    user_agent: String,
    ca_file: Option<PathBuf>,
    pub(super) query: Vec<(String, Value)>,
    pub(super) pages: Pages,
    pub(super) since: Option<Since>,
    concurrent: usize,
    pub(super) recorder: Option<Recorder>,
}

impl Client {
    /// The API at this address, below which all paths are.
    pub fn new(base: &str, context: &Context) -> Result<Self> {
        url::check(base)?;
        if base.contains('?') {
            return Err(Error::config(
                "the address of an API has no query; a parameter of all requests is Client::query",
            ));
        }
        let stop = context.stop().clone();
        let user_agent = format!("melisma/{}", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            base: base.to_owned(),
            agents: Agents::new(stop.clone(), SILENCE, &user_agent, None),
            clock: Arc::new(SystemClock::new(stop.clone())),
            stop,
            retry: Retry::default(),
            limiter: Arc::default(),
            places: Arc::new(Places::new(CONCURRENT)),
            auth: None,
            headers: Vec::new(),
            silence: SILENCE,
            user_agent,
            ca_file: None,
            query: Vec::new(),
            pages: Pages::none(),
            since: None,
            concurrent: CONCURRENT,
            recorder: context.recorder().cloned(),
        })
    }

    /// Who asks. Credentials go to the origin of the API's address (scheme, host and port) and to no other, wherever a redirect
    /// or a link to the next page leads.
    #[must_use]
    pub fn auth(mut self, auth: impl Authenticator + 'static) -> Self {
        self.auth = Some(Arc::new(auth));
        self
    }

    /// A header of every request to the API's own origin.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A parameter in the query of every stream's first page. Those that come with a link to the next page stay as they are
    /// there.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// How the pages of a stream follow each other, where the stream does not say.
    #[must_use]
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// How the requests of a stream with a bookmark say so, where the stream does not say.
    #[must_use]
    pub fn since(mut self, since: impl Into<Since>) -> Self {
        self.since = Some(since.into());
        self
    }

    /// How requests are tried again.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The largest number of requests in a second.
    #[must_use]
    pub fn per_second(mut self, rate: f64) -> Self {
        self.limiter = Arc::new(Limiter::per_second(rate));
        self
    }

    /// How many requests are under way at most, 4 as a rule: the next page while one is written, and the children of several
    /// parents. Records come in the same order, whatever it is. With 1 no request is sent before the one before is written.
    #[must_use]
    pub fn concurrent(mut self, requests: usize) -> Self {
        self.concurrent = requests.max(1);
        self.places = Arc::new(Places::new(self.concurrent));
        self
    }

    /// The longest time without a byte from the server: five minutes if not set.
    #[must_use]
    pub fn timeout(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self.renew_agents();
        self
    }

    /// The name in the header `User-Agent`.
    #[must_use]
    pub fn user_agent(mut self, name: &str) -> Self {
        name.clone_into(&mut self.user_agent);
        self.renew_agents();
        self
    }

    /// A file with certificates (PEM) that are trusted besides those of the system.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self.renew_agents();
        self
    }

    /// The clock that waits go by, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn renew_agents(&mut self) {
        self.agents = Agents::new(
            self.stop.clone(),
            self.silence,
            &self.user_agent,
            self.ca_file.clone(),
        );
    }

    /// Sends a request to the API, signed, and again where that helps. An answer that is not 2xx is an error.
    pub fn send(&self, request: &Request) -> Result<Response> {
        self.ask(request, &Meter::default(), &NoRules)
    }

    /// How many requests are under way at most. While they are recorded, one: then their order is always the same.
    pub(super) fn concurrency(&self) -> usize {
        if self.recorder.is_some() {
            1
        } else {
            self.concurrent
        }
    }

    /// Whether the run is asked to end.
    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The moment by the clock that waits go by.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}
