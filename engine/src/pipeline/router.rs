//! The decoding thread: classifies lines, decodes records into their stream's encoder, closes batches, keeps the
//! timers, and tells the writers what to do.

use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender};

use super::dead_letter::DeadLetters;
use super::observer::{Observer, Summary};
use super::options::{Options, Stop};
use super::reader::{Input, Reader};
use super::stream::{OpenUnit, Stream};
use super::teller::Teller;
use super::writer::{BatchOf, Command, Failure, Unit, What};
use crate::budget::Budget;
use crate::cell::Row;
use crate::encode::Encoder;
use crate::error::{Error, Kind, Result};
use crate::line::{Chunk, Line, START};
use crate::message::{Message, MessageReader, Record};
use crate::sink::Destination;

/// How long a quiet input is waited for before timers and signals are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Rows of one hand-over to a writer, at most.
const PIECE_ROWS: usize = 8192;
/// Bytes of one hand-over to a writer, roughly.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes of lines after which the memory of a stream is measured.
const MEASURE: usize = 64 << 10;
/// Refused records that are logged one by one.
const LOGGED: u64 = 10;

/// What the parts of a run share.
#[derive(Clone, Copy)]
pub(super) struct Shared<'e> {
    pub(super) options: &'e Options,
    pub(super) teller: &'e Teller<'e>,
    pub(super) failure: &'e Failure,
    pub(super) budget: &'e Budget,
    pub(super) observer: &'e dyn Observer,
    pub(super) stop: &'e dyn Stop,
}

pub(super) struct Router<'e, D: Destination> {
    pub(super) destination: &'e D,
    pub(super) shared: Shared<'e>,
    pub(super) writers: Vec<Sender<Command<BatchOf<D>>>>,
    pub(super) messages: MessageReader,
    /// By the message reader's number; `None` before the stream's first SCHEMA.
    pub(super) streams: Vec<Option<Stream<D::Encoder>>>,
    pub(super) dead_letters: Option<DeadLetters>,
    pub(super) summary: Summary,
    /// The clock, read once a block.
    pub(super) now: Instant,
    /// The first and the newest STATE that may wait for open units.
    waiting: Option<(StateAt, StateAt)>,
    piece_rows: usize,
    piece_bytes: usize,
}

#[derive(Clone, Copy)]
struct StateAt {
    seq: u64,
    at: Instant,
}
