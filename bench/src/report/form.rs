//! The form of `--json`. docs/benchmarks.md describes it for other programs; a field that changes its meaning raises
//! [`VERSION`], a new one does not.

use std::fmt::Write as _;
use std::path::Path;

use melisma_sdk::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::stats::{Summary, ratios};

/// The version of the form.
pub const VERSION: u32 = 1;

/// What was measured, on what, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The version of melisma.
    pub melisma: String,
    /// `pipe`, `tap`, `target` or `pair`.
    pub kind: String,
    /// What was measured, for a heading.
    pub title: String,
    /// When it began, in RFC 3339.
    pub measured_at: String,
    /// What it was measured on.
    pub machine: Machine,
    /// How it was measured.
    pub settings: SettingsForm,
    /// One for each number of rows.
    pub cases: Vec<Case>,
}

/// How it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SettingsForm {
    /// Timed runs of each candidate, after one that is not timed.
    pub runs: u32,
    /// The spread of the times that is accepted.
    pub max_spread: f64,
    /// The load of other processes, in cores, that is accepted.
    pub max_load: f64,
    /// What runs before each run, untimed.
    pub prepare: Option<String>,
    /// What says which rows have arrived.
    pub check: Option<String>,
}

/// One input, and everything that was measured on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Case {
    /// The shape of a generated input.
    pub shape: Option<String>,
    /// The rows that were asked for, of a generated input.
    pub rows: Option<u64>,
    /// The columns that were asked for, of a generated input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<u32>,
    /// The streams that were asked for, of a generated input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
    /// The records of the subject.
    pub records: Option<u64>,
    /// The bytes of those messages.
    pub bytes: Option<u64>,
    /// What was measured, the subject first.
    pub candidates: Vec<Measured>,
    /// How many times as long as the subject the others took.
    pub ratios: Vec<RatioForm>,
    /// Why the times are not to be believed; empty on a quiet machine.
    pub doubts: Vec<String>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// What a candidate is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What is measured.
    Subject,
    /// The least that any program could do.
    Floor,
    /// Another program for the same job.
    Rival,
}

/// How measuring a candidate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has times.
    Measured,
    /// There is no such program.
    Missing,
    /// It did not succeed.
    Failed,
    /// Its rows did not arrive, so its times mean nothing.
    Wrong,
}

/// Whether the rows arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckForm {
    /// `None`: it could not be checked.
    pub passed: Option<bool>,
    /// What was looked at, or why nothing could be.
    pub how: String,
}

/// A program, or several that are connected by pipes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Its name in the report.
    pub name: String,
    /// What it is in the comparison.
    pub role: Role,
    /// Its command lines, joined by ` | `.
    pub command: String,
    /// How measuring it ended.
    pub outcome: Outcome,
    /// Why it has no times.
    pub why: Option<String>,
    /// Whether its rows arrived.
    pub check: CheckForm,
    /// The timed runs, in their order.
    pub runs: Vec<RunForm>,
    /// The runs summed up; `None` without a run.
    pub figures: Option<Figures>,
}

/// One timed run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunForm {
    /// The turn, from 1.
    pub turn: u32,
    /// From the start of the first process to the end of the last.
    pub wall_seconds: f64,
    /// CPU of all its processes in user mode.
    pub user_seconds: f64,
    /// CPU of all its processes in the kernel.
    pub system_seconds: f64,
    /// CPU that the machine spent on anything else meanwhile.
    pub other_seconds: Option<f64>,
    /// Peak of the resident memory of all its processes together.
    pub peak_bytes: Option<u64>,
    /// Until the first byte of its output.
    pub first_byte_seconds: Option<f64>,
    /// Until the first record of its output.
    pub first_record_seconds: Option<f64>,
    /// From start to end with an empty input.
    pub start_up_seconds: Option<f64>,
    /// Records of its output.
    pub records: Option<u64>,
    /// Bytes of its output.
    pub bytes: Option<u64>,
}

/// The runs of a candidate, summed up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Time.
    pub wall_seconds: Summary,
    /// CPU, user and system.
    pub cpu_seconds: Summary,
    /// Peak memory.
    pub peak_bytes: Option<Summary>,
    /// Until the first byte of the output.
    pub first_byte_seconds: Option<Summary>,
    /// Until the first record of the output.
    pub first_record_seconds: Option<Summary>,
    /// From start to end with an empty input.
    pub start_up_seconds: Option<Summary>,
    /// Records a second, by the median of the times.
    pub records_per_second: Option<f64>,
    /// Millions of bytes a second, by the median of the times.
    pub megabytes_per_second: Option<f64>,
    /// CPU seconds for a million records, by the median.
    pub cpu_seconds_per_million: Option<f64>,
    /// The distance between the quartiles of the times, as a part of their median.
    pub spread: f64,
}

/// How a candidate compares with the subject, turn by turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RatioForm {
    /// The other candidate.
    pub name: String,
    /// How many times as long as the subject it took: above 1 the subject is faster.
    pub time: Option<Summary>,
    /// How many times its CPU.
    pub cpu: Option<Summary>,
    /// How many times its memory.
    pub memory: Option<Summary>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for people; 2^53 records are not measured"
)]
impl Figures {
    /// Sums up runs of a job with this number of records and bytes.
    pub fn of(runs: &[RunForm], records: Option<u64>, bytes: Option<u64>) -> Option<Self> {
        let wall = Summary::of(runs.iter().map(|run| run.wall_seconds))?;
        let cpu = Summary::of(runs.iter().map(RunForm::cpu_seconds))?;
        let rate = |amount: Option<u64>| {
            amount
                .filter(|amount| *amount > 0 && wall.median > 0.0)
                .map(|amount| amount as f64 / wall.median)
        };
        Some(Self {
            wall_seconds: wall,
            cpu_seconds: cpu,
            peak_bytes: Summary::of(
                runs.iter()
                    .filter_map(|run| run.peak_bytes)
                    .map(|bytes| bytes as f64),
            ),
            first_byte_seconds: Summary::of(runs.iter().filter_map(|run| run.first_byte_seconds)),
            first_record_seconds: Summary::of(runs.iter().filter_map(|run| run.first_record_seconds)),
            start_up_seconds: Summary::of(runs.iter().filter_map(|run| run.start_up_seconds)),
            records_per_second: rate(records),
            megabytes_per_second: rate(bytes).map(|bytes| bytes / 1e6),
            cpu_seconds_per_million: records
                .filter(|records| *records > 0)
                .map(|records| cpu.median / records as f64 * 1e6),
            spread: wall.spread(),
        })
    }
}

impl RunForm {
    /// CPU in user mode and in the kernel.
    pub fn cpu_seconds(&self) -> f64 {
        self.user_seconds + self.system_seconds
    }
}

impl RatioForm {
    /// Of another candidate to the subject.
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^53")]
    pub fn of(other: &Measured, subject: &Measured) -> Self {
        let turns = subject
            .runs
            .iter()
            .chain(&other.runs)
            .map(|run| run.turn)
            .max()
            .unwrap_or(0);
        let each = |of: &Measured, value: &dyn Fn(&RunForm) -> Option<f64>| -> Vec<Option<f64>> {
            let at = |turn| of.runs.iter().find(|run| run.turn == turn).and_then(value);
            (1..=turns).map(at).collect()
        };
        let ratio = |value: &dyn Fn(&RunForm) -> Option<f64>| {
            Summary::of(ratios(&each(other, value), &each(subject, value)))
        };
        Self {
            name: other.name.clone(),
            time: ratio(&|run| Some(run.wall_seconds)),
            cpu: ratio(&|run| Some(run.cpu_seconds())),
            memory: ratio(&|run| run.peak_bytes.map(|bytes| bytes as f64)),
        }
    }
}

impl Report {
    /// As text for a file.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|_| Error::bug("a report of a benchmark that is no JSON"))
    }

    /// From a file. One of a newer form is refused.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
        Self::parse(&text).map_err(|error| {
            Error::input(format!(
                "{}: expected a report of `melisma bench`",
                path.display()
            ))
            .with_source(error)
        })
    }

    fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let error = |error: serde_json::Error| Error::input("it is not one").with_source(error);
        let found: Version = serde_json::from_str(text).map_err(error)?;
        if found.version != VERSION {
            let text = format!("expected version {VERSION}, found {}", found.version);
            return Err(Error::input(text));
        }
        serde_json::from_str(text).map_err(error)
    }
}

impl Case {
    /// The subject.
    pub fn subject(&self) -> Option<&Measured> {
        self.candidates
            .iter()
            .find(|candidate| candidate.role == Role::Subject)
    }

    /// `1,000,000 records of lineitem`, `1,000 records of wide, 10 columns`
    pub fn title(&self) -> String {
        let mut title = self.records_title();
        for (count, what) in [(self.columns, "column"), (self.streams, "stream")] {
            if let Some(count) = count {
                let _ = write!(title, ", {}", counted(u64::from(count), what));
            }
        }
        title
    }

    fn records_title(&self) -> String {
        let records = self.records.or(self.rows);
        let records = records.map_or_else(String::new, |records| counted(records, "record"));
        match &self.shape {
            Some(shape) if records.is_empty() => shape.clone(),
            Some(shape) => format!("{records} of {shape}"),
            None => records,
        }
    }
}

/// `1 stream`, `10,000 streams`
fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", super::units::grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_another_version_is_refused_by_name() {
        let error = Report::parse(r#"{"version": 2}"#).unwrap_err().to_string();
        assert!(error.contains("expected version 1, found 2"), "{error}");
        assert!(Report::parse("{}").is_err());
    }

    #[test]
    fn figures_are_those_of_the_median() {
        let run = |turn, wall_seconds| RunForm {
            turn,
            wall_seconds,
            user_seconds: 0.5,
            system_seconds: 0.5,
            peak_bytes: Some(1 << 20),
            ..RunForm::default()
        };
        let runs = [run(1, 2.0), run(2, 4.0), run(3, 2.0)];
        let figures = Figures::of(&runs, Some(1_000_000), Some(8_000_000)).unwrap();
        assert_eq!(figures.records_per_second, Some(500_000.0));
        assert_eq!(figures.megabytes_per_second, Some(4.0));
        assert_eq!(figures.cpu_seconds_per_million, Some(1.0));
        assert_eq!(Figures::of(&[], Some(1), None), None);
    }
}
