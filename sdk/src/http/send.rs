//! Sends requests: signed, at the right pace, again when that helps, and never beyond a signal.

use std::time::{Duration, Instant};

use melisma_engine::{Error, Kind, Result};
use ureq::http;

use super::client::Client;
use super::clock::Clock;
use super::failure::{Failed, described, gave_up, refused};
use super::judge::{Judge, NoRules};
use super::meter::Meter;
use super::recording::Hop;
use super::request::{Body, Request, Response};
use super::retry::{self, Verdict};
use super::unsigned::{Sender, Unsigned};
use super::url;

/// The largest answer: a page is in memory as a whole.
const MAX_BODY: u64 = 1 << 30;
const MAX_REDIRECTS: usize = 10;
/// The shortest wait: a server that says "now" is not asked again at once.
const LEAST: Duration = Duration::from_millis(50);

impl Client {
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
                sent.body = Body::None;
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
