//! `melisma new`: every kind builds, passes its own tests, and runs.

use std::fs;
use std::process::Command;

use melisma_sdk::http::Replay;

use super::Workshop;
use crate::harness::{Built, maturin, python, root, run};

/// The kinds with code: the words of the command line and the project that comes of them.
const KINDS: [(&[&str], &str); 6] = [
    (&["tap", "shop", "--kind", "rest"], "tap-shop"),
    (&["tap", "tap-books", "--kind", "sql"], "tap-books"),
    (&["tap", "notes", "--kind", "file"], "tap-notes"),
    (&["target", "lines", "--kind", "record"], "target-lines"),
    (&["target", "arrow", "--kind", "batch"], "target-arrow"),
    (&["target", "books", "--kind", "sql"], "target-books"),
];

#[test]
fn every_kind_builds_passes_its_own_tests_and_runs() {
    let workshop = Workshop::new("kinds");
    let checkout = root().to_str().expect("UTF-8");
    for (words, _) in KINDS {
        let made = workshop.melisma("", &[&["new"], words, &["--sdk-path", checkout]].concat());
        assert!(made.ok().stderr.contains("next: `cd t"));
    }
    workshop
        .melisma("", &["new", "tap", "wiki", "--kind", "yaml"])
        .ok();
    workshop.join(&KINDS.map(|(_, project)| project));
    let tested = workshop.cargo("", &["test", "--quiet", "--no-fail-fast"]).ok();
    let text = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert_eq!(
        text.matches("test result: ok. 1 passed").count(),
        KINDS.len(),
        "{text}"
    );
    workshop.cargo("", &["build", "--quiet"]).ok();
    workshop.cargo("", &["fmt", "--check"]).ok();

    wheel(&workshop, "tap-notes");
    targets(&workshop);
    files_and_tables(&workshop);
    an_api(&workshop);
}

/// The wheel has the program, under its name.
fn wheel(workshop: &Workshop, project: &str) {
    let mut build = maturin(Built::Alone);
    build.args(["--out", "dist"]).current_dir(workshop.path(project));
    run(super::share_builds(&mut build), b"").ok();
    let mut wheels = fs::read_dir(workshop.path(project).join("dist")).expect("a folder");
    let wheel = wheels.next().expect("a wheel").expect("an entry").path();
    let code = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist())";
    let names = run(Command::new(python("python")).args(["-c", code]).arg(&wheel), b"").ok();
    let names = String::from_utf8_lossy(&names.stdout).into_owned();
    assert!(
        names.contains(&format!("scripts/{project} ")),
        "{}: {names}",
        wheel.display()
    );
}

/// From tap-csv into each target.
fn targets(workshop: &Workshop) {
    for target in ["target-lines", "target-arrow", "target-books"] {
        workshop.melisma(target, &["run", "tap-csv", target]).ok();
        let about = run(
            workshop
                .command(workshop.path(target).join("target/debug").join(target), target)
                .arg("--about"),
            b"",
        );
        assert!(
            String::from_utf8_lossy(&about.ok().stdout).contains(target),
            "{target}"
        );
    }
    let lines = workshop.rows("target-lines/output/orders.jsonl");
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["item"], "tea");
    let arrow = workshop.path("target-arrow/output/orders-000001.arrow");
    let code = "import pyarrow as pa, sys; print(pa.ipc.open_file(sys.argv[1]).read_all().to_pylist())";
    let read = run(Command::new(python("python")).args(["-c", code]).arg(arrow), b"").ok();
    let read = String::from_utf8_lossy(&read.stdout).into_owned();
    assert!(
        read.contains("'item': 'tea'") && read.contains("'item': 'cake'"),
        "{read}"
    );
}

/// The database that the target has made is what the tap reads.
fn files_and_tables(workshop: &Workshop) {
    fs::copy(
        workshop.path("target-books/books.db"),
        workshop.path("tap-books/books.db"),
    )
    .expect("a database");
    workshop
        .melisma("tap-books", &["run", "tap-books", "target-jsonl"])
        .ok();
    let orders = workshop.rows("tap-books/output/orders.jsonl");
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[1]["item"], "cake");
    workshop
        .melisma("tap-notes", &["run", "tap-notes", "target-jsonl"])
        .ok();
    assert_eq!(workshop.rows("tap-notes/output/lines.jsonl").len(), 3);
}

/// The tap in Rust and the one in YAML read the same API; the former also in Meltano, in the same project.
fn an_api(workshop: &Workshop) {
    let api = Replay::file(workshop.path("tap-shop/tests/http/api.json")).expect("a recording");
    for (project, url, token) in [
        ("tap-shop", "TAP_SHOP_URL", "TAP_SHOP_TOKEN"),
        ("tap-wiki", "TAP_WIKI_SETTINGS_URL", "TAP_WIKI_SETTINGS_TOKEN"),
    ] {
        let mut melisma = workshop.command(crate::harness::melisma(), project);
        melisma
            .args(["run", project, "target-jsonl"])
            .env(url, api.url())
            .env(token, "a token");
        run(&mut melisma, b"").ok();
        let issues = workshop.rows(&format!("{project}/output/issues.jsonl"));
        let titles: Vec<&str> = issues
            .iter()
            .filter_map(|issue| issue["title"].as_str())
            .collect();
        assert_eq!(
            titles,
            ["Tea is cold", "Cake is gone", "Roses need water"],
            "{project}"
        );
        assert_eq!(issues[2]["project_id"], 2, "{project}");
    }
    let before = api.requests().len();
    let mut meltano = workshop.meltano("tap-shop");
    meltano
        .args(["run", "tap-shop", "target-jsonl"])
        .env("TAP_SHOP_URL", api.url());
    run(meltano.env("TAP_SHOP_TOKEN", "a token"), b"").ok();
    // Meltano resumes from the state that melisma has stored: each project is asked for what is new.
    let asked: Vec<String> = api.requests()[before..]
        .iter()
        .map(|request| request.path.clone())
        .collect();
    assert!(
        asked
            .iter()
            .any(|path| path.contains("/1/issues") && path.contains("since=2026-01-05")),
        "{asked:?}"
    );
    let issues = workshop.rows("tap-shop/output/issues.jsonl");
    assert_eq!(issues.last().expect("a row")["title"], "Cake is gone");
}

#[test]
fn what_new_cannot_do_is_an_error_of_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = |args: &[&str]| {
        let mut melisma = Command::new(crate::harness::melisma());
        run(melisma.current_dir(folder.path()).arg("new").args(args), b"")
    };
    new(&["tap", "shop", "--kind", "yaml"]).ok();
    new(&["tap", "shop"]).fails(78, &["tap-shop is not empty; nothing is overwritten"]);
    new(&["tap", "Shop"]).fails(78, &["NAME: expected at most 64 lower-case letters", "Shop"]);
    new(&["target", "csv"]).fails(78, &["target-csv is built into melisma"]);
    new(&["target", "x", "--kind", "yaml"]).fails(64, &["record, batch, sql"]);
    new(&["tap", "x", "--kind", "yaml", "--sdk-path", "."])
        .fails(78, &["--sdk-path: the kind yaml has no code"]);
    new(&["tap", "x", "--sdk-path", "tap-shop"]).fails(78, &["--sdk-path: expected a checkout of melisma"]);
    fs::write(folder.path().join("tap-file"), "").expect("writes");
    new(&["tap", "file"]).fails(78, &["tap-file is a file"]);
    fs::create_dir(folder.path().join("empty")).expect("made");
    new(&["tap", "y", "--dir", "empty"]).ok();
    let manifest = fs::read_to_string(folder.path().join("empty/Cargo.toml")).expect("a manifest");
    assert!(
        manifest.contains("melisma-sdk = { version = \"0.1\""),
        "{manifest}"
    );
}
