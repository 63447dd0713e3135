//! The peak memory of our tap and our target.

use std::process::Command;

use super::super::memory::{each, peaks};
use super::super::report::Measured;
use super::setup::Bench;
use crate::Result;

/// At most this number of MiB for each process.
const MOST: f64 = 96.0;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    bench.server.psql("postgres", "truncate pair.lineitem");
    let rows = bench.corpora.rows;
    let mut measured = Vec::new();
    for (what, line) in [
        ("melisma run tap-postgres target-postgres", bench.pair()?),
        ("target-postgres upsert", bench.target("upsert")?),
    ] {
        let mut run = Command::new("sh");
        run.args(["-c", &line]);
        let peaks = peaks(&mut run)?;
        measured.extend(each(&format!("memory of {what}, {rows} rows"), &peaks, MOST));
    }
    Ok(measured)
}
