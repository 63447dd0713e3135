//! The peak memory of each process over a long run, and while a target sleeps.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::corpora::{Corpora, release};
use super::report::{Bar, Measured};
use crate::Result;

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(corpora: &Corpora) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for (target, most) in [
        ("target-jsonl", 64.0),
        ("target-csv", 64.0),
        ("target-parquet", 256.0),
    ] {
        let mut run = Command::new(release("melisma"));
        run.args(["run", "--full-refresh", "--cwd"])
            .arg(&corpora.project)
            .args(["tap-csv", target]);
        let output = corpora.output(target);
        if output.exists() {
            fs::remove_dir_all(&output).map_err(|e| format!("cannot remove {}: {e}", output.display()))?;
        }
        let title = format!("memory of melisma run tap-csv {target}, {} rows", corpora.rows);
        measured.push(total(&title, &peaks(&mut run)?, most));
    }
    measured.push(asleep(corpora)?);
    Ok(measured)
}

/// The sum of the processes' peaks: no less than the peak of the sum.
fn total(title: &str, peaks: &[(String, f64)], most: f64) -> Measured {
    let each: Vec<String> = peaks
        .iter()
        .map(|(who, peak)| format!("{who} {:.1}", peak / MIB))
        .collect();
    let sum = peaks.iter().map(|(_, peak)| peak).sum::<f64>() / MIB;
    let detail = format!("sum of VmHWM: {}", each.join(", "));
    Measured::new(title, sum, "MiB", Bar::AtMost(most), detail)
}

/// A target that sleeps five seconds before it reads: the tap waits, and the memory of no process grows.
fn asleep(corpora: &Corpora) -> Result<Measured> {
    let mut run = Command::new(release("melisma"));
    let tap = format!(
        "{} tap-csv --config {}",
        release("melisma").display(),
        corpora.tap_config.display()
    );
    run.arg("run")
        .arg(tap)
        .arg("sh -c 'sleep 5; exec cat > /dev/null'")
        .current_dir(&corpora.folder);
    let mut peaks = peaks(&mut run)?;
    peaks.retain(|(who, _)| who.starts_with("melisma "));
    Ok(total(
        "memory of melisma run with a target that sleeps",
        &peaks,
        64.0,
    ))
}

/// A measurement for each process.
pub(crate) fn each(title: &str, peaks: &[(String, f64)], most: f64) -> Vec<Measured> {
    let ours = peaks.iter().filter(|(who, _)| who.starts_with("melisma"));
    ours.map(|(who, peak)| {
        let title = format!("{title}: {who}");
        Measured::new(&title, peak / MIB, "MiB", Bar::AtMost(most), "VmHWM".into())
    })
    .collect()
}

/// Runs a command and looks at it and its children every few milliseconds: the highest `VmHWM` of each, in bytes.
pub(crate) fn peaks(command: &mut Command) -> Result<Vec<(String, f64)>> {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child: Child = command
        .spawn()
        .map_err(|e| format!("cannot start melisma: {e}"))?;
    let mut found: Vec<(String, f64)> = Vec::new();
    loop {
        for pid in family(child.id()) {
            let (Some(who), Some(peak)) = (name(pid), high_water(pid)) else {
                continue;
            };
            match found.iter_mut().find(|(known, _)| *known == who) {
                Some((_, highest)) => *highest = highest.max(peak),
                None => found.push((who, peak)),
            }
        }
        if let Some(status) = child.try_wait().map_err(|e| format!("cannot wait: {e}"))? {
            return if status.success() {
                Ok(found)
            } else {
                Err(format!("{status}: {command:?}"))
            };
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process and its descendants. A child may be started by any thread.
fn family(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads.into_iter().flatten().flatten().map(|thread| {
        let list = fs::read_to_string(thread.path().join("children"));
        list.unwrap_or_default()
    });
    let children: Vec<u32> = lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    std::iter::once(pid)
        .chain(children.into_iter().flat_map(family))
        .collect()
}

/// The first two words of a command line, without folders: `melisma tap-csv`.
fn name(pid: u32) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line.split('\0').filter(|word| !word.is_empty()).take(2);
    let names = words.map(|word| word.rsplit('/').next().unwrap_or(word));
    Some(names.collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
}

fn high_water(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}
