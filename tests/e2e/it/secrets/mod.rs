//! Secrets, and records' values beyond 120 bytes, are nowhere: not in logs, errors, arguments, environments of our own
//! plugins, files that others may read, or files that stay.
//!
//! Each test plants words that occur nowhere else and searches everything that was written.

mod project;
mod records;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::harness::{Every, Live, Outcome, PLUGINS, Runs, melisma, run, schema, wait_for};

/// Occurs in nothing but what a test plants.
const CANARY: &str = "CanaryInTheCoalMine";

/// The dotted names of a plugin's secret settings, as its `--about` tells them.
fn secrets(plugin: &str) -> Vec<String> {
    fn walk(schema: &Value, at: &str, found: &mut Vec<String>) {
        for (name, setting) in schema["properties"].as_object().into_iter().flatten() {
            let name = format!("{at}{name}");
            if setting["secret"] == true {
                found.push(name.clone());
            }
            walk(setting, &format!("{name}."), found);
        }
    }
    let about = run(
        Command::new(melisma()).args([plugin, "--about", "--format", "json"]),
        b"",
    )
    .ok();
    let about: Value = serde_json::from_slice(&about.stdout).expect("JSON");
    let mut found = Vec::new();
    walk(&about["settings"], "", &mut found);
    found
}

fn set(settings: &mut Value, name: &str, value: Value) {
    match name.split_once('.') {
        Some((object, rest)) => {
            if !settings[object].is_object() {
                settings[object] = json!({});
            }
            set(&mut settings[object], rest, value);
        }
        None => settings[name] = value,
    }
}

#[track_caller]
fn says_nothing(what: &str, outcome: &Outcome) {
    let stdout = String::from_utf8_lossy(&outcome.stdout);
    for (name, text) in [("stdout", stdout.as_ref()), ("stderr", &outcome.stderr)] {
        assert!(!text.contains(CANARY), "{what}: on {name}: {text}");
    }
    assert!(!outcome.stderr.contains("panicked"), "{what}: {}", outcome.stderr);
}

/// Every file below a folder, but those of these names.
fn files(folder: &Path, but: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files(&path, but, found);
        } else if !but.contains(&entry.file_name().to_string_lossy().as_ref()) {
            found.push(path);
        }
    }
}

/// That no file below a folder has the word, but those of these names.
#[track_caller]
fn is_nowhere_in(folder: &Path, but: &[&str]) {
    let mut found = Vec::new();
    files(folder, but, &mut found);
    for path in found {
        let bytes = std::fs::read(&path).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&bytes).contains(CANARY),
            "in {}",
            path.display()
        );
    }
}

/// Values that a secret may have by mistake: the wrong type, half a key, a URL that is none.
fn shapes() -> [Value; 12] {
    [
        json!(CANARY),
        json!(format!("postgresql://u:{CANARY}@127.0.0.1:1/d")),
        json!(format!("postgresql://u:{CANARY}@127.0.0.1:port/d?x={CANARY}")),
        json!(format!("mysql://u:{CANARY}@h/d")),
        json!(format!("postgresql://u:x@{CANARY}@127.0.0.1:1/d")),
        json!(format!("postgresql://u:x/{CANARY}@127.0.0.1:1/d")),
        json!(format!("postgresql://u:x?{CANARY}@127.0.0.1:1/d")),
        json!(format!("postgresql://u@127.0.0.1:1/d?password=a&{CANARY}=b")),
        json!(format!(
            "postgresql://u:%40{CANARY}@127.0.0.1:1,127.0.0.1:1/d?connect_timeout={CANARY}"
        )),
        json!(format!(
            "-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"
        )),
        json!({ "a": CANARY }),
        json!([CANARY]),
    ]
}

#[test]
fn no_secret_setting_is_ever_shown() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out");
    let base = json!({
        "host": "127.0.0.1", "port": 1, "user": "u", "database": "d", "destination_path": out,
        "ssl_enable": true, "ssl_client_certificate_enable": true, "ssl_client_certificate": "/dev/null",
        "connect_timeout_seconds": 1, "files": [],
    });
    let mut planted = 0;
    for plugin in PLUGINS {
        for secret in secrets(plugin) {
            for value in shapes() {
                let mut settings = base.clone();
                set(&mut settings, &secret, value);
                planted += 1;
                let config = folder.path().join("config.json");
                std::fs::write(&config, settings.to_string()).expect("written");
                let option = if plugin.starts_with("tap") {
                    "--discover"
                } else {
                    "--stored-state"
                };
                let mut command = Command::new(melisma());
                command
                    .arg(plugin)
                    .arg("--config")
                    .arg(&config)
                    .arg(option)
                    .env("LOGLEVEL", "debug");
                let outcome = run(&mut command, b"");
                assert_ne!(outcome.code, Some(0), "{plugin} {secret}: nothing listens there");
                says_nothing(&format!("{plugin} {secret} {settings}"), &outcome);
            }
        }
    }
    assert!(planted >= 70, "only {planted} were planted");
    is_nowhere_in(folder.path(), &["config.json"]);
}

#[test]
fn a_config_that_is_not_one_is_not_quoted() {
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("config.json");
    for plugin in PLUGINS {
        for text in [
            format!(r#"{{"password": "{CANARY}" "host": 1}}"#),
            format!(r#"["{CANARY}"]"#),
            format!(r#"{{"password": "{CANARY}"#),
            CANARY.to_owned(),
        ] {
            std::fs::write(&config, &text).expect("written");
            let mut command = Command::new(melisma());
            let outcome = run(command.arg(plugin).arg("--config").arg(&config), b"");
            assert_eq!(outcome.code, Some(78), "{plugin}: {outcome:?}");
            says_nothing(&format!("{plugin} {text}"), &outcome);
        }
    }
}

#[test]
fn what_may_hold_secrets_or_rows_is_for_its_user_only() {
    let runs = Runs::new("row 1; state 2; touch_and_wait ready go");
    let mut command = runs.command(&[]);
    let live = Live::start(&mut command);
    wait_for("the state", || runs.path("ready").exists().then_some(()));
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .permissions()
            .mode()
            & 0o777
    };
    for name in ["", "-wal", "-shm"] {
        let path = runs.path(&format!(".meltano/meltano.db{name}"));
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    runs.touch("go");
    live.end().ok();
    run(&mut runs.command(&["--state", "state.json"]), b"").ok();
    assert_eq!(mode(&runs.path("state.json")), 0o600);

    let target = Every::all().swap_remove(0).1.with("on_invalid", "dead_letter");
    let folder = TempDir::new().expect("a folder");
    let (letters, states) = (folder.path().join("letters"), folder.path().join("states"));
    let target = target.with("dead_letter_path", json!(letters));
    let mut command = target.command();
    let input = format!(
        "{}\n{}\n",
        schema("s", &Value::Object(Map::new()), &[]),
        r#"{"type":"STATE","value":1}"#
    );
    run(command.arg("--state-out").arg(&states), input.as_bytes()).ok();
    assert_eq!((mode(&letters), mode(&states)), (0o600, 0o600));
}

/// `ps` shows arguments to everybody: none of ours takes a secret, and what is given there by mistake is not repeated.
#[test]
fn an_argument_that_is_no_option_is_not_taken_for_a_secret() {
    let mut help = String::new();
    for plugin in PLUGINS {
        let outcome = run(Command::new(melisma()).args([plugin, "--help"]), b"").ok();
        let _ = write!(help, "{}", String::from_utf8_lossy(&outcome.stdout));
    }
    for word in ["--password", "--token", "--secret"] {
        assert!(!help.contains(word), "{word}");
    }
    // A config that was given in the place of its file's name.
    let inline = format!(r#"{{"password":"{CANARY}"}}"#);
    for plugin in PLUGINS {
        let outcome = run(Command::new(melisma()).args([plugin, "--config", &inline]), b"");
        assert_eq!(outcome.code, Some(78), "{outcome:?}");
        says_nothing(plugin, &outcome);
    }
}
