//! The system database on PostgreSQL, and states in a `file://` backend: stored, locked, and kept whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use tempfile::TempDir;

use crate::harness::{Live, melisma, run, wait_for};

/// Three rows after the state, each followed by its STATE. While there is a file `wait`, it waits after the first.
const TAP: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do case $1 in --state) n=$(tr -dc 0-9 < "$2") ;; esac; shift; done
n=${n:-0}
echo '{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}'
for i in $((n + 1)) $((n + 2)) $((n + 3)); do
  echo '{"type":"RECORD","stream":"s","record":{"id":'$i'}}'
  echo '{"type":"STATE","value":{"n":'$i'}}'
  if [ -e wait ]; then : > ready; while [ -e wait ]; do sleep 0.05; done; fi
done
"#;

/// A project whose states are somewhere else than in `.meltano/meltano.db`.
pub(crate) struct Project {
    folder: TempDir,
    /// More variables of its commands.
    pub(crate) vars: Vec<(&'static str, String)>,
}

impl Project {
    pub(crate) fn new(settings: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let tap = folder.path().join("tap");
        fs::write(&tap, TAP).expect("written");
        let target = folder.path().join("target");
        let script = format!("#!/bin/sh\nexec '{}' target-jsonl \"$@\"\n", melisma().display());
        fs::write(&target, script).expect("written");
        for file in [&tap, &target] {
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("executable");
        }
        let yaml = format!(
            "{settings}\nversion: 1\nproject_id: test\ndefault_environment: dev\nenvironments: [{{name: dev}}]\nplugins:
  extractors: [{{name: tap-f, namespace: f, executable: ./tap, capabilities: [state]}}]
  loaders: [{{name: target-jsonl, namespace: t, executable: ./target, config: {{destination_path: out, state_interval_seconds: 0}}}}]\n"
        );
        fs::write(folder.path().join("meltano.yml"), yaml).expect("written");
        Self {
            folder,
            vars: Vec::new(),
        }
    }

    /// The same with more variables.
    pub(crate) fn with(mut self, vars: &[(&'static str, String)]) -> Self {
        self.vars.extend_from_slice(vars);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = self.melisma(&["run"]);
        command.args(more).args(["tap-f", "target-jsonl"]);
        command
    }

    /// Any command of melisma in the project.
    pub(crate) fn melisma(&self, args: &[&str]) -> Command {
        let mut command = Command::new(melisma());
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.path("xdg"))
            .envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A run that waits after its first row, whose STATE is stored.
    pub(crate) fn waiting(&self, stored: impl Fn() -> bool) -> Live {
        fs::write(self.path("wait"), "").expect("written");
        let live = Live::start(&mut self.command(&[]));
        wait_for("the tap", || self.path("ready").exists().then_some(()));
        wait_for("the state", || stored().then_some(()));
        live
    }

    pub(crate) fn rows(&self) -> usize {
        self.ids().len()
    }

    /// The rows that have arrived.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let text = fs::read_to_string(self.path("out/s.jsonl")).unwrap_or_default();
        let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["id"].as_u64();
        text.lines().filter_map(id).collect()
    }
}

fn on_postgres(database: &Database<'_>) -> Project {
    Project::new(&format!(
        "database_uri: {}",
        database.url().replacen("postgresql:", "postgresql+psycopg:", 1)
    ))
}

/// The state after a commit, as Meltano's table has it.
fn state(database: &Database<'_>) -> String {
    database
        .sql("select completed_state, partial_state from state")
        .trim()
        .to_owned()
}

fn file(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join("dev:tap-f-to-target-jsonl/state.json")).ok()
}

#[test]
fn a_server_has_the_tables_of_meltano_and_the_state_of_each_run() {
    let database = server().database();
    let project = on_postgres(&database);
    for rows in [3, 6] {
        run(&mut project.command(&[]), b"").ok();
        assert_eq!(project.rows(), rows);
        assert!(
            state(&database).contains(&format!(r#"{{"singer_state": {{"n":{rows}}}}}"#)),
            "{}",
            state(&database)
        );
    }
    let runs =
        database.sql("select count(*), count(distinct run_id), min(state), max(payload_flags) from runs");
    assert_eq!(runs.trim(), "2|2|SUCCESS|1");
    assert!(!project.path(".meltano/meltano.db").exists());
}

/// The server ends every connection in the middle of a run, as it does when it is restarted.
#[test]
fn a_connection_that_is_lost_in_a_run_is_made_again() {
    let database = server().database();
    let project = on_postgres(&database);
    let live = project.waiting(|| state(&database).contains(r#"{"n":1}"#));
    let ended = database.sql(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> \
         pg_backend_pid()",
    );
    assert_ne!(ended.trim(), "0");
    fs::remove_file(project.path("wait")).expect("removed");
    live.finish().ok();
    assert_eq!(project.rows(), 3);
    assert!(state(&database).contains(r#"{"n":3}"#), "{}", state(&database));
    let runs = database.sql("select count(*), min(state) from runs");
    assert_eq!(runs.trim(), "1|SUCCESS");
}

#[test]
fn of_two_runs_on_a_server_one_wins_and_the_other_says_who_holds_it() {
    let database = server().database();
    let project = on_postgres(&database);
    let first = project.waiting(|| state(&database).contains(r#"{"n":1}"#));
    let pid = format!("pid {} on host", first.id());
    run(&mut project.command(&[]), b"").fails(
        75,
        &[
            "another run of dev:tap-f-to-target-jsonl is alive",
            &pid,
            "--force",
        ],
    );
    fs::remove_file(project.path("wait")).expect("removed");
    first.finish().ok();
    assert_eq!(project.rows(), 3);
    let runs = database.sql("select count(*), min(state) from runs");
    assert_eq!(runs.trim(), "1|SUCCESS");
}

#[test]
fn of_runs_that_start_together_on_a_server_one_wins() {
    let database = server().database();
    let project = on_postgres(&database);
    fs::write(project.path("wait"), "").expect("written");
    let mut runs: Vec<Live> = (0..4).map(|_| Live::start(&mut project.command(&[]))).collect();
    wait_for("three to give up", || {
        let ended = runs
            .iter_mut()
            .filter_map(|run| run.ended().then_some(()))
            .count();
        (ended == 3).then_some(())
    });
    fs::remove_file(project.path("wait")).expect("removed");
    let mut codes: Vec<Option<i32>> = runs.into_iter().map(|run| run.finish().code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(75), Some(75), Some(75)]);
    assert_eq!(project.rows(), 3);
}

#[test]
fn a_folder_has_the_state_in_the_layout_of_meltano_and_a_change_by_others_is_not_overwritten() {
    let states = TempDir::new().expect("a folder");
    let project = Project::new(&format!(
        "state_backend: {{uri: 'file://{}'}}",
        states.path().display()
    ));
    run(&mut project.command(&[]), b"").ok();
    assert_eq!(
        file(states.path()).as_deref(),
        Some(r#"{"completed": {"singer_state": {"n":3}}, "partial": {}}"#)
    );
    let live = project.waiting(|| file(states.path()).is_some_and(|text| text.contains(r#"{"n":4}"#)));
    let theirs = r#"{"completed": {"singer_state": {"n": 70}}, "partial": {}}"#;
    fs::write(states.path().join("dev:tap-f-to-target-jsonl/state.json"), theirs).expect("written");
    fs::remove_file(project.path("wait")).expect("removed");
    live.finish().fails(75, &["was changed by another process"]);
    assert_eq!(file(states.path()).as_deref(), Some(theirs));
    run(&mut project.command(&[]), b"").ok();
    assert!(file(states.path()).is_some_and(|text| text.contains(r#"{"n":73}"#)));
}

#[test]
fn databases_and_backends_that_are_not_supported_are_refused_by_name() {
    for (settings, said) in [
        ("database_uri: mysql://u:pass-w0rd@h/d", "mysql is not supported"),
        (
            "database_uri: mssql+pymssql://u:pass-w0rd@h/d",
            "mssql+pymssql is not supported",
        ),
        (
            "state_backend: {uri: 'snowflake://pass-w0rd@b/p'}",
            "snowflake is not supported",
        ),
    ] {
        let project = Project::new(settings);
        let outcome = run(&mut project.command(&[]), b"").fails(78, &[said]);
        assert!(!outcome.stderr.contains("pass-w0rd"), "{}", outcome.stderr);
    }
}
