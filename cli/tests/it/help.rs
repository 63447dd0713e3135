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

#[test]
fn completions_are_scripts_that_know_the_commands() {
    let folder = Folder::new();
    for args in [["--completions", "bash"], ["completions", "zsh"]] {
        let output = folder.melisma(&args).output().unwrap();
        assert_code(&output, 0);
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("run"),
            "{args:?}"
        );
    }
}
