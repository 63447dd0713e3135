//! `cargo xtask bench`: release builds, corpora, measurements, and a report against the bars.

pub(crate) mod corpora;
mod decode;
pub(crate) mod machine;
mod meltano;
mod memory;
pub(crate) mod postgres;
mod process;
mod report;
mod startup;

use clap::ValueEnum;

use crate::{Result, sh};
use corpora::Corpora;
use report::{Measured, Report};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to measure; everything but memory, postgres and meltano when none is named.
    #[arg(value_enum)]
    names: Vec<Name>,
    /// Rows of TPC-H lineitem; by default a million, and ten million for memory.
    #[arg(long)]
    rows: Option<u64>,
    /// How often each side of a ratio runs; medians are compared.
    #[arg(long, default_value_t = 7)]
    repeat: usize,
    /// The name of the report: benches/results/NAME.md and NAME.json. By default the date.
    #[arg(long)]
    name: Option<String>,
}

/// A family of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// The decoder against other parsers (criterion).
    Decode,
    /// `melisma pipe` against cat, with and without --validate.
    Pipe,
    /// `melisma run tap-csv target-jsonl` against cat of the same bytes.
    Run,
    /// tap-csv against the csv crate.
    TapCsv,
    /// From start to exit of `target-jsonl < /dev/null`.
    Startup,
    /// Peak memory of each process.
    Memory,
    /// tap-postgres and target-postgres against psql and the Python connectors.
    Postgres,
    /// `melisma run` and `meltano run` between a tap and a target that cost nothing.
    Meltano,
}

const SPEED: [Name; 5] = [Name::Decode, Name::Pipe, Name::Run, Name::TapCsv, Name::Startup];

pub(crate) fn run(args: &Args) -> Result {
    let names = if args.names.is_empty() {
        &SPEED[..]
    } else {
        &args.names
    };
    let wants = |name| names.contains(&name);
    sh::run(sh::cargo().args([
        "build",
        "--release",
        "--package=melisma",
        "--package=melisma-benches",
        "--bins",
    ]))?;

    let mut measured: Vec<Measured> = Vec::new();
    if wants(Name::Decode) {
        measured.extend(decode::measure()?);
    }
    if names
        .iter()
        .any(|name| matches!(name, Name::Pipe | Name::Run | Name::TapCsv))
    {
        let corpora = Corpora::with_singer(args.rows.unwrap_or(1_000_000))?;
        for ratio in process::ratios(&corpora)?
            .iter()
            .filter(|ratio| wants(ratio.family))
        {
            measured.push(ratio.measure(args.repeat)?);
        }
    }
    if wants(Name::Startup) {
        measured.push(startup::measure()?);
    }
    if wants(Name::Memory) {
        measured.extend(memory::measure(&Corpora::make(args.rows.unwrap_or(10_000_000))?)?);
    }
    if wants(Name::Postgres) {
        let corpora = Corpora::with_singer(args.rows.unwrap_or(1_000_000))?;
        measured.extend(postgres::measure(&corpora, args.repeat)?);
    }
    if wants(Name::Meltano) {
        let corpora = Corpora::with_singer(args.rows.unwrap_or(1_000_000))?;
        measured.extend(meltano::measure(&corpora, args.repeat)?);
    }
    Report::new(measured)?.write(args.name.as_deref())
}
