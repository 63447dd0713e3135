//! Pages that are asked for before they are needed.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use melisma_engine::{Error, Result};

use super::Node;
use crate::http::request::{Request, Response};

/// A page that is asked for.
pub(super) enum Fetch {
    /// When its turn comes.
    Later(Request),
    /// A thread waits for it.
    Now(Receiver<Result<Response>>),
}

impl Node {
    /// Sends a request at once, in a thread, unless one at a time is wanted.
    pub(super) fn start(&self, request: Request) -> Fetch {
        if self.client.concurrency() == 1 {
            return Fetch::Later(request);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let (client, meter, rules) = (
            self.client.clone(),
            Arc::clone(&self.meter),
            Arc::clone(&self.rules),
        );
        let later = request.clone();
        // When the run ends with an error, there is no receiver for the answer: the thread is left alone.
        let started = thread::Builder::new().name("request".to_owned()).spawn(move || {
            let _ = sender.send(client.ask(&request, &meter, &*rules));
        });
        started.map_or(Fetch::Later(later), |_| Fetch::Now(receiver))
    }

    pub(super) fn receive(&self, fetch: Fetch) -> Result<Response> {
        match fetch {
            Fetch::Later(request) => self.client.ask(&request, &self.meter, &*self.rules),
            Fetch::Now(receiver) => receiver.recv().unwrap_or_else(|_| {
                self.client.stop().check()?;
                Err(Error::bug("the thread of a request died"))
            }),
        }
    }
}
