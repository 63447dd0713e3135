//! Reads one table over several connections, which take ranges in turn, in one snapshot.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use melisma_postgres::Server;
use melisma_postgres::Session;
use melisma_sdk::{Error, Output, Result};

use super::snapshot::{self, Snapshot};
use super::{Piece, Reader};
use crate::copy::{Tuples, messages};

/// Rows travel to the writer in chunks of this many bytes; a larger row is a chunk of its own.
const CHUNK: usize = 256 << 10;
/// Chunks that wait for the writer, for each connection.
const WAITING: usize = 2;

/// What a connection tells the writer.
enum Told {
    /// The next bytes of the piece at this position.
    Rows(usize, Vec<u8>),
    /// The whole range was sent.
    Done(usize),
    Failed(Error),
}

/// Reads the ranges over several connections; the rows are written here.
pub(super) fn read(
    reader: &mut Reader<'_>,
    client: &mut Session,
    connections: usize,
    pieces: VecDeque<Piece>,
    output: &mut Output<'_>,
) -> Result<()> {
    let snapshot = Snapshot::export(client)?;
    let pieces: Vec<Piece> = pieces.into();
    let next = Mutex::new(0..pieces.len());
    let (send, receive) = bounded(connections * WAITING);
    let (server, doing) = (reader.server, reader.query.doing);
    thread::scope(|scope| {
        for _ in 0..connections {
            let send = send.clone();
            let (next, pieces, snapshot) = (&next, &pieces, &*snapshot);
            scope.spawn(move || {
                let ended = work(server, snapshot, doing, pieces, next, &send);
                if let Err(error) = ended {
                    // When the writer is gone, it has an error of its own.
                    let _ = send.send(Told::Failed(error));
                }
            });
        }
        drop(send);
        write(reader, &pieces, receive, output)
    })
}

/// One connection: piece after piece.
fn work(
    server: &Server,
    snapshot: &str,
    doing: &str,
    pieces: &[Piece],
    next: &Mutex<std::ops::Range<usize>>,
    send: &Sender<Told>,
) -> Result<()> {
    let gone = || Error::bug("the writer of rows is gone");
    let mut client = server.session()?;
    snapshot::join(&mut client, snapshot)?;
    loop {
        let at = next.lock().map_err(|_| gone())?.next();
        let Some((at, piece)) = at.and_then(|at| Some((at, pieces.get(at)?))) else {
            return Ok(());
        };
        let mut chunk = Vec::with_capacity(CHUNK);
        messages(&mut client, server, &piece.query, doing, |data| {
            if chunk.len() + data.len() > CHUNK && !chunk.is_empty() {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
                send.send(Told::Rows(at, full)).map_err(|_| gone())?;
            }
            chunk.extend_from_slice(data);
            Ok(())
        })?;
        let rows = send.send(Told::Rows(at, chunk));
        rows.and_then(|()| send.send(Told::Done(at)))
            .map_err(|_| gone())?;
    }
}

fn write(
    reader: &mut Reader<'_>,
    pieces: &[Piece],
    receive: Receiver<Told>,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut open: Vec<Option<Tuples>> = pieces.iter().map(|_| None).collect();
    // Consumed by value: when this ends, no sender waits for it any more.
    for message in receive {
        match message {
            Told::Rows(at, rows) => {
                let tuples = open[at].get_or_insert_default();
                tuples.feed(&rows, |tuple| reader.query.columns.write(tuple, output))?;
            }
            Told::Done(at) => {
                open[at].take().unwrap_or_default().finish()?;
                reader.done(&pieces[at], output)?;
            }
            Told::Failed(error) => return Err(error),
        }
    }
    Ok(())
}
