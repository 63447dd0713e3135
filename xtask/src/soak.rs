//! `cargo xtask soak`: a day's records in half an hour, with a kill every minute.

use std::process::Command;

use clap::Args as Arguments;
use melisma_testing::postgres::installations;

use crate::{Result, faults, sh};

/// Long enough to be a soak: shorter ones do not touch the report under docs/.
const LONG: u64 = 30;

#[derive(Arguments)]
pub(crate) struct Args {
    /// How long rows are sent.
    #[arg(long, default_value_t = LONG)]
    minutes: u64,
    /// Rows in all; the default is a day of 1,000 rows a second.
    #[arg(long, default_value_t = 86_400_000)]
    rows: u64,
    /// What all rows, and the moments of the kills, follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args) -> Result {
    if installations().is_empty() {
        return Err(
            "the soak needs PostgreSQL's programs: `cargo xtask setup` installs them, or says how".into(),
        );
    }
    let programs = faults::build()?;
    let mut soak = Command::new(programs.join("melisma-faults"));
    soak.arg("soak").arg("--programs").arg(&programs);
    for (name, value) in [
        ("--minutes", args.minutes),
        ("--rows", args.rows),
        ("--seed", args.seed),
    ] {
        soak.arg(name).arg(value.to_string());
    }
    if args.minutes >= LONG {
        soak.arg("--report").arg(sh::root().join("docs"));
    }
    sh::run(&mut soak)
}
