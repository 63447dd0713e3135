//! Sends rows to the server with COPY FROM STDIN.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::SinkExt;
use postgres::Error;
use tokio_postgres::CopyInSink;

use crate::Session;

/// What is sent at once: large enough that the messages' heads and the event loop's turns do not count.
const PIECE: usize = 128 << 10;

/// A `COPY ... FROM STDIN` that is under way. Until it is finished its session takes nothing else; dropped, it is
/// undone.
pub struct CopyIn(Pin<Box<CopyInSink<Bytes>>>);

impl std::fmt::Debug for CopyIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CopyIn")
    }
}

impl Session {
    /// Begins a `COPY ... FROM STDIN`.
    pub fn copy_in(&mut self, statement: &str) -> Result<CopyIn, Error> {
        let sink = self.runtime.block_on(self.client.copy_in(statement));
        sink.map(|sink| CopyIn(Box::pin(sink)))
            .map_err(|error| self.cause(error))
    }

    /// Gives bytes that go to the server with the next ones, or with the end of the COPY.
    pub fn feed(&mut self, copy: &mut CopyIn, bytes: &[u8]) -> Result<(), Error> {
        let bytes = Bytes::copy_from_slice(bytes);
        let fed = self.runtime.block_on(copy.0.as_mut().feed(bytes));
        fed.map_err(|error| self.cause(error))
    }

    /// Sends rows, whole or in parts. Errors of the server are returned at the latest by
    /// [`finish_copy`](Session::finish_copy).
    pub fn send(&mut self, copy: &mut CopyIn, rows: &[u8]) -> Result<(), Error> {
        let sent = self.runtime.block_on(async {
            for piece in rows.chunks(PIECE) {
                copy.0.as_mut().feed(Bytes::copy_from_slice(piece)).await?;
            }
            // The server has work while the next rows are made.
            copy.0.as_mut().flush().await
        });
        sent.map_err(|error| self.cause(error))
    }

    /// Ends the COPY; says how many rows came in.
    pub fn finish_copy(&mut self, mut copy: CopyIn) -> Result<u64, Error> {
        let rows = self.runtime.block_on(copy.0.as_mut().finish());
        rows.map_err(|error| self.cause(error))
    }
}
