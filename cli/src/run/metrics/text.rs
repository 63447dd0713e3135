//! The metrics as OpenMetrics text. docs/runs.md lists them.

use std::fmt::{Display, Write as _};

use melisma_sdk::internal::printable::printable;

use super::super::meter::{BlockMeter, Reading, RunMeter};
use crate::count::StreamCount;
use crate::report::{MAX_STREAMS, RunOutcome};

/// A pair, as its labels and its newest attempt.
struct Pair {
    labels: String,
    retries: u32,
    reading: Reading,
}

/// A family of metrics of the same name.
struct Family<'a> {
    /// Without the `_total` of its samples when it is a counter.
    name: &'a str,
    kind: Kind,
    unit: &'a str,
    help: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// Everything that is known now.
pub(super) fn exposition(meter: &RunMeter) -> String {
    let mut out = String::new();
    let run_id = escaped(meter.run_id());
    let _ = write!(
        out,
        "# TYPE melisma_run info\n# HELP melisma_run The run, and the version of melisma.\n\
         melisma_run_info{{run_id=\"{run_id}\",version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    );
    let of_run = gauge(
        "melisma_run_duration_seconds",
        "seconds",
        "How long the run has taken so far.",
    );
    of_run.write(&mut out, [("", meter.elapsed().as_secs_f64())]);
    let blocks = meter.blocks();
    let pairs: Vec<Pair> = blocks
        .iter()
        .enumerate()
        .filter_map(|(index, block)| Pair::of(index + 1, block))
        .collect();
    of_pairs(&mut out, &pairs);
    of_streams(&mut out, &pairs);
    out.push_str("# EOF\n");
    out
}

fn of_pairs(out: &mut String, pairs: &[Pair]) {
    let each = |value: fn(&Pair) -> f64| pairs.iter().map(move |pair| (&*pair.labels, value(pair)));
    gauge(
        "melisma_pair_running",
        "",
        "1 while the pair runs, 0 after its end.",
    )
    .write(
        out,
        each(|pair| f64::from(u8::from(pair.reading.outcome == RunOutcome::Running))),
    );
    gauge(
        "melisma_oldest_uncommitted_record_seconds",
        "seconds",
        "The age of the oldest record that no state of the target covers; 0 when all are covered.",
    )
    .write(out, each(|pair| pair.reading.oldest_uncommitted.as_secs_f64()));
    gauge(
        "melisma_state_lag_seconds",
        "seconds",
        "The time since a state was last stored, or since the pair began.",
    )
    .write(out, each(|pair| pair.reading.state_lag.as_secs_f64()));
    let each = |value: fn(&Pair) -> u64| pairs.iter().map(move |pair| (&*pair.labels, value(pair)));
    counter("melisma_retries", "", "Retries of the pair.").write(out, each(|pair| u64::from(pair.retries)));
    counter(
        "melisma_states_emitted",
        "",
        "States that the target has emitted, each after a commit.",
    )
    .write(out, each(|pair| pair.reading.states_emitted));
    counter("melisma_states_stored", "", "How often a state was stored.")
        .write(out, each(|pair| pair.reading.states_stored));
    counter(
        "melisma_input_bytes",
        "bytes",
        "Bytes of all messages that came to the target.",
    )
    .write(out, each(|pair| pair.reading.bytes));
}

fn of_streams(out: &mut String, pairs: &[Pair]) {
    let counted = |value: fn(&StreamCount) -> u64| {
        pairs.iter().flat_map(move |pair| {
            let streams = pair.reading.streams.iter().take(MAX_STREAMS);
            streams.map(move |stream| (with_stream(&pair.labels, &stream.name), value(stream)))
        })
    };
    counter(
        "melisma_records",
        "",
        "Records of the stream that came to the target.",
    )
    .write(out, counted(|stream| stream.records));
    counter("melisma_record_bytes", "bytes", "Bytes of these records.")
        .write(out, counted(|stream| stream.bytes));
    let written = pairs.iter().flat_map(|pair| {
        let streams = pair.reading.written.iter().take(MAX_STREAMS);
        streams.map(|(name, records)| (with_stream(&pair.labels, name), *records))
    });
    counter(
        "melisma_written_records",
        "",
        "Records that the target says it has written.",
    )
    .write(out, written);
}

impl Pair {
    /// `None` for a command, and for a pair that has not begun.
    fn of(number: usize, block: &BlockMeter) -> Option<Self> {
        let (attempt, retries) = block.newest()?;
        let reading = attempt.reading()?;
        let names = &reading.names;
        let labels = format!(
            "block=\"{number}\",tap=\"{}\",target=\"{}\",state_id=\"{}\"",
            escaped(&names.tap),
            escaped(&names.target),
            escaped(&names.state_id)
        );
        Some(Self {
            labels,
            retries,
            reading,
        })
    }
}

impl Family<'_> {
    fn write<L: AsRef<str>, V: Display>(&self, out: &mut String, samples: impl IntoIterator<Item = (L, V)>) {
        let (kind, suffix) = match self.kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
        };
        let name = self.name;
        let _ = writeln!(out, "# TYPE {name} {kind}");
        if !self.unit.is_empty() {
            let _ = writeln!(out, "# UNIT {name} {}", self.unit);
        }
        let _ = writeln!(out, "# HELP {name} {}", self.help);
        for (labels, value) in samples {
            let _ = match labels.as_ref() {
                "" => writeln!(out, "{name}{suffix} {value}"),
                labels => writeln!(out, "{name}{suffix}{{{labels}}} {value}"),
            };
        }
    }
}

fn gauge<'a>(name: &'a str, unit: &'a str, help: &'a str) -> Family<'a> {
    Family {
        name,
        kind: Kind::Gauge,
        unit,
        help,
    }
}

fn counter<'a>(name: &'a str, unit: &'a str, help: &'a str) -> Family<'a> {
    Family {
        kind: Kind::Counter,
        ..gauge(name, unit, help)
    }
}

fn with_stream(labels: &str, stream: &str) -> String {
    format!("{labels},stream=\"{}\"", escaped(stream))
}

/// The value of a label. Characters that no line should have are spelled out, as in the log.
fn escaped(text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| printable(line).replace('\\', "\\\\").replace('"', "\\\""));
    lines.collect::<Vec<_>>().join("\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_label_stays_one_value() {
        assert_eq!(escaped("a\"} 1\nx\\y"), "a\\\"} 1\\nx\\\\y");
    }
}
