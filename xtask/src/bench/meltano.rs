//! `melisma run` and `meltano run` between a tap and a target that cost nothing, beside the pipe of a shell.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::Name;
use super::corpora::{Corpora, release};
use super::process::{Ratio, median, millis};
use super::report::{Bar, Measured};
use crate::{Result, setup};

/// Nine tenths of the pipe's rate.
const LONGEST: f64 = 1.11;

/// How often melisma starts; Meltano, which takes seconds, starts three times.
const STARTS: usize = 15;

pub(crate) fn measure(corpora: &Corpora, repeat: usize) -> Result<Vec<Measured>> {
    let meltano = setup::meltano()?.with_file_name("meltano");
    let melisma = release("melisma");
    let project = Project::make(corpora)?;
    Ok(vec![
        project.transfer(corpora, &melisma, repeat)?,
        project.rate(corpora, &melisma, repeat, f64::INFINITY)?,
        project.rate(corpora, &meltano, 3, f64::INFINITY)?,
        project.first_record(&melisma, STARTS, Bar::AtMost(100.0))?,
        project.first_record(&meltano, 3, Bar::None)?,
    ])
}

/// A project whose tap prints a file, and whose target reads it.
struct Project {
    folder: PathBuf,
}

impl Project {
    fn make(corpora: &Corpora) -> Result<Self> {
        let folder = corpora.folder.join("free");
        fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
        let plugin = |name: &str| json!({"name": name, "namespace": name.replace('-', "_"), "executable": format!("./{name}")});
        let document = json!({
            "default_environment": "bench", "environments": [{"name": "bench"}], "send_anonymous_usage_stats": false,
            "plugins": {
                "extractors": [plugin("tap-free"), plugin("tap-one")],
                "loaders": [plugin("target-free"), plugin("target-first"), plugin("target-timed")],
            },
        });
        let project = Self { folder };
        // JSON is YAML.
        project.write("meltano.yml", &format!("{document:#}\n"))?;
        let record = r#"{"type":"SCHEMA","stream":"a","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}
{"type":"RECORD","stream":"a","record":{"id":1}}"#;
        project.script("tap-free", &format!("exec cat '{}'", corpora.python.display()))?;
        project.script("tap-one", &format!("echo '{record}'"))?;
        project.script("target-free", "exec cat > /dev/null")?;
        // The clock is read when the first line is here.
        project.script(
            "target-first",
            "read -r line; date +%s%N > first; exec cat > /dev/null",
        )?;
        project.script(
            "target-timed",
            "read -r line; date +%s%N > first; cat > /dev/null; date +%s%N > last",
        )?;
        Ok(project)
    }

    fn write(&self, name: &str, text: &str) -> Result {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
    }

    fn script(&self, name: &str, line: &str) -> Result {
        self.write(name, &format!("#!/bin/sh\n{line}\n"))?;
        let path = self.folder.join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(|e| format!("cannot make {} executable: {e}", path.display()))
    }

    /// The time of a run of the whole file, in times of the shell's pipe.
    fn rate(&self, corpora: &Corpora, runner: &Path, repeat: usize, bar: f64) -> Result<Measured> {
        let folder = self.folder.display();
        Ratio::new(
            Name::Meltano,
            format!(
                "{} run between cat and cat / a shell pipe, {} records",
                name(runner),
                corpora.rows
            ),
            format!(
                "cd '{folder}' && '{}' run tap-free target-free > /dev/null 2>&1",
                runner.display()
            ),
            format!("cd '{folder}' && ./tap-free | ./target-free"),
            String::new(),
            bar,
        )
        .measure(repeat)
    }

    /// The time from the first record at the target to the end of the last one, in times of the shell's pipe: what is left of a
    /// run when its start and its end are not counted.
    fn transfer(&self, corpora: &Corpora, runner: &Path, repeat: usize) -> Result<Measured> {
        let shell = "./tap-free | ./target-timed".to_owned();
        let run = format!("'{}' run tap-free target-timed", runner.display());
        let mut took = [Vec::new(), Vec::new()];
        let mut ratios = Vec::new();
        for turn in 0..=repeat {
            let times = [self.timed(&run)?, self.timed(&shell)?];
            // The first turn fills the caches.
            if turn > 0 {
                ratios.push(times[0].as_secs_f64() / times[1].as_secs_f64());
                took.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
            }
        }
        ratios.sort_by(f64::total_cmp);
        let [ours, theirs] = took.map(|mut times| millis(median(&mut times)));
        Ok(Measured::new(
            &format!(
                "{} run between cat and cat / a shell pipe, {} records, from the first one to the last",
                name(runner),
                corpora.rows
            ),
            ratios[ratios.len() / 2],
            "x",
            Bar::AtMost(LONGEST),
            format!("{ours:.0} ms / {theirs:.0} ms, medians of {repeat}"),
        ))
    }

    /// The time that `target-timed` has measured in this command.
    fn timed(&self, command: &str) -> Result<Duration> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&self.folder);
        let status = shell
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !status.is_ok_and(|status| status.success()) {
            return Err(format!("failed: {command}"));
        }
        Ok(self.moment("last")?.saturating_sub(self.moment("first")?))
    }

    /// The moment in a file, since 1970.
    fn moment(&self, name: &str) -> Result<Duration> {
        let file = self.folder.join(name);
        let text = fs::read_to_string(&file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        let nanos = text.trim().parse();
        nanos
            .map(Duration::from_nanos)
            .map_err(|e| format!("{}: {e}", file.display()))
    }

    /// From the start of the runner to the moment when the target has read a line.
    fn first_record(&self, runner: &Path, starts: usize, bar: Bar) -> Result<Measured> {
        let mut times = Vec::with_capacity(starts);
        for turn in 0..=starts {
            let took = self.start(runner)?;
            // The first one creates the system database.
            if turn > 0 {
                times.push(took);
            }
        }
        let middle = millis(median(&mut times));
        let slowest = times.last().copied().map_or(0.0, millis);
        Ok(Measured::new(
            &format!("{} run, start to first record", name(runner)),
            middle,
            "ms",
            bar,
            format!("median of {starts}; slowest {slowest:.0} ms"),
        ))
    }

    fn start(&self, runner: &Path) -> Result<Duration> {
        let mut run = Command::new(runner);
        run.args(["run", "tap-one", "target-first"])
            .current_dir(&self.folder);
        run.stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let before = since_1970()?;
        let status = run
            .status()
            .map_err(|e| format!("cannot start {}: {e}", runner.display()))?;
        if !status.success() {
            return Err(format!("{status}: {run:?}"));
        }
        Ok(self.moment("first")?.saturating_sub(before))
    }
}

fn since_1970() -> Result<Duration> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|e| e.to_string())
}

fn name(runner: &Path) -> std::borrow::Cow<'_, str> {
    runner.file_name().unwrap_or_default().to_string_lossy()
}
