//! Plugins of a Meltano project.

use serde_json::{Value, json};

use crate::support::{Folder, assert_code, stderr};

/// A project whose plugins are the test doubles.
pub(crate) fn project(more: &str) -> Folder {
    let folder = Folder::new();
    folder.write(
        "bin/tap-f",
        "#!/bin/sh\nexec python3 \"$(dirname \"$0\")/../tap.py\" \"$@\"\n",
    );
    folder.write(
        "bin/target-f",
        "#!/bin/sh\nexec python3 \"$(dirname \"$0\")/../target.py\" \"$@\"\n",
    );
    for file in ["bin/tap-f", "bin/target-f"] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.join(file), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let here = folder.path().display();
    folder.write(
        "meltano.yml",
        &format!(
            "version: 1
default_environment: dev
environments:
- name: dev
  config:
    plugins:
      extractors:
      - name: tap-f
        config: {{from_environment: $MELTANO_ENVIRONMENT}}
- name: prod
plugins:
  extractors:
  - name: tap-f
    namespace: tap_f
    executable: ./bin/tap-f
    capabilities: [catalog, discover, state]
    settings: [{{name: password, kind: password, sensitive: true}}, {{name: port, kind: integer}}]
    select: [s.a]
    metadata: {{s: {{replication-method: INCREMENTAL, replication-key: a}}}}
    config:
      here: {here}
      nested.key: $UNSET_VARIABLE
      dotted.key: v
      catalog:
        streams:
        - tap_stream_id: s
          schema: {{properties: {{a: {{}}, b: {{}}}}}}
          metadata: [{{breadcrumb: [], metadata: {{vendor: 1}}}}]
  loaders:
  - name: target-f
    namespace: target_f
    executable: ./bin/target-f
    config: {{here: {here}, schema: $MELTANO_EXTRACT__LOAD_SCHEMA}}
{more}"
        ),
    );
    folder
}

#[test]
fn a_project_runs_with_its_config_catalog_and_state() {
    let folder = project("");
    for _ in 0..2 {
        let output = folder
            .melisma(&["run", "tap-f", "target-f"])
            .env("TAP_F_PORT", "7")
            .env("TAP_F_PASSWORD", "s3cret")
            .output()
            .unwrap();
        assert_code(&output, 0);
        assert!(!stderr(&output).contains("s3cret"));
    }
    let config = &folder.notes("tap.config")[0];
    assert_eq!(
        (&config["port"], &config["password"]),
        (&json!(7), &json!("s3cret"))
    );
    assert_eq!(
        (&config["dotted"], &config["nested"]),
        (&json!({"key": "v"}), &Value::Null)
    );
    assert_eq!(config["from_environment"], "dev");
    assert_eq!(folder.notes("tap.args")[0], json!(["--config", "--catalog"]));
    assert_eq!(
        folder.notes("tap.args")[1],
        json!(["--config", "--catalog", "--state"])
    );
    assert_eq!(folder.notes("tap.state")[1], json!({"n": 3}));
    assert_eq!(folder.notes("tap.mode")[0], "0o600");
    assert_eq!(folder.notes("target.config")[0]["schema"], "tap_f");
    assert_eq!(
        folder.query("select distinct state_id from state"),
        [["dev:tap-f-to-target-f"]]
    );
    folder.assert_clean();
}

/// The number of discoveries so far.
fn discoveries(folder: &Folder) -> usize {
    folder.notes("discovered").len()
}

#[test]
fn a_catalog_is_discovered_once_until_what_it_depends_on_changes() {
    let folder = project("");
    let yaml = folder
        .read("meltano.yml")
        .replace("executable: ./bin/tap-f", "pip_url: tap-f\n    executable: tap-f");
    folder.write("meltano.yml", &yaml);
    let venv = ".meltano/extractors/tap-f/venv/bin/tap-f";
    let tap = folder.join("tap.py");
    folder.write(
        venv,
        &format!("#!/bin/sh\nexec python3 '{}' \"$@\"\n", tap.display()),
    );
    folder.executable(venv);
    let run = |args: &[&str], port: &str| {
        let mut command = folder.melisma(&[&["run", "--no-install"], args, &["tap-f", "target-f"]].concat());
        assert_code(&command.env("TAP_F_PORT", port).output().unwrap(), 0);
        discoveries(&folder)
    };
    assert_eq!(run(&[], "1"), 1);
    assert_eq!(run(&[], "1"), 1);
    assert_eq!(folder.notes("tap.catalog")[0], folder.notes("tap.catalog")[1]);
    assert_eq!(run(&[], "2"), 2, "another setting");
    assert_eq!(run(&["--refresh-catalog"], "2"), 3);
    assert_eq!(run(&["--full-refresh"], "2"), 4);
    let changed = folder
        .read("meltano.yml")
        .replace("replication-key: a", "replication-key: b");
    folder.write("meltano.yml", &changed);
    assert_eq!(run(&[], "2"), 5, "another rule");
    let changed = folder
        .read("meltano.yml")
        .replace("select: [s.a]", "select: [s.b]");
    folder.write("meltano.yml", &changed);
    assert_eq!(run(&[], "2"), 5, "the selection is applied to the cached catalog");
    let metadata = &folder.notes("tap.catalog")[6]["streams"][0]["metadata"];
    assert_eq!(
        (
            &metadata[1]["metadata"]["selected"],
            &metadata[2]["metadata"]["selected"]
        ),
        (&json!(false), &json!(true))
    );
    let key = folder.read(".meltano/run/tap-f/tap.properties.cache_key");
    assert_eq!(key.len(), 40);
}

#[test]
fn select_and_metadata_change_the_discovered_catalog() {
    let folder = project("");
    assert_code(
        &folder.melisma(&["run", "tap-f", "target-f"]).output().unwrap(),
        0,
    );
    let catalog = &folder.notes("tap.catalog")[0];
    let stream = &catalog["streams"][0];
    assert_eq!(stream["replication_method"], "INCREMENTAL");
    assert_eq!(
        stream["metadata"],
        json!([
            {"breadcrumb": [], "metadata": {"vendor": 1, "selected": true, "replication-method": "INCREMENTAL", "replication-key": "a"}},
            {"breadcrumb": ["properties", "a"], "metadata": {"inclusion": "automatic", "selected": true}},
            {"breadcrumb": ["properties", "b"], "metadata": {"inclusion": "automatic", "selected": false}},
        ])
    );
}

#[test]
fn the_environment_is_part_of_the_state_id() {
    let folder = project("");
    for (args, id) in [
        (
            &["run", "tap-f", "target-f", "--environment", "prod"][..],
            "prod:tap-f-to-target-f",
        ),
        (
            &["run", "tap-f", "target-f", "--state-id-suffix", "eu"],
            "dev:tap-f-to-target-f:eu",
        ),
        (
            &["run", "tap-f", "target-f", "--no-environment", "--state-id", "x"],
            "x",
        ),
    ] {
        assert_code(&folder.melisma(args).output().unwrap(), 0);
        assert_eq!(
            folder.query("select job_name from runs order by id desc limit 1"),
            [[id]]
        );
    }
    assert_code(
        &folder
            .melisma(&["run", "tap-f", "target-f", "--no-environment"])
            .output()
            .unwrap(),
        78,
    );
}

/// An environment may stand for another source and another destination.
#[test]
fn a_state_of_another_environment_or_plugin_is_refused() {
    for store in [&["--state", "s.json"][..], &["--state-id", "nightly"]] {
        let folder = project("  - {name: target-g, inherit_from: target-f}\n");
        let run = |more: &[&str], target: &str| {
            let args = [&["run", "tap-f", target], store, more].concat();
            folder.melisma(&args).output().unwrap()
        };
        for _ in 0..2 {
            assert_code(&run(&[], "target-f"), 0);
        }
        for (more, target) in [(&["--environment", "prod"][..], "target-f"), (&[], "target-g")] {
            let output = run(more, target);
            assert_code(&output, 78);
            assert!(
                stderr(&output).contains("dev:tap-f into target-f"),
                "{}",
                stderr(&output)
            );
        }
        assert_code(&run(&["--environment", "prod", "--adopt-state"], "target-f"), 0);
        assert_code(&run(&["--environment", "prod"], "target-f"), 0);
        let started = folder.notes("tap.state");
        assert_eq!(
            started,
            [json!(null), json!({"n": 3}), json!({"n": 3}), json!({"n": 3})]
        );
    }
}

#[test]
fn a_project_is_found_from_below_and_by_folder() {
    let folder = project("");
    folder.write("deep/er/x", "");
    let output = folder
        .melisma(&["run", "tap-f", "target-f"])
        .current_dir(folder.join("deep/er"))
        .output()
        .unwrap();
    assert_code(&output, 0);
    let output = folder
        .melisma(&[
            "run",
            "--cwd",
            folder.path().to_str().unwrap(),
            "tap-f",
            "target-f",
        ])
        .current_dir("/")
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_eq!(folder.query("select count(*) from runs"), [["2"]]);
}

#[test]
fn names_that_are_not_there_get_a_suggestion() {
    let folder = project("");
    let output = folder.melisma(&["run", "tap-g", "target-f"]).output().unwrap();
    assert_code(&output, 78);
    assert!(
        stderr(&output).contains("did you mean \"tap-f\""),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_executable_of_a_virtual_environment_is_used() {
    let folder =
        project("  - {name: target-v, namespace: target_v, pip_url: target-v, executable: run-it}\n");
    let output = folder
        .melisma(&["run", "--no-install", "tap-f", "target-v"])
        .output()
        .unwrap();
    assert_code(&output, 78);
    let said = stderr(&output);
    assert!(
        said.contains("`melisma install loader target-v` installs it"),
        "{said}"
    );
    std::fs::create_dir_all(folder.join(".meltano/loaders/target-v/venv/bin")).unwrap();
    std::fs::copy(
        folder.join("bin/target-f"),
        folder.join(".meltano/loaders/target-v/venv/bin/run-it"),
    )
    .unwrap();
    folder.write(".meltano/loaders/target-v/venv/target.py", crate::support::TARGET);
    let mut command = folder.melisma(&["run", "tap-f", "target-v"]);
    let output = command.env("MELTANO_AUTO_INSTALL", "false").output().unwrap();
    assert_code(&output, 0);
    let env = &folder.notes("target.env")[0];
    assert!(
        env["VIRTUAL_ENV"]
            .as_str()
            .unwrap()
            .ends_with("loaders/target-v/venv")
    );
}
