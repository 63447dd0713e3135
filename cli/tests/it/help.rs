//! The command line itself.

use crate::support::{Folder, assert_code, stderr};

#[test]
fn help_and_version_are_answers_and_no_errors() {
    let folder = Folder::new();
    for args in [
        &["--help"][..],
        &["run", "--help"],
        &["pipe", "--help"],
        &["--version"],
    ] {
        let output = folder.melisma(args).output().unwrap();
        assert_code(&output, 0);
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("melisma"),
            "{args:?}"
        );
    }
}

#[test]
fn a_typo_gets_a_suggestion() {
    let folder = Folder::new();
    for (typo, meant) in [("rnu", "run"), ("tap-cvs", "tap-csv"), ("pip", "pipe")] {
        let output = folder.melisma(&[typo, "a", "b"]).output().unwrap();
        assert_code(&output, 64);
        assert!(
            stderr(&output).contains(&format!("did you mean {meant:?}")),
            "{}",
            stderr(&output)
        );
    }
    let output = folder.melisma(&["pipe", "--buffr", "1"]).output().unwrap();
    assert_code(&output, 64);
    assert!(stderr(&output).contains("--buffer"), "{}", stderr(&output));
}

/// What a shell would offer for the last of these words.
fn offers(folder: &Folder, words: &[&str]) -> String {
    let mut command = folder.melisma(&["--", "melisma"]);
    command
        .args(words)
        .env("MELISMA_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n");
    let output = command.output().unwrap();
    assert_code(&output, 0);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn completions_are_scripts_that_ask_the_program() {
    let folder = Folder::new();
    for args in [
        ["--completions", "bash"],
        ["completions", "zsh"],
        ["completions", "fish"],
    ] {
        let output = folder.melisma(&args).output().unwrap();
        assert_code(&output, 0);
        let script = String::from_utf8_lossy(&output.stdout);
        assert!(script.contains("MELISMA_COMPLETE"), "{args:?}: {script}");
    }
}

#[test]
fn completions_know_commands_options_of_plugins_and_the_plugins_of_the_project() {
    let folder = Folder::new();
    let lines = |words: &[&str]| {
        offers(&folder, words)
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(lines(&["ru"]).contains(&"run".to_owned()));
    assert!(lines(&["tap-"]).contains(&"tap-postgres".to_owned()));
    assert!(lines(&["tap-csv", "--disc"]).contains(&"--discover".to_owned()));
    assert!(lines(&["target-jsonl", "--state"]).contains(&"--state-out".to_owned()));
    assert!(lines(&["run", "--no-"]).contains(&"--no-state-update".to_owned()));
    assert_eq!(lines(&["new", "t"]), ["tap", "target"]);
    let kinds = lines(&["new", "tap", "shop", "--kind", ""]);
    assert!(
        ["rest", "yaml", "sql", "file"]
            .iter()
            .all(|kind| kinds.iter().any(|offer| offer == kind)),
        "{kinds:?}"
    );
    assert!(
        lines(&["run", "tap-"]).contains(&"tap-csv".to_owned()),
        "no project: built-ins"
    );
    folder.write(
        "meltano.yml",
        "plugins:\n  extractors:\n  - name: tap-shop\n  loaders:\n  - name: target-dwh\n",
    );
    assert_eq!(lines(&["run", "tap-"]), ["tap-shop"]);
    assert_eq!(lines(&["run", "tap-shop", "target"]), ["target-dwh"]);
}
