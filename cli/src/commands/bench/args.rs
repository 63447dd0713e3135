//! The options of `melisma bench`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use melisma_bench::generate::Shape;
use melisma_bench::plan::Settings;

use crate::args::LogArgs;

const EXAMPLES: &str = "\
Examples:
  melisma bench gen lineitem --rows 1000000 --out lineitem.singer
  melisma bench gen changes --rows 100000 --out - | melisma target-postgres --config target.json
  melisma bench pipe --shape lineitem --rows 1000000
  melisma bench pipe --shape wide --rows 10000 --columns 1,10,100,1000 --html wide.html
  melisma bench tap 'tap-csv --config tap.json' --vs 'python=.venv/bin/tap-csv --config tap.json'
  melisma bench target 'target-jsonl --config target.json' --input lineitem.singer --prepare 'rm -rf output'
  melisma bench pair 'tap-csv --config tap.json' 'target-parquet --config target.json' --json new.json --html new.html
  melisma bench compare old.json new.json

A command line is split into words as a shell does, but no shell runs; `sh -c '...'` starts one. {input} and {rows} stand
for the file of --input, or the one that --shape generates, and its rows; MELISMA_BENCH_INPUT and MELISMA_BENCH_ROWS have the
same. Every command runs once without being timed, and its rows are checked; then all run in turns.

Exit codes: 0 measured, 65 the rows did not arrive, 69 the command does not exist, 1 it failed, or `compare` found
something slower, 75 the machine was too noisy to tell. The report is written in that case, too.";

/// The options of `melisma bench`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(super) command: BenchCommand,
}

#[derive(Subcommand)]
pub(super) enum BenchCommand {
    /// Generate a stream from a seed: the same bytes every time
    Gen(GenArgs),
    /// Measure `melisma pipe` beside cat and others
    Pipe(PipeArgs),
    /// Measure a tap
    Tap(TapArgs),
    /// Measure a target
    Target(TargetArgs),
    /// Measure a tap into a target
    Pair(PairArgs),
    /// Compare two reports: what changed beyond noise
    Compare(CompareArgs),
    /// Show a report again, as a table or as a page
    Show(ShowArgs),
}

/// The shapes by their names.
fn shapes() -> impl TypedValueParser<Value = Shape> {
    let values = Shape::ALL.map(|(name, _, about)| PossibleValue::new(name).help(about));
    PossibleValuesParser::new(values).map(|name| Shape::named(&name).unwrap_or(Shape::Narrow))
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| *number >= 0.0);
    number.ok_or_else(|| "expected a number of 0 or more".to_owned())
}

/// What says how to generate an input.
#[derive(Args)]
pub(super) struct SeedArgs {
    /// Another seed makes other values
    #[arg(long, value_name = "SEED")]
    pub(super) seed: Option<u64>,
    /// The scale factor of a TPC-H table [default: the least that has enough rows]
    #[arg(long, value_name = "FACTOR")]
    pub(super) scale: Option<f64>,
}

#[derive(Args)]
pub(super) struct GenArgs {
    /// What the records look like
    #[arg(value_name = "SHAPE", value_parser = shapes())]
    pub(super) shape: Shape,
    /// How many records [default: 100000; of a TPC-H table all of --scale]
    #[arg(long, value_name = "N")]
    pub(super) rows: Option<u64>,
    #[command(flatten)]
    pub(super) seed: SeedArgs,
    /// Columns of the shape wide [default: 150]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) columns: Option<u32>,
    /// Streams of the shape streams [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) streams: Option<u32>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: GenFormat,
    /// Write to this file, to stdout for -, or for parquet into this folder
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum GenFormat {
    /// Singer messages, as singer-sdk writes them
    #[default]
    Singer,
    /// A CSV file with a header
    Csv,
    /// Parquet files, written by target-parquet
    Parquet,
}

/// What all measurements have in common.
#[derive(Args)]
pub(super) struct CommonArgs {
    /// Another command for the same job; it may be repeated
    #[arg(long, value_name = "NAME=COMMAND")]
    pub(super) vs: Vec<String>,
    /// Timed runs of each command
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) runs: u32,
    /// Run this before each run, untimed
    #[arg(long, value_name = "COMMAND")]
    pub(super) prepare: Option<String>,
    /// Run this after each run: it prints how many rows have arrived, or the rows as JSON lines
    #[arg(long, value_name = "COMMAND")]
    pub(super) check: Option<String>,
    /// This number of records must arrive
    #[arg(long, value_name = "N")]
    pub(super) records: Option<u64>,
    /// Generate the input: see `melisma bench gen`
    #[arg(long, value_name = "SHAPE", value_parser = shapes())]
    pub(super) shape: Option<Shape>,
    /// Rows of the generated input; several numbers measure how it scales
    #[arg(long, value_name = "N,...", value_delimiter = ',', requires = "shape")]
    pub(super) rows: Vec<u64>,
    #[command(flatten)]
    pub(super) seed: SeedArgs,
    /// Columns of the shape wide [default: 150]; several numbers measure how it scales
    #[arg(long, value_name = "N,...", value_delimiter = ',', requires = "shape",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) columns: Vec<u32>,
    /// Streams of the shape streams [default: 100]; several numbers measure how it scales
    #[arg(long, value_name = "N,...", value_delimiter = ',', requires = "shape",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) streams: Vec<u32>,
    /// Do not measure cat and wc
    #[arg(long)]
    pub(super) no_floors: bool,
    /// The spread of the times that is accepted, in percent of their median
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, value_parser = not_negative)]
    pub(super) max_spread: f64,
    /// The load of other processes that is accepted
    #[arg(long, value_name = "CORES", default_value_t = 0.25, value_parser = not_negative)]
    pub(super) max_load: f64,
    /// The heading of the report [default: the name of the command]
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    /// Write the report to FILE as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the report to FILE as a page with plots
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

impl CommonArgs {
    pub(super) fn settings(&self) -> Settings {
        Settings {
            runs: self.runs,
            max_spread: self.max_spread / 100.0,
            max_load: self.max_load,
        }
    }
}

#[derive(Args)]
pub(super) struct PipeArgs {
    /// The messages that pass [default: a generated input, a million records of lineitem]
    #[arg(long, value_name = "FILE", conflicts_with = "shape")]
    pub(super) input: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Args)]
pub(super) struct TapArgs {
    /// The command line of the tap
    #[arg(value_name = "TAP")]
    pub(super) tap: String,
    /// The name of the tap in the report [default: that of its program]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The records of this file must come out: Singer messages or JSON lines
    #[arg(long, value_name = "FILE")]
    pub(super) expect: Option<PathBuf>,
    /// The file that {input} stands for
    #[arg(long, value_name = "FILE", conflicts_with = "shape")]
    pub(super) input: Option<PathBuf>,
    /// The form of a generated input
    #[arg(long, value_enum, default_value = "csv")]
    pub(super) format: InputFormat,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Args)]
pub(super) struct TargetArgs {
    /// The command line of the target
    #[arg(value_name = "TARGET")]
    pub(super) target: String,
    /// The name of the target in the report [default: that of its program]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The messages that the target gets
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "shape",
        required_unless_present = "shape"
    )]
    pub(super) input: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Args)]
pub(super) struct PairArgs {
    /// The tap: a command line, or a plugin of the project in this folder
    #[arg(value_name = "TAP")]
    pub(super) tap: String,
    /// The target: a command line, or a plugin of the project in this folder
    #[arg(value_name = "TARGET")]
    pub(super) target: String,
    /// What connects the two; the first one is the subject
    #[arg(long, value_enum, value_delimiter = ',', default_value = "melisma")]
    pub(super) via: Vec<Via>,
    /// The records of this file must arrive: Singer messages or JSON lines
    #[arg(long, value_name = "FILE")]
    pub(super) expect: Option<PathBuf>,
    /// The file that {input} stands for
    #[arg(long, value_name = "FILE", conflicts_with = "shape")]
    pub(super) input: Option<PathBuf>,
    /// The form of a generated input
    #[arg(long, value_enum, default_value = "csv")]
    pub(super) format: InputFormat,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Via {
    /// `melisma run`
    Melisma,
    /// A pipe, as between two commands of a shell
    Pipe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    /// A CSV file with a header
    Csv,
    /// Singer messages
    Singer,
}

#[derive(Args)]
pub(super) struct CompareArgs {
    /// The older report, as --json wrote it
    #[arg(value_name = "BEFORE")]
    pub(super) before: PathBuf,
    /// The newer report
    #[arg(value_name = "AFTER")]
    pub(super) after: PathBuf,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

#[derive(Args)]
pub(super) struct ShowArgs {
    /// The report, as --json wrote it
    #[arg(value_name = "REPORT")]
    pub(super) report: PathBuf,
    /// The form of the table
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: ShowFormat,
    /// Write the page with plots to FILE
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ShowFormat {
    /// For a terminal
    Text,
    /// For a page of documentation
    Markdown,
}
