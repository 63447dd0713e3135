//! The two tools that are compared: Meltano in one Python process for all runs, and melisma.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::case::{Case, Run};
use super::handed::{Facts, handed, rows};
use crate::harness::{melisma, script};

/// Meltano's process.
pub(super) struct Meltano {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Meltano {
    pub(super) fn start() -> Self {
        let mut process = script("python-meltano", "meltano_runs.py")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let requests = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Self {
            process,
            requests,
            answers,
        }
    }

    /// An answer of Meltano's process.
    pub(super) fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").expect("it reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).expect("JSON")
    }

    /// What Meltano makes of a case in `folder`.
    pub(super) fn facts(&mut self, case: &Case, folder: &Path) -> Facts {
        self.all_runs(case, folder, |meltano, run, log| {
            let request = json!({"folder": folder, "args": without_installation(run), "vars": vars(run, folder), "log": log});
            let code = meltano.ask(&request);
            code.as_i64().expect("an exit code")
        })
    }

    /// What melisma makes of it.
    pub(super) fn facts_of_melisma(&mut self, case: &Case, folder: &Path) -> Facts {
        self.all_runs(case, folder, |_, run, log| {
            let log = std::fs::File::create(log).expect("created");
            let status = Command::new(melisma())
                .args(without_installation(run))
                .current_dir(folder)
                .env_clear()
                .envs(vars(run, folder))
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a file"))
                .stderr(log)
                .status();
            status.expect("it starts").code().map_or(-1, i64::from)
        })
    }

    fn all_runs(
        &mut self,
        case: &Case,
        folder: &Path,
        mut run: impl FnMut(&mut Self, &Run, &Path) -> i64,
    ) -> Facts {
        case.write(folder);
        let mut facts = Facts::new();
        for (index, one) in case.runs().iter().enumerate() {
            let log = folder.with_extension(format!("{index}.log"));
            let code = run(self, one, &log);
            facts.insert(format!("run {index}, exit"), exit(code).to_owned());
            facts.extend(handed(folder, index));
        }
        let database = folder.join(".meltano/meltano.db");
        let answer = self.ask(&json!({"database": database}));
        facts.extend(rows(&answer));
        facts
    }
}

/// What an exit code says. Meltano has 1 for every failure, and melisma a code for each kind of it: docs/failed-runs.md.
fn exit(code: i64) -> &'static str {
    match code {
        0 => "success",
        1 | 64 | 65 | 69 | 74 | 75 | 78 => "failure",
        // Click's code for a wrong command line. No run of these projects has one.
        2 => "usage",
        3 => "another version of Meltano",
        130 => "SIGINT",
        143 => "SIGTERM",
        _ => "another code",
    }
}

/// The arguments of a run, so that neither tool installs plugins from the network.
fn without_installation(run: &Run) -> Vec<String> {
    let mut args = run.args.clone();
    if args.first().is_some_and(|first| first == "run") {
        args.insert(1, "--no-install".to_owned());
    }
    args
}

impl Drop for Meltano {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The variables of a run: few, so that nothing of the machine is compared.
pub(super) fn vars(run: &Run, folder: &Path) -> BTreeMap<String, String> {
    let fixed = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", folder.parent().and_then(Path::to_str).expect("a folder")),
        ("MELTANO_SEND_ANONYMOUS_USAGE_STATS", "false"),
        ("NO_COLOR", "1"),
        // It asks PyPI.
        ("MELTANO_CLI_DISABLE_VERSION_CHECK", "true"),
        ("SHELL_ONLY", "from the shell"),
    ];
    let fixed = fixed
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    fixed.chain(run.vars.iter().cloned()).collect()
}
