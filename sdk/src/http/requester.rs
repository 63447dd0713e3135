//! Requests of a stream that is read by its author's own code.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use melisma_engine::{Error, Result};

use super::client::Client;
use super::judge::{Judge, NoRules};
use super::meter::Meter;
use super::request::{Request, Response};

/// Sends the requests of a stream, with the client's credentials, pace and retries, and measures them: for streams that are not
/// read as a [`RestStream`](super::RestStream) is.
///
/// ```
/// use melisma_sdk::http::{Client, Request, Requester};
/// use melisma_sdk::{Context, Output, Result};
///
/// fn read(client: &Client, output: &mut Output<'_>) -> Result<()> {
///     let requester = Requester::new(client, output.stream());
///     // On its way, while something else is done.
///     let pending = requester.start(Request::new("GET", "https://api.example.com/items"));
///     output.record(&pending.wait()?.json()?)
/// }
/// ```
#[derive(Clone)]
pub struct Requester {
    client: Client,
    meter: Arc<Meter>,
    judge: Arc<dyn Judge>,
}

/// A request that was started.
pub struct Pending {
    requester: Requester,
    way: Way,
}

enum Way {
    /// It is sent when its answer is waited for.
    Later(Request),
    /// A thread waits for it.
    Now(Receiver<Result<Response>>),
}

impl Requester {
    /// Requests of this stream.
    pub fn new(client: &Client, stream: &str) -> Self {
        Self {
            client: client.clone(),
            meter: Arc::new(Meter::new(stream)),
            judge: Arc::new(NoRules),
        }
    }

    /// Who decides what an answer means.
    #[must_use]
    pub fn judge(mut self, judge: Arc<dyn Judge>) -> Self {
        self.judge = judge;
        self
    }

    /// The same for another client, such as that of another origin; the measure is one.
    #[must_use]
    pub fn with_client(&self, client: &Client) -> Self {
        Self {
            client: client.clone(),
            ..self.clone()
        }
    }

    /// How many requests may be under way.
    pub fn concurrent(&self) -> usize {
        self.client.concurrency()
    }

    /// Sends a request, and again where that helps.
    pub fn send(&self, request: &Request) -> Result<Response> {
        self.client.ask(request, &self.meter, &*self.judge)
    }

    /// Sends a request at once, unless the client sends one at a time.
    pub fn start(&self, request: Request) -> Pending {
        let way = if self.client.concurrency() == 1 {
            Way::Later(request)
        } else {
            let (sender, receiver) = mpsc::sync_channel(1);
            let (requester, later) = (self.clone(), request.clone());
            // When the run ends with an error, there is no receiver for the answer: the thread is left alone.
            let started = thread::Builder::new().name("request".to_owned()).spawn(move || {
                let _ = sender.send(requester.send(&request));
            });
            started.map_or(Way::Later(later), |_| Way::Now(receiver))
        };
        Pending {
            requester: self.clone(),
            way,
        }
    }

    /// Logs how many requests there were.
    pub fn finish(&self) {
        self.meter.finish();
    }
}

impl Pending {
    /// Waits for the answer.
    pub fn wait(self) -> Result<Response> {
        match self.way {
            Way::Later(request) => self.requester.send(&request),
            Way::Now(receiver) => receiver.recv().unwrap_or_else(|_| {
                self.requester.client.stop().check()?;
                Err(Error::bug("the thread of a request died"))
            }),
        }
    }
}
