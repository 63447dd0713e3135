//! Plans that change in the middle of a stream, and the worker that all sinks of a thread share.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;

use melisma_engine::Result;
use melisma_engine::cell::Row;
use melisma_engine::encode::Encoder;
use melisma_engine::pipeline::{self, Limits, Options};
use melisma_engine::schema::StreamSchema;
use melisma_engine::sink::{Destination, Sink};

use super::kit::Script;

type Log = Arc<Mutex<Vec<String>>>;

/// Numbers the plans of each stream. Its encoders make a new one at every third row.
#[derive(Default)]
struct Numbered {
    log: Log,
}

struct Plan {
    stream: String,
    number: usize,
}

/// Counts of rows, each with the plan that they were encoded for.
type Batch = Vec<(Arc<Plan>, usize)>;

struct Counts {
    plan: Arc<Plan>,
    rows: usize,
    earlier: Batch,
}

impl Encoder for Counts {
    type Batch = Batch;

    fn push(&mut self, _: &Row<'_>) -> Result<()> {
        if self.rows == 2 {
            let next = Plan {
                stream: self.plan.stream.clone(),
                number: self.plan.number + 1,
            };
            let plan = std::mem::replace(&mut self.plan, Arc::new(next));
            self.earlier.push((plan, std::mem::take(&mut self.rows)));
        }
        self.rows += 1;
        Ok(())
    }

    fn rows(&self) -> usize {
        self.earlier.iter().map(|(_, rows)| rows).sum::<usize>() + self.rows
    }

    fn bytes(&self) -> usize {
        self.rows()
    }

    fn finish(&mut self) -> Result<Batch> {
        let mut batch = std::mem::take(&mut self.earlier);
        batch.push((Arc::clone(&self.plan), std::mem::take(&mut self.rows)));
        Ok(batch)
    }
}

/// Cannot leave its thread, as its sinks cannot.
struct Worker {
    log: Log,
    sinks: Rc<()>,
}

impl Worker {
    fn log(&self, event: &str) {
        let thread = thread::current();
        let line = format!("{event} on {}", thread.name().unwrap_or_default());
        self.log.lock().unwrap().push(line);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        assert_eq!(Rc::strong_count(&self.sinks), 1, "sinks are dropped first");
        self.log("dropped");
    }
}

struct NumberedSink {
    plan: usize,
    _worker: Rc<()>,
}

impl Destination for Numbered {
    type Plan = Plan;
    type Encoder = Counts;
    type Worker = Worker;
    type Sink = NumberedSink;

    fn plan(&self, schema: &Arc<StreamSchema>, previous: Option<&Arc<Plan>>) -> Result<Arc<Plan>> {
        Ok(Arc::new(Plan {
            stream: schema.stream.to_string(),
            number: previous.map_or(0, |plan| plan.number + 10),
        }))
    }

    fn encoder(&self, plan: &Arc<Plan>) -> Result<Counts> {
        Ok(Counts {
            plan: Arc::clone(plan),
            rows: 0,
            earlier: Batch::new(),
        })
    }

    fn current_plan(&self, _: &Arc<Plan>, encoder: &Counts) -> Arc<Plan> {
        assert_eq!(encoder.rows(), 0, "all of its batches are with the sink");
        Arc::clone(&encoder.plan)
    }

    fn worker(&self) -> Result<Worker> {
        let worker = Worker {
            log: Arc::clone(&self.log),
            sinks: Rc::new(()),
        };
        worker.log("made");
        Ok(worker)
    }

    fn sink(&self, worker: &mut Worker, plan: &Arc<Plan>) -> Result<NumberedSink> {
        Ok(NumberedSink {
            plan: plan.number,
            _worker: Rc::clone(&worker.sinks),
        })
    }
}

impl Sink for NumberedSink {
    type Batch = Batch;
    type Plan = Plan;
    type Worker = Worker;

    fn write(&mut self, worker: &mut Worker, batch: Batch) -> Result<()> {
        for (plan, rows) in batch {
            self.change_plan(worker, &plan)?;
            worker.log(&format!("{} {}: {rows}", plan.stream, self.plan));
        }
        Ok(())
    }

    fn commit(&mut self, _: &mut Worker) -> Result<()> {
        Ok(())
    }

    fn change_plan(&mut self, _: &mut Worker, plan: &Arc<Plan>) -> Result<()> {
        self.plan = plan.number;
        Ok(())
    }
}

/// What happened on the writing threads, sorted by thread.
fn run(script: &Script, writers: usize) -> Vec<String> {
    let destination = Numbered::default();
    let limits = Limits {
        rows: 4,
        ..Limits::default()
    };
    let options = Options {
        writers,
        limits,
        ..Options::default()
    };
    let (_, result) = pipeline::run(script.input(), std::io::sink(), &destination, &options, &(), &());
    result.expect("runs");
    let mut log = std::mem::take(&mut *destination.log.lock().unwrap());
    log.sort_by_key(|line| line.rsplit_once(" on ").map(|(_, thread)| thread.to_owned()));
    log
}

#[test]
fn the_next_plan_follows_the_one_that_the_encoder_has_come_to() {
    let script = Script::default()
        .schema("a", 0)
        .records("a", 5)
        .schema("a", 1)
        .records("a", 1);
    let expected = ["made", "a 0: 2", "a 1: 2", "a 1: 1", "a 11: 1", "dropped"];
    assert_eq!(
        run(&script, 1),
        expected.map(|event| format!("{event} on writer-0"))
    );
}

#[test]
fn a_worker_lives_on_its_thread_from_the_first_sink_to_the_last() {
    let script = Script::default().schema("a", 0).schema("b", 0).schema("c", 0);
    for (writers, workers) in [(1, 1), (2, 2), (8, 3)] {
        let expected: Vec<_> = (0..workers)
            .flat_map(|thread| ["made", "dropped"].map(|event| format!("{event} on writer-{thread}")))
            .collect();
        assert_eq!(run(&script, writers), expected, "{writers}");
    }
}
