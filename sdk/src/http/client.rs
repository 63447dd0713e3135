//! Sends requests: signed, at the right pace, again when that helps, and never beyond a signal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use melisma_engine::error::show;
use melisma_engine::{Error, Kind, Result};
use serde_json::Value;
use ureq::http;

use super::auth::Authenticator;
use super::clock::{Clock, SystemClock};
use super::judge::{Judge, NoRules};
use super::limits::{Limiter, Places};
use super::meter::Meter;
use super::pages::Pages;
use super::recorder::Recorder;
use super::recording::Hop;
use super::request::{Request, Response};
use super::retry::{self, Retry, Verdict};
use super::since::Since;
use super::transport::Agents;
use super::unsigned::{Sender, Unsigned};
use super::url;
use crate::signals::Stop;
use crate::tap::Context;

/// The largest answer: a page is in memory as a whole.
const MAX_BODY: u64 = 1 << 30;
const MAX_REDIRECTS: usize = 10;
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
    agents: Agents,
    stop: Stop,
    clock: Arc<dyn Clock>,
    retry: Retry,
    limiter: Arc<Limiter>,
    places: Arc<Places>,
    auth: Option<Arc<dyn Authenticator>>,
    headers: Vec<(String, String)>,
    silence: Duration,
    user_agent: String,
    ca_file: Option<PathBuf>,
    pub(super) query: Vec<(String, Value)>,
    pub(super) pages: Pages,
    pub(super) since: Option<Since>,
    concurrent: usize,
    recorder: Option<Recorder>,
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

    pub(super) fn ask(&self, request: &Request, meter: &Meter, judge: &dyn Judge) -> Result<Response> {
        self.repeat(request, meter, judge, true)
    }

    fn repeat(&self, request: &Request, meter: &Meter, judge: &dyn Judge, signed: bool) -> Result<Response> {
        let most = judge.tries().unwrap_or(self.retry.tries);
        let mut tried = 0;
        let mut waited = Duration::ZERO;
        let mut renewed = false;
        loop {
            self.stop.check()?;
            self.limiter.wait(&*self.clock)?;
            let mut sent = request.clone();
            let own = signed && url::origin(&sent.url) == url::origin(&self.base);
            if own {
                for (name, value) in &self.headers {
                    sent.set_header(name, value.clone());
                }
                for (name, value) in &request.headers {
                    sent.set_header(name, value.clone());
                }
                if let Some(auth) = &self.auth {
                    auth.sign(&mut sent, &Unsigned::new(self))?;
                }
            } else if signed {
                sent.headers.clear();
            }
            let place = self.places.take(&self.stop)?;
            let mut hops = Vec::new();
            let answer = self.exchange(&sent, meter, &mut hops);
            drop(place);
            self.stop.check()?;
            let answer = match answer {
                Ok(answer) => answer,
                Err(Failed::Other(error)) => return Err(error),
                Err(Failed::Broken(why)) => {
                    tried += 1;
                    if tried >= most {
                        return Err(gave_up(request, tried, &why));
                    }
                    let wait = judge
                        .wait(None, tried)
                        .unwrap_or_else(|| retry::backoff(tried - 1));
                    self.pause(request, &why, wait)?;
                    continue;
                }
            };
            let asked = || retry::asked(&answer, self.clock.now(), &self.retry);
            let wait = match judge
                .judge(&answer)
                .map_or_else(|| self.retry.judge(&answer), Verdict::from)
            {
                Verdict::Good => {
                    self.record(hops);
                    return Ok(answer);
                }
                Verdict::Bad(why) => {
                    if answer.status == 401 && own && !renewed && self.renews(&sent) {
                        renewed = true;
                        continue;
                    }
                    self.record(hops);
                    return Err(refused(request, &answer, why));
                }
                Verdict::Renew if own && !renewed && self.renews(&sent) => {
                    renewed = true;
                    continue;
                }
                Verdict::Slow => {
                    let wait = judge.wait(Some(&answer), tried + 1).or_else(asked);
                    let wait = wait.map_or_else(|| retry::backoff(tried + 1), |wait| wait.max(LEAST));
                    waited += wait;
                    if waited > self.retry.max_wait {
                        return Err(self.too_long(request, wait));
                    }
                    wait
                }
                Verdict::Again | Verdict::Renew => {
                    tried += 1;
                    if tried >= most {
                        return Err(gave_up(request, tried, &described(&answer)));
                    }
                    let wait = judge.wait(Some(&answer), tried).or_else(asked);
                    let wait = wait.unwrap_or_else(|| retry::backoff(tried - 1));
                    if wait > self.retry.max_wait {
                        return Err(self.too_long(request, wait));
                    }
                    wait
                }
            };
            self.pause(request, &described(&answer), wait)?;
        }
    }

    fn pause(&self, request: &Request, why: &str, wait: Duration) -> Result<()> {
        log::info!("{request:?}: {why}; again in {:.1} s", wait.as_secs_f64());
        self.clock.wait(wait)
    }

    /// Records a request that is not sent again.
    fn record(&self, hops: Vec<Hop>) {
        if let Some(recorder) = &self.recorder {
            recorder.add(hops);
        }
    }

    fn renews(&self, sent: &Request) -> bool {
        self.auth.as_ref().is_some_and(|auth| auth.rejected(sent))
    }

    /// One request and the redirects that follow it. Another origin than that of the request gets none of its headers.
    fn exchange(&self, request: &Request, meter: &Meter, hops: &mut Vec<Hop>) -> Result<Response, Failed> {
        let begin = Instant::now();
        let mut sent = request.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.once(&sent);
            let status = answer.as_ref().ok().map(|answer| answer.status);
            meter.count(&request.endpoint, status, begin.elapsed());
            let answer = answer?;
            if self.recorder.is_some() {
                hops.push(Hop::of(&sent, &answer));
            }
            let location = answer
                .header("location")
                .filter(|_| matches!(answer.status, 301..=303 | 307 | 308));
            let Some(location) = location else {
                return Ok(answer);
            };
            let target = url::resolve(&sent.url, location).map_err(Failed::Other)?;
            let keeps_method = matches!(answer.status, 307 | 308) || matches!(&*sent.method, "GET" | "HEAD");
            if url::origin(&target) != url::origin(&sent.url) {
                if keeps_method && !matches!(&*sent.method, "GET" | "HEAD") {
                    let message = format!(
                        "{request:?}: redirected to another origin, which must not get what it carries"
                    );
                    return Err(Failed::Other(Error::new(Kind::Unavailable, message)));
                }
                sent.headers.clear();
            }
            if !keeps_method {
                "GET".clone_into(&mut sent.method);
                sent.body = super::request::Body::None;
            }
            sent.url = target;
        }
        let message = format!("{request:?}: redirected more than {MAX_REDIRECTS} times");
        Err(Failed::Other(Error::new(Kind::Unavailable, message)))
    }

    fn once(&self, request: &Request) -> Result<Response, Failed> {
        let wrong = |why: http::Error| {
            Failed::Other(
                Error::config(format!("{request:?}: no request can be made of it")).with_source(why),
            )
        };
        let (bytes, kind) = request.body.bytes();
        let mut built = http::Request::builder()
            .method(request.method.as_str())
            .uri(&request.url);
        if let Some(kind) = kind
            && !request
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            built = built.header("Content-Type", kind);
        }
        for (name, value) in &request.headers {
            built = built.header(name.as_str(), value.as_str());
        }
        let agent = self.agents.of(&request.url).map_err(Failed::Other)?;
        let answered = if bytes.is_empty() {
            agent.run(built.body(()).map_err(wrong)?)
        } else if matches!(&*request.method, "GET" | "DELETE" | "HEAD" | "OPTIONS") {
            // Some APIs are searched by a GET with a body.
            let (parts, ()) = built.body(()).map_err(wrong)?.into_parts();
            let mut forced = match &*request.method {
                "DELETE" => agent.delete(parts.uri),
                "HEAD" => agent.head(parts.uri),
                "OPTIONS" => agent.options(parts.uri),
                _ => agent.get(parts.uri),
            };
            if let Some(headers) = forced.headers_mut() {
                *headers = parts.headers;
            }
            forced.force_send_body().send(&bytes[..])
        } else {
            agent.run(built.body(bytes).map_err(wrong)?)
        };
        let mut answer = answered.map_err(Failed::of)?;
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_vec()
            .map_err(Failed::of)?;
        Ok(Response {
            status: answer.status().as_u16(),
            headers: std::mem::take(answer.headers_mut()),
            body,
            url: request.url.clone(),
        })
    }

    fn too_long(&self, request: &Request, wait: Duration) -> Error {
        let (wait, most) = (wait.as_secs(), self.retry.max_wait.as_secs());
        Error::new(
            Kind::Retry,
            format!(
                "{request:?}: the server wants another wait of {wait} s, and {most} s in all is the most (max_wait)"
            ),
        )
    }
}

/// The shortest wait: a server that says "now" is not asked again at once.
const LEAST: Duration = Duration::from_millis(50);

impl Sender for Client {
    fn send_unsigned(&self, request: &Request) -> Result<Response> {
        self.repeat(request, &Meter::default(), &NoRules, false)
    }

    fn url(&self, path: &str) -> String {
        url::join(&self.base, path)
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

/// Why there is no answer.
enum Failed {
    /// The connection: another one may do.
    Broken(String),
    /// Nothing that another try would mend.
    Other(Error),
}

impl Failed {
    fn of(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Http(_)
            | ureq::Error::BadUri(_)
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::BodyExceedsLimit(_)
            | ureq::Error::LargeResponseHeader(..) => {
                Self::Other(Error::new(Kind::Unavailable, "no answer that can be read").with_source(error))
            }
            ureq::Error::Timeout(_) => Self::Broken("the server is silent".to_owned()),
            other => Self::Broken(other.to_string()),
        }
    }
}

/// An answer in a log line or an error: its status, and the message in its body.
fn described(answer: &Response) -> String {
    let status = http::StatusCode::from_u16(answer.status).ok();
    let reason = status
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let mut text = format!("{} {reason}", answer.status).trim_end().to_owned();
    if let Some(message) = message(answer) {
        text.push_str(": ");
        text.push_str(&show(&crate::secret::mask(&message)));
    }
    text
}

/// The members in which APIs say what is wrong.
fn message(answer: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let body = match &body {
        Value::Array(items) => items.first()?,
        body => body,
    };
    let names = [
        "error_description",
        "message",
        "detail",
        "error",
        "title",
        "errors",
    ];
    names.iter().find_map(|name| match body.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Object(inner) => inner.get("message")?.as_str().map(str::to_owned),
        Value::Array(items) => items.first()?.get("message")?.as_str().map(str::to_owned),
        _ => None,
    })
}

fn refused(request: &Request, answer: &Response, why: Option<String>) -> Error {
    let mut message = format!("{request:?}: {}", described(answer));
    if let Some(why) = why {
        message.push_str(": ");
        message.push_str(&show(&crate::secret::mask(&why)));
    }
    match answer.status {
        401 | 403 => Error::config(message).hint("check the credentials"),
        _ => Error::new(Kind::Unavailable, message),
    }
}

fn gave_up(request: &Request, tried: u32, last: &str) -> Error {
    Error::new(
        Kind::Retry,
        format!("{request:?}: gave up after {tried} tries, the last: {last}"),
    )
}
