//! The state of a project's runs: where its settings put it, and whether a tap can get it.

use serde_json::{Value, json};

use crate::project::project;
use crate::support::{Folder, assert_code, stderr};

/// Runs the pair; returns the log and the state that the tap got.
fn run(folder: &Folder, vars: &[(&str, &str)]) -> (String, Value) {
    let mut command = folder.melisma(&["run", "tap-f", "target-f"]);
    let output = command.envs(vars.iter().copied()).output().unwrap();
    assert_code(&output, 0);
    (stderr(&output), folder.notes("tap.state").pop().unwrap())
}

/// What Meltano finds under the root `env:` it takes for a setting of the project, as in the shell and in `.env`.
#[test]
fn it_is_where_each_source_of_the_projects_settings_says() {
    let uri = "sqlite:///shared.db";
    for (yaml, dotenv, vars) in [
        (format!("database_uri: {uri}"), "", &[][..]),
        (format!("env: {{MELTANO_DATABASE_URI: '{uri}'}}"), "", &[]),
        (String::new(), "MELTANO_DATABASE_URI=sqlite:///shared.db\n", &[]),
        (String::new(), "", &[("MELTANO_DATABASE_URI", uri)]),
    ] {
        let folder = project(&yaml);
        folder.write(".env", dotenv);
        assert_eq!(run(&folder, vars).1, json!(null), "{yaml}");
        let (log, state) = run(&folder, vars);
        assert_eq!(state, json!({"n": 3}), "{yaml}");
        assert!(log.contains("shared.db"), "{log}");
        assert!(folder.join("shared.db").exists(), "{yaml}");
        assert!(!folder.join(".meltano/meltano.db").exists(), "{yaml}");
    }
}

#[test]
fn a_backend_under_the_root_env_is_used_and_one_that_is_not_supported_is_refused() {
    let states = tempfile::tempdir().unwrap();
    let uri = format!("file://{}", states.path().display());
    let folder = project(&format!("env: {{MELTANO_STATE_BACKEND_URI: '{uri}'}}"));
    assert_eq!(run(&folder, &[]).1, json!(null));
    assert!(states.path().join("dev:tap-f-to-target-f/state.json").exists());
    assert_eq!(run(&folder, &[]).1, json!({"n": 3}));

    let folder = project("env: {MELTANO_STATE_BACKEND_URI: 'sftp://host/states'}");
    let output = folder.melisma(&["run", "tap-f", "target-f"]).output().unwrap();
    assert_code(&output, 78);
    assert!(stderr(&output).contains("sftp"), "{}", stderr(&output));
}

#[test]
fn a_tap_without_the_capability_does_not_get_it_and_that_is_told() {
    let folder = project("");
    run(&folder, &[]);
    let without = folder
        .read("meltano.yml")
        .replace("[catalog, discover, state]", "[catalog, discover]");
    folder.write("meltano.yml", &without);
    let (log, state) = run(&folder, &[]);
    let says =
        "A state was found, but it will be ignored, because tap-f does not have the `state` capability";
    assert!(log.contains(says) && !log.contains("resumes from"), "{log}");
    assert_eq!(state, json!(null));
}
