//! From start to exit of `target-jsonl < /dev/null`.

use std::process::{Command, Stdio};
use std::time::Instant;

use super::corpora::release;
use super::process::{median, millis};
use super::report::{Bar, Measured};
use crate::Result;

const RUNS: usize = 101;

pub(crate) fn measure() -> Result<Measured> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let mut target = Command::new(release("melisma"));
        target
            .arg("target-jsonl")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        let status = target
            .status()
            .map_err(|e| format!("cannot start melisma: {e}"))?;
        times.push(start.elapsed());
        if !status.success() {
            return Err(format!("{status}: melisma target-jsonl < /dev/null"));
        }
    }
    let middle = millis(median(&mut times));
    let detail = format!(
        "median of {RUNS}; slowest {:.1} ms",
        times.last().copied().map_or(0.0, millis)
    );
    Ok(Measured::new(
        "target-jsonl < /dev/null, start to exit",
        middle,
        "ms",
        Bar::AtMost(20.0),
        detail,
    ))
}
