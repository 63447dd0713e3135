//! The sink that does as scripted, and sees everything.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use melisma_engine::rows::{RowBatch, Rows};
use melisma_engine::schema::StreamSchema;
use melisma_engine::sink::{Destination, Sink};
use melisma_engine::{Error, Kind, Result};

use super::{Op, Trouble};
use crate::source::{Source, Stream};

/// Which call is troubled, and how.
type Plan = (Stream, Op, u64, Trouble);

/// A destination with one trouble.
#[derive(Clone)]
pub(super) struct Script {
    source: Source,
    rows: u64,
    plan: Plan,
    /// How many of the first rows are each stream's.
    below: Arc<Vec<[u64; 3]>>,
    world: Arc<(Mutex<World>, Condvar)>,
}

#[derive(Default)]
struct World {
    /// Rows that are durable, by stream.
    durable: [Vec<u64>; 3],
    /// Bytes of records that sinks were given.
    given: u64,
    /// Calls that the plan speaks of.
    calls: u64,
    struck: bool,
    released: bool,
    emitted: Vec<String>,
    violations: Vec<String>,
}

impl Script {
    pub(super) fn new(source: Source, rows: u64, plan: Plan) -> Self {
        Self {
            source,
            rows,
            plan,
            below: Arc::new(below(&source, rows)),
            world: Arc::default(),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call go on that holds.
    pub(super) fn release(&self) {
        self.world().released = true;
        self.world.1.notify_all();
    }

    pub(super) fn has_struck(&self) -> bool {
        self.world().struck
    }

    pub(super) fn given(&self) -> u64 {
        self.world().given
    }

    pub(super) fn emitted(&self) -> Vec<String> {
        self.world().emitted.clone()
    }

    pub(super) fn last_state(&self) -> String {
        self.source.state(self.rows)
    }

    pub(super) fn durable(&self, stream: &str) -> u64 {
        let stream = Stream::ALL.into_iter().find(|known| known.name() == stream);
        stream.map_or(0, |stream| self.world().durable[stream as usize].len() as u64)
    }

    pub(super) fn violations(&self) -> Result<(), String> {
        self.world()
            .violations
            .first()
            .map_or(Ok(()), |first| Err(first.clone()))
    }

    fn violated(&self, what: String) {
        self.world().violations.push(what);
    }

    /// How many of the first rows are the stream's.
    fn rows_below(&self, stream: Stream, next: u64) -> u64 {
        self.below
            .get(next as usize)
            .map_or(u64::MAX, |counts| counts[stream as usize])
    }

    /// A call: does the work as the plan has it.
    fn call(&self, stream: Stream, op: Op, work: impl FnOnce()) -> Result<()> {
        let (planned, planned_op, after, trouble) = self.plan;
        let mut world = self.world();
        if (stream, op) != (planned, planned_op) {
            drop(world);
            work();
            return Ok(());
        }
        let due = world.calls == after;
        world.calls += 1;
        world.struck |= due;
        if due && trouble == Trouble::Hold {
            while !world.released {
                world = self.world.1.wait(world).unwrap_or_else(PoisonError::into_inner);
            }
        }
        drop(world);
        if trouble == Trouble::Slow {
            thread::sleep(Duration::from_millis(1));
        }
        if !(due && trouble == Trouble::Reject) {
            work();
        }
        if due && matches!(trouble, Trouble::Reject | Trouble::FailAfter) {
            return Err(Error::new(
                Kind::Unavailable,
                format!("scripted: {op:?} {trouble:?}"),
            ));
        }
        Ok(())
    }
}

/// For each number of rows, how many of them are each stream's.
fn below(source: &Source, rows: u64) -> Vec<[u64; 3]> {
    let mut counts = [0; 3];
    let mut all = vec![counts];
    for n in 0..rows {
        counts[source.stream(n) as usize] += 1;
        all.push(counts);
    }
    all
}

/// Stands for stdout.
impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let Some(next) = line
            .strip_suffix('\n')
            .and_then(|state| self.source.next_of(state))
        else {
            self.violated(format!("P6: emitted {line:?}"));
            return Ok(bytes.len());
        };
        for stream in Stream::ALL {
            let covered = self.rows_below(stream, next);
            let durable = self.world().durable[stream as usize].len() as u64;
            if durable < covered {
                self.violated(format!(
                    "I1: the STATE of row {next} was emitted when {durable} of {covered} rows of {} were durable",
                    stream.name()
                ));
            }
        }
        let last = self
            .world()
            .emitted
            .last()
            .and_then(|last| self.source.next_of(last));
        if last.is_some_and(|last| last >= next) {
            self.violated(format!(
                "I2: the STATE of row {next} was emitted after that of {last:?}"
            ));
        }
        self.world().emitted.push(line.trim_end_matches('\n').to_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Destination for Script {
    type Plan = StreamSchema;
    type Encoder = Rows;
    type Worker = ();
    type Sink = ScriptSink;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
        Ok(Arc::clone(schema))
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Rows> {
        Ok(Rows::new(schema))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn sink(&self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<ScriptSink> {
        let stream = Stream::ALL
            .into_iter()
            .find(|stream| stream.name() == &*schema.stream);
        let stream = stream.ok_or_else(|| Error::bug("a stream that was not sent"))?;
        self.call(stream, Op::Open, || {})?;
        Ok(ScriptSink {
            script: self.clone(),
            stream,
            written: Vec::new(),
            open: 0,
            changed: false,
            version: 0,
        })
    }
}

/// One stream's.
pub(super) struct ScriptSink {
    script: Script,
    stream: Stream,
    /// Rows that were written, in their order.
    written: Vec<u64>,
    /// How many of the last ones are not durable.
    open: usize,
    changed: bool,
    version: i64,
}

impl ScriptSink {
    fn take(&mut self, batch: &RowBatch) {
        let source = self.script.source;
        for row in batch.rows() {
            let record = row.record();
            let n = serde_json::from_str::<serde_json::Value>(record)
                .ok()
                .and_then(|record| record["n"].as_u64())
                .unwrap_or(u64::MAX);
            self.script.world().given += record.len() as u64;
            let next = (self.written.last().map_or(0, |last| last + 1)..=n)
                .find(|&n| source.stream(n) == self.stream);
            if n == u64::MAX || next != Some(n) {
                self.script.violated(format!(
                    "P3: row {n} of {} came, expected {next:?}",
                    self.stream.name()
                ));
                return;
            }
            let mut line = String::new();
            source.record(n, &mut line);
            if !line.contains(record) {
                self.script
                    .violated(format!("P3: row {n} is not the one that was sent"));
            }
            if self.changed != (n >= source.change_of(self.stream)) {
                self.script
                    .violated(format!("I6: row {n} is on the wrong side of a SCHEMA"));
            }
            if self.stream == Stream::People && self.version != source.version(n) {
                self.script
                    .violated(format!("I6: row {n} is on the wrong side of an ACTIVATE_VERSION"));
            }
            self.written.push(n);
            self.open += 1;
        }
    }

    fn make_durable(&mut self) {
        let rows = self.written[self.written.len() - self.open..].to_vec();
        self.script.world().durable[self.stream as usize].extend(rows);
        self.open = 0;
    }
}

impl Sink for ScriptSink {
    type Batch = RowBatch;
    type Plan = StreamSchema;
    type Worker = ();

    fn write(&mut self, (): &mut (), batch: RowBatch) -> Result<()> {
        let script = self.script.clone();
        script.call(self.stream, Op::Write, || self.take(&batch))
    }

    fn commit(&mut self, (): &mut ()) -> Result<()> {
        let script = self.script.clone();
        script.call(self.stream, Op::Commit, || self.make_durable())
    }

    fn commit_state(&mut self, worker: &mut (), state: &str) -> Result<()> {
        self.commit(worker)?;
        let Some(next) = self.script.source.next_of(state) else {
            self.script.violated(format!("P6: a sink was handed {state:?}"));
            return Ok(());
        };
        let (covered, written) = (
            self.script.rows_below(self.stream, next),
            self.written.len() as u64,
        );
        if covered != written {
            self.script.violated(format!(
                "I1: the STATE of row {next} came with {written} of {covered} rows of {}",
                self.stream.name()
            ));
        }
        Ok(())
    }

    fn change_plan(&mut self, (): &mut (), _: &Arc<StreamSchema>) -> Result<()> {
        let script = self.script.clone();
        script.call(self.stream, Op::Schema, || self.changed = true)
    }

    fn activate_version(&mut self, (): &mut (), version: i64) -> Result<()> {
        let script = self.script.clone();
        script.call(self.stream, Op::Activate, || self.version = version)
    }
}
