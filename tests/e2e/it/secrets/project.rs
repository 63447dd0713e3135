//! A whole project: its processes, their arguments and environments, their files.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{CANARY, files, is_nowhere_in, says_nothing};
use crate::harness::{Every, Live, children, melisma, run, wait_for};

/// A project whose secrets come from everywhere a project can have them.
fn project(password: &str) -> (TempDir, Every) {
    let target = Every::postgres();
    let Every::Table { database, .. } = &target else {
        unreachable!("a table")
    };
    let role = format!("role_{}", database.name());
    database.sql(&format!("create role {role} login superuser password '{CANARY}'"));
    database.sql("create table public.orders as select 1 as id");
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    let (host, port, name) = (database.host(), database.port(), database.name());
    write(
        "meltano.yml",
        &format!(
            "version: 1
default_environment: dev
environments: [{{name: dev, env: {{FROM_ENVIRONMENT: {CANARY}}}}}]
env: {{FROM_ROOT: {CANARY}}}
plugins:
  extractors:
  - name: tap-postgres
    namespace: tap_postgres
    executable: tap-postgres
    pip_url: null
    settings: [{{name: password, kind: password, sensitive: true}}, {{name: port, kind: integer}}]
    capabilities: [catalog, discover, state]
    select: ['public-orders.*']
    config: {{host: {host}, port: {port}, user: {role}, database: {name}, password: {password}}}
  loaders:
  - name: target-postgres
    namespace: target_postgres
    executable: target-postgres
    settings: [{{name: sqlalchemy_url, kind: string}}]
    config: {{sqlalchemy_url: 'postgresql://{role}:$IN_DOT_ENV@{host}:{port}/{name}', default_target_schema: loaded}}
"
        ),
    );
    write(".env", &format!("IN_DOT_ENV={CANARY}\n"));
    (folder, target)
}

fn melisma_in(folder: &Path, level: &str) -> Command {
    let mut command = Command::new(melisma());
    command
        .args(["run", "--log-level", level, "tap-postgres", "target-postgres"])
        .env("TMPDIR", folder)
        .current_dir(folder);
    command
}

#[test]
fn a_run_of_a_project_shows_none_of_its_secrets() {
    for (password, code) in [(CANARY.to_owned(), 0), (format!("{CANARY}Wrong"), 1)] {
        let (folder, target) = project(&password);
        let Every::Table { database, .. } = &target else {
            unreachable!("a table")
        };
        // The tap's discovery waits, and with it the run: time to look at its processes and files.
        let mut holder = Live::start(&mut database.psql());
        let mut live = None;
        if code == 0 {
            holder.send(["begin; lock table public.orders;"]);
            let held = "select count(*) > 0 from pg_locks where mode = 'AccessExclusiveLock' and relation = 'public.orders'::regclass";
            wait_for("the lock", || (database.sql(held) == "t").then_some(()));
            let running = Live::start(&mut melisma_in(folder.path(), "debug"));
            wait_for("the tap", || (children(running.id()).len() > 1).then_some(()));
            for process in children(running.id()).into_iter().chain([running.id()]) {
                look_at(process, process != running.id());
            }
            let private = folder.path().join(".meltano/run");
            let mut inside = Vec::new();
            files(&private, &[], &mut inside);
            // The link to the program has no secrets.
            inside.retain(|path| !path.is_symlink());
            assert!(!inside.is_empty());
            for path in inside {
                let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                assert_eq!(mode(path.parent().expect("a folder")), 0o700);
            }
            live = Some(running);
        }
        holder.send(["commit;"]);
        drop(holder.stdin());
        holder.end();
        let outcome = match live {
            Some(mut live) => {
                drop(live.stdin());
                live.end()
            }
            None => run(&mut melisma_in(folder.path(), "debug"), b""),
        };
        assert!(
            if code == 0 {
                outcome.code == Some(0)
            } else {
                outcome.code != Some(0)
            },
            "{outcome:?}"
        );
        says_nothing("run", &outcome);
        is_nowhere_in(folder.path(), &["meltano.yml", ".env"]);
    }
}

/// What `ps` shows of a process, and what a child of ours has in its environment.
fn look_at(pid: u32, environment: bool) {
    let read = |name: &str| {
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default())
            .replace('\0', "\n")
    };
    assert!(!read("cmdline").contains(CANARY), "{}", read("cmdline"));
    if environment {
        // What the user's own `env:` and `.env` hold stands there, as in Meltano; settings do not.
        let settings: Vec<String> = read("environ")
            .lines()
            .filter(|line| line.contains(CANARY))
            .map(|line| line.split('=').next().unwrap_or_default().to_owned())
            .filter(|name| !["FROM_ENVIRONMENT", "FROM_ROOT", "IN_DOT_ENV"].contains(&name.as_str()))
            .collect();
        assert!(settings.is_empty(), "{settings:?}");
    }
}
