//! `--full-refresh-stream`, `--from`, `--backfill` and `--limit`: what is extracted, and what the next run resumes from.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Outcome, jsonl_rows, melisma, python, root, run};

const ID: &str = "dev:tap-postgres-to-target-jsonl";

/// Orders and events, which are incremental by `id`, and kinds, which are not.
struct Project<'a> {
    folder: TempDir,
    database: Database<'a>,
}

impl Project<'_> {
    /// With a tap of this executable.
    fn new(tap: &str) -> Self {
        let database = server().database();
        database.sql(
            "create schema shop;
             create table shop.orders (id int primary key, x text);
             create table shop.events (id int primary key);
             create table shop.kinds (id int primary key);
             insert into shop.orders select n, 'x' || n from generate_series(1, 6) n;
             insert into shop.events select generate_series(1, 3);
             insert into shop.kinds select generate_series(1, 2)",
        );
        let incremental = json!({"replication-method": "INCREMENTAL", "replication-key": "id"});
        let project = json!({
            "default_environment": "dev",
            "environments": [{"name": "dev"}],
            "plugins": {
                "extractors": [{
                    "name": "tap-postgres", "namespace": "tap_postgres", "executable": tap,
                    "capabilities": ["catalog", "discover", "state"],
                    "settings": [{"name": "password", "kind": "string", "sensitive": true}],
                    "config": {
                        "host": database.host(), "port": database.port(), "user": database.user(),
                        "password": database.password(), "database": database.name(), "filter_schemas": ["shop"],
                    },
                    "metadata": {
                        "shop-orders": incremental, "shop-events": incremental,
                        "shop-kinds": {"replication-method": "FULL_TABLE"},
                    },
                }],
                "loaders": [{
                    "name": "target-jsonl", "namespace": "target_jsonl", "executable": "target-jsonl",
                    "config": {"destination_path": "out"},
                }],
            },
        });
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("meltano.yml"), project.to_string()).expect("written");
        Self { folder, database }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(melisma());
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.folder.path().join("xdg"));
        command
    }

    fn run(&self, options: &[&str]) -> Outcome {
        let words = [&["run"], options, &["tap-postgres", "target-jsonl"]].concat();
        run(&mut self.command(&words), b"")
    }

    /// The ids of a stream that a run has loaded; what earlier runs have loaded is removed first.
    fn ids(&self, options: &[&str]) -> [Vec<u64>; 3] {
        let out = self.folder.path().join("out");
        let _ = fs::remove_dir_all(&out);
        self.run(options).ok();
        ["orders", "events", "kinds"].map(|table| ids(&out.join(format!("shop-{table}.jsonl"))))
    }

    fn state(&self) -> Value {
        let outcome = run(&mut self.command(&["state", "get", ID]), b"").ok();
        serde_json::from_slice(&outcome.stdout).expect("JSON")
    }
}

/// Each once: rows with the value of the bookmark itself are extracted again by every tap.
fn ids(file: &Path) -> Vec<u64> {
    if !file.exists() {
        return Vec::new();
    }
    let ids: BTreeSet<u64> = jsonl_rows(file)
        .iter()
        .filter_map(|row| row["id"].as_u64())
        .collect();
    ids.into_iter().collect()
}

/// Of the built-in tap-postgres, and of MeltanoLabs'.
fn each(test: impl Fn(&Project<'_>)) {
    let theirs = python("python-postgres").with_file_name("tap-postgres");
    for tap in ["tap-postgres", theirs.to_str().expect("UTF-8")] {
        test(&Project::new(tap));
    }
}

#[test]
fn one_stream_is_refreshed_and_the_others_resume() {
    each(|project| {
        assert_eq!(
            project.ids(&[]),
            [vec![1, 2, 3, 4, 5, 6], vec![1, 2, 3], vec![1, 2]]
        );
        let before = project.state();
        project.database.sql("insert into shop.events values (4)");
        let [orders, events, _] = project.ids(&["--full-refresh-stream", "*-orders"]);
        assert_eq!(orders, [1, 2, 3, 4, 5, 6]);
        assert_eq!(events, [3, 4]);
        let after = project.state();
        let orders = |state: &Value| {
            state["singer_state"]["bookmarks"]["shop-orders"]["replication_key_value"].clone()
        };
        assert_eq!((orders(&after), orders(&before)), (json!(6), json!(6)), "{after}");
        assert_eq!(project.ids(&[])[..2], [vec![6], vec![4]], "the next run resumes");
    });
}

#[test]
fn a_stream_starts_from_a_value_and_the_state_goes_on_from_there() {
    each(|project| {
        // Without a state that shows what the tap reads.
        let [orders, events, _] = project.ids(&["--from", "shop-orders=4"]);
        assert_eq!((orders, events), (vec![4, 5, 6], vec![1, 2, 3]));
        let [orders, events, _] = project.ids(&["--from", "shop-orders=2", "--from=shop-e*=2"]);
        assert_eq!((orders, events), (vec![2, 3, 4, 5, 6], vec![2, 3]));
        assert_eq!(project.ids(&[])[..2], [vec![6], vec![3]]);
    });
}

#[test]
fn a_backfill_leaves_the_state_alone() {
    each(|project| {
        project.ids(&[]);
        let before = project.state();
        project.database.sql("insert into shop.orders values (7, 'new')");
        let [orders, ..] = project.ids(&["--backfill", "--from", "shop-orders=3"]);
        assert_eq!(orders, [3, 4, 5, 6, 7]);
        assert_eq!(project.ids(&["--backfill", "--full-refresh"])[1], [1, 2, 3]);
        assert_eq!(project.state(), before);
        assert_eq!(
            project.ids(&[])[0],
            [6, 7],
            "the next run resumes where it would have"
        );
    });
}

#[test]
fn a_limit_is_of_each_stream_and_no_state_is_stored() {
    each(|project| {
        let outcome = project.run(&["--limit", "2"]).ok();
        assert!(
            outcome.stderr.contains("the stored state is left as it is"),
            "{}",
            outcome.stderr
        );
        let out = project.folder.path().join("out");
        for table in ["orders", "events", "kinds"] {
            assert_eq!(ids(&out.join(format!("shop-{table}.jsonl"))), [1, 2], "{table}");
        }
        assert_eq!(project.state(), json!({}));
        let el = [
            "el",
            "tap-postgres",
            "target-jsonl",
            "--state-id",
            "one",
            "--limit=1",
            "--select",
            "shop-orders",
        ];
        let _ = fs::remove_dir_all(&out);
        run(&mut project.command(&el), b"").ok();
        assert_eq!(ids(&out.join("shop-orders.jsonl")), [1]);
        let kept = run(&mut project.command(&["state", "get", "one"]), b"").ok();
        assert_eq!(kept.stdout, b"{}\n");
    });
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let project = Project::new("tap-postgres");
    project.run(&[]).ok();
    for (options, code, said) in [
        (
            &["--from", "shop-kinds=1"][..],
            78,
            "shop-kinds is replicated by FULL_TABLE",
        ),
        (&["--from", "shop-orders=monday"], 78, "expected a number for id"),
        (
            &["--full-refresh-stream", "shop-order"],
            78,
            "did you mean \"shop-orders\"",
        ),
        (&["--from", "shop-orders"], 64, "STREAM=VALUE"),
        (&["--limit", "0"], 64, "--limit"),
        (&["--backfill"], 64, "--backfill needs --from"),
        (
            &["--full-refresh", "--full-refresh-stream", "a"],
            64,
            "cannot be used with",
        ),
        (
            &["--merge-state", "--full-refresh-stream", "a"],
            64,
            "merged over the stored one",
        ),
        (
            &["--from", "a=1", "tap-postgres", "target-jsonl"],
            64,
            "streams of one tap",
        ),
    ] {
        project.run(options).fails(code, &[said]);
    }
}

/// A tap that never ends, and does not end at the first request either.
#[test]
fn a_tap_that_goes_on_for_ever_is_stopped_at_the_limit_and_the_run_succeeds() {
    const TAP: &str = r#"#!/bin/sh
case "$*" in *--discover*)
  echo '{"streams":[{"tap_stream_id":"s","stream":"s","schema":{"properties":{"id":{"type":"integer"}}},"metadata":[]}]}'; exit ;;
esac
trap 'exit 3' TERM
echo '{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}'
n=0
while :; do n=$((n + 1)); echo '{"type":"RECORD","stream":"s","record":{"id":'$n'}}'; echo '{"type":"STATE","value":{"n":'$n'}}'; done
"#;
    let folder = TempDir::new().expect("a folder");
    let tap = folder.path().join("tap");
    fs::write(&tap, TAP).expect("written");
    fs::set_permissions(&tap, fs::Permissions::from_mode(0o755)).expect("executable");
    let project = json!({
        "environments": [{"name": "dev"}],
        "plugins": {
            "extractors": [{"name": "tap-s", "namespace": "s", "executable": "./tap", "capabilities": ["catalog", "discover"]}],
            "loaders": [{"name": "target-jsonl", "namespace": "t", "executable": "target-jsonl", "config": {"destination_path": "out"}}],
        },
    });
    fs::write(folder.path().join("meltano.yml"), project.to_string()).expect("written");
    let mut command = Command::new(melisma());
    command
        .args(["run", "--environment=dev", "--limit=5", "tap-s", "target-jsonl"])
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path().join("xdg"));
    let outcome = run(&mut command, b"").ok();
    assert!(
        outcome.stderr.contains("as many records as --limit says"),
        "{}",
        outcome.stderr
    );
    assert_eq!(ids(&folder.path().join("out/s.jsonl")), [1, 2, 3, 4, 5]);
}

/// The commands of the page, as a reader types them.
#[test]
fn the_recipe_for_a_backfill_works() {
    let project = Project::new("tap-postgres");
    let page = fs::read_to_string(root().join("docs/run.md")).expect("the page");
    let (_, recipe) = page.split_once("### Backfill a stream").expect("a recipe");
    let (recipe, _) = recipe.split_once("\n## ").expect("another section");
    let commands: Vec<&str> = recipe.split("```").skip(1).step_by(2).collect();
    let [backfill, look] = commands[..] else {
        panic!("{commands:?}")
    };
    project.ids(&[]);
    let before = project.state();
    let out = project.folder.path().join("out");
    let table = |name: &str| ids(&out.join(format!("shop-{name}.jsonl")));
    for (command, orders, events) in [(backfill, &[3, 4, 5, 6][..], &[][..]), (look, &[6], &[3])] {
        fs::remove_dir_all(&out).expect("the rows of the last run");
        let mut shell = Command::new("sh");
        let folder = melisma().parent().expect("a folder").display().to_string();
        shell
            .args(["-c", command])
            .current_dir(project.folder.path())
            .env("PATH", format!("{folder}:/usr/bin:/bin"))
            .env("XDG_STATE_HOME", project.folder.path().join("xdg"));
        run(&mut shell, b"").ok();
        assert_eq!(
            (table("orders"), table("events")),
            (orders.to_vec(), events.to_vec()),
            "{command}"
        );
        assert_eq!(project.state(), before);
    }
}
