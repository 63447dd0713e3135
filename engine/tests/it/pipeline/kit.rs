//! Scripted sinks and inputs, and the oracle: an emitted STATE covers only committed rows.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard};

use melisma_engine::pipeline::{self, Options, Stop, Summary};
use melisma_engine::rows::{RowBatch, Rows};
use melisma_engine::schema::StreamSchema;
use melisma_engine::sink::{Destination, Sink};
use melisma_engine::{Error, Kind, Result};

/// What a destination holds, and what happened to it.
#[derive(Default)]
pub(crate) struct World {
    /// By stream: records that were made durable, as they came.
    pub(crate) committed: HashMap<String, Vec<String>>,
    /// Calls, as `stream write 3`, `stream commit`, in their order.
    pub(crate) events: Vec<String>,
    /// Told lines.
    pub(crate) emitted: Vec<String>,
    /// By stream: rows that its sink was given.
    pub(crate) given: HashMap<String, u64>,
    /// States that sinks were handed with a commit.
    pub(crate) stored: Vec<String>,
    /// Told lines that covered rows which were not committed.
    pub(crate) violations: Vec<String>,
    faults: Vec<Fault>,
}

/// The calls of a destination and its sinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// A plan is made, for a first SCHEMA and for a changed one, and its encoder.
    Plan,
    Encoder,
    Open,
    Write,
    Commit,
    Schema,
    Activate,
    Finish,
}

/// What goes wrong in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing is done.
    Reject,
    /// It is done, and an error all the same.
    FailAfter,
    Panic,
}

#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) stream: String,
    pub(crate) op: Op,
    /// How many such calls go well first.
    pub(crate) after: usize,
    pub(crate) trouble: Trouble,
}

type Hook = Arc<dyn Fn(&str, Op) + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Scripted {
    world: Arc<Mutex<World>>,
    /// Called before each call of a sink, on the writer's thread.
    pub(crate) hook: Option<Hook>,
    emitted: Option<Sender<String>>,
}

pub(crate) struct ScriptedSink {
    destination: Scripted,
    stream: String,
    open: Vec<String>,
}

impl Scripted {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn fault(self, stream: &str, op: Op, after: usize, trouble: Trouble) -> Self {
        self.world().faults.push(Fault {
            stream: stream.into(),
            op,
            after,
            trouble,
        });
        self
    }

    /// Each emitted line also comes here.
    pub(crate) fn listen(&mut self) -> Receiver<String> {
        let (send, receive) = mpsc::channel();
        self.emitted = Some(send);
        receive
    }

    pub(crate) fn run(&self, input: impl Read + Send + 'static, options: &Options) -> (Summary, Result<()>) {
        self.run_until(input, options, &())
    }

    pub(crate) fn run_until(
        &self,
        input: impl Read + Send + 'static,
        options: &Options,
        stop: &dyn Stop,
    ) -> (Summary, Result<()>) {
        let run = pipeline::run(input, self.clone(), self, options, stop, &());
        let violations = std::mem::take(&mut self.world().violations);
        assert!(
            violations.is_empty(),
            "emitted too early: {violations:?}\n{:#?}",
            self.world().events
        );
        run
    }

    pub(crate) fn committed(&self, stream: &str) -> Vec<String> {
        self.world().committed.get(stream).cloned().unwrap_or_default()
    }

    /// Notes the call, and says what goes wrong with it.
    fn call(&self, stream: &str, op: Op, event: &str) -> Option<Trouble> {
        if let Some(hook) = &self.hook {
            hook(stream, op);
        }
        self.world().events.push(format!("{stream} {event}"));
        self.trouble(stream, op)
    }

    /// What goes wrong with this call.
    fn trouble(&self, stream: &str, op: Op) -> Option<Trouble> {
        let mut world = self.world();
        let fault = world
            .faults
            .iter_mut()
            .find(|fault| fault.stream == stream && fault.op == op)?;
        let due = fault.after == 0;
        fault.after = fault.after.saturating_sub(1);
        let trouble = due.then_some(fault.trouble);
        drop(world);
        assert_ne!(trouble, Some(Trouble::Panic), "scripted");
        trouble
    }

    fn result(trouble: Option<Trouble>) -> Result<()> {
        trouble.map_or(Ok(()), |trouble| {
            Err(Error::new(Kind::Unavailable, format!("scripted: {trouble:?}")))
        })
    }
}

/// Stands for stdout: an emitted STATE `{"n": {"a": 3}}` claims three committed records of stream `a`.
impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = std::str::from_utf8(bytes)
            .unwrap()
            .strip_suffix('\n')
            .expect("a whole line")
            .to_owned();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let mut world = self.world();
        for (stream, claimed) in value["n"].as_object().into_iter().flatten() {
            let durable = world.committed.get(stream).map_or(0, Vec::len) as u64;
            if durable < claimed.as_u64().unwrap() {
                world
                    .violations
                    .push(format!("{line} when {stream} has {durable}"));
            }
        }
        world.emitted.push(line.clone());
        drop(world);
        if let Some(emitted) = &self.emitted {
            let _ = emitted.send(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Destination for Scripted {
    type Plan = StreamSchema;
    type Encoder = Rows;
    type Worker = ();
    type Sink = ScriptedSink;

    fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
        // On the decoding thread, so it has no place among the calls of the sinks.
        Self::result(self.trouble(&schema.stream, Op::Plan))?;
        Ok(Arc::clone(schema))
    }

    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Rows> {
        Self::result(self.trouble(&schema.stream, Op::Encoder))?;
        Ok(Rows::new(schema))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn sink(&self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<ScriptedSink> {
        let stream = schema.stream.to_string();
        Self::result(self.call(&stream, Op::Open, "open"))?;
        Ok(ScriptedSink {
            destination: self.clone(),
            stream,
            open: Vec::new(),
        })
    }
}

impl ScriptedSink {
    fn call(&mut self, op: Op, event: &str, work: impl FnOnce(&mut Self)) -> Result<()> {
        let trouble = self.destination.call(&self.stream, op, event);
        if trouble != Some(Trouble::Reject) {
            work(self);
        }
        Scripted::result(trouble)
    }
}

impl Sink for ScriptedSink {
    type Batch = RowBatch;
    type Plan = StreamSchema;
    type Worker = ();

    fn write(&mut self, (): &mut (), batch: RowBatch) -> Result<()> {
        assert!(!batch.is_empty());
        self.call(Op::Write, &format!("write {}", batch.len()), |sink| {
            sink.open.extend(batch.rows().map(|row| row.record().to_owned()));
            let mut world = sink.destination.world();
            *world.given.entry(sink.stream.clone()).or_default() += batch.len() as u64;
        })
    }

    fn commit(&mut self, (): &mut ()) -> Result<()> {
        self.call(Op::Commit, "commit", |sink| {
            let rows = std::mem::take(&mut sink.open);
            sink.destination
                .world()
                .committed
                .entry(sink.stream.clone())
                .or_default()
                .extend(rows);
        })
    }

    /// The STATE must cover exactly what is committed then.
    fn commit_state(&mut self, worker: &mut (), state: &str) -> Result<()> {
        self.commit(worker)?;
        let value: serde_json::Value = serde_json::from_str(state).unwrap();
        let claimed = value["n"][&self.stream].as_u64().unwrap_or(0);
        let mut world = self.destination.world();
        let durable = world.committed.get(&self.stream).map_or(0, Vec::len) as u64;
        if durable != claimed {
            world
                .violations
                .push(format!("{state} with {durable} of {}", self.stream));
        }
        for (stream, claimed) in value["n"].as_object().into_iter().flatten() {
            let given = world.given.get(stream).copied().unwrap_or(0);
            if given != claimed.as_u64().unwrap() {
                world
                    .violations
                    .push(format!("{state} when {stream} was given {given}"));
            }
        }
        world.stored.push(state.to_owned());
        Ok(())
    }

    fn change_plan(&mut self, (): &mut (), schema: &Arc<StreamSchema>) -> Result<()> {
        self.call(Op::Schema, &format!("schema {}", schema.columns.len()), |_| {})
    }

    fn activate_version(&mut self, (): &mut (), version: i64) -> Result<()> {
        self.call(Op::Activate, &format!("activate {version}"), |_| {})
    }

    fn finish(&mut self, (): &mut ()) -> Result<()> {
        self.call(Op::Finish, "finish", |_| {})
    }
}

/// Singer lines; each record of a stream has the next `id`, each STATE claims all records before it.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) counts: std::collections::BTreeMap<String, u64>,
    pub(crate) last_state: Option<String>,
}

impl Script {
    pub(crate) fn raw(mut self, line: &str) -> Self {
        self.text.push_str(line);
        self.text.push('\n');
        self
    }

    /// A SCHEMA of `id` and so many more columns.
    pub(crate) fn schema(self, stream: &str, more: usize) -> Self {
        let mut properties = r#""id":{"type":"integer"}"#.to_owned();
        for n in 0..more {
            let _ = write!(properties, r#","c{n}":{{"type":["null","string"]}}"#);
        }
        self.raw(&format!(
            r#"{{"type":"SCHEMA","stream":"{stream}","schema":{{"properties":{{{properties}}}}},"key_properties":["id"]}}"#
        ))
    }

    /// How many encoders a stream has got: one for each SCHEMA that differs from the one before.
    pub(crate) fn schemas(&self, stream: &str) -> usize {
        let start = format!(r#"{{"type":"SCHEMA","stream":"{stream}","#);
        let mut schemas: Vec<&str> = self
            .text
            .lines()
            .filter(|line| line.starts_with(&start))
            .collect();
        schemas.dedup();
        schemas.len()
    }

    pub(crate) fn record(mut self, stream: &str) -> Self {
        let count = self.counts.entry(stream.into()).or_default();
        let line = format!(r#"{{"type":"RECORD","stream":"{stream}","record":{{"id":{count}}}}}"#);
        *count += 1;
        self.raw(&line)
    }

    pub(crate) fn records(self, stream: &str, n: usize) -> Self {
        (0..n).fold(self, |script, _| script.record(stream))
    }

    pub(crate) fn state(mut self) -> Self {
        let counts = serde_json::to_string(&self.counts).unwrap();
        let value = format!(r#"{{"n": {counts}, "at": {}}}"#, self.text.len());
        let line = format!(r#"{{"type":"STATE","value":{value}}}"#);
        self.last_state = Some(value);
        self.raw(&line)
    }

    pub(crate) fn activate(self, stream: &str, version: i64) -> Self {
        self.raw(&format!(
            r#"{{"type":"ACTIVATE_VERSION","stream":"{stream}","version":{version}}}"#
        ))
    }

    pub(crate) fn input(&self) -> std::io::Cursor<Vec<u8>> {
        std::io::Cursor::new(self.text.clone().into_bytes())
    }

    /// Checks that all records of all streams are there, once and in their order.
    pub(crate) fn check_all_in(&self, destination: &Scripted) {
        for (stream, &count) in &self.counts {
            let expected: Vec<_> = (0..count).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
            assert_eq!(destination.committed(stream), expected, "{stream}");
        }
    }
}

/// An input that comes when the test says so, and blocks in between.
pub(crate) struct Feed {
    pieces: Receiver<Vec<u8>>,
    rest: std::io::Cursor<Vec<u8>>,
}

impl Feed {
    pub(crate) fn new() -> (Sender<Vec<u8>>, Self) {
        let (send, pieces) = mpsc::channel();
        (
            send,
            Self {
                pieces,
                rest: std::io::Cursor::default(),
            },
        )
    }
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.rest.read(into)?;
            if read > 0 {
                return Ok(read);
            }
            let Ok(piece) = self.pieces.recv() else {
                return Ok(0);
            };
            self.rest = std::io::Cursor::new(piece);
        }
    }
}
