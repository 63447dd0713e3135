//! The commands around a run: settings, jobs, schedules and environments, and what they leave in the project's files.

use std::process::Output;

use crate::support::{Folder, assert_code, stderr};

const PROJECT: &str = "\
# The project of these tests.
default_environment: dev
environments:
- name: dev
- name: prod   # the real one
plugins:
  extractors:
  - name: tap-x   # ours
    namespace: tap_x
    executable: ./tap-x
    settings:
    - {name: port, kind: integer, value: 5432}
    - {name: password, kind: password}
    - {name: note}
    config:
      # the port
      port: 5433
  loaders:
  - {name: target-x, namespace: target_x, executable: ./target-x}
jobs:
- name: j   # nightly
  tasks: [tap-x target-x]
schedules:
- {name: s, interval: '@daily', job: j, env: {TAP_X_NOTE: from the schedule}}
";

fn project() -> Folder {
    let folder = Folder::new();
    folder.write("meltano.yml", PROJECT);
    folder.write_plugins();
    folder
}

fn run(folder: &Folder, args: &[&str]) -> Output {
    folder.melisma(args).output().unwrap()
}

fn ok(folder: &Folder, args: &[&str]) -> String {
    let output = run(folder, args);
    assert_code(&output, 0);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_setting_is_set_where_it_belongs_and_the_rest_of_the_file_stays() {
    let folder = project();
    ok(&folder, &["config", "set", "tap-x", "port", "1"]);
    ok(&folder, &["config", "tap-x", "set", "note", "a: b # c"]);
    ok(
        &folder,
        &["--environment", "prod", "config", "set", "tap-x", "port", "-2"],
    );
    ok(&folder, &["config", "set", "tap-x", "_select", "[\"orders.*\"]"]);
    let expected = PROJECT
        .replace("port: 5433\n", "port: 1\n      note: \"a: b # c\"\n    select:\n    - orders.*\n")
        .replace(
            "  # the real one\n",
            "  # the real one\n  config:\n    plugins:\n      extractors:\n      - name: tap-x\n        config:\n          port: -2\n",
        );
    assert_eq!(folder.read("meltano.yml"), expected);
    let print = |args: &[&str]| -> serde_json::Value { serde_json::from_str(&ok(&folder, args)).unwrap() };
    assert_eq!(print(&["config", "print", "tap-x"])["note"], "a: b # c");
    assert_eq!(print(&["--environment=prod", "config", "tap-x"])["port"], -2);
    ok(&folder, &["config", "unset", "tap-x", "note"]);
    ok(&folder, &["config", "tap-x", "unset", "_select"]);
    ok(&folder, &["config", "set", "tap-x", "port", "5433"]);
    ok(
        &folder,
        &[
            "--environment",
            "prod",
            "config",
            "reset",
            "tap-x",
            "--yes",
            "--store",
            "meltano-yml",
        ],
    );
    let left = "  # the real one\n  config:\n    plugins:\n      extractors:\n      - name: tap-x\n";
    assert_eq!(
        folder.read("meltano.yml"),
        PROJECT.replace("  # the real one\n", left)
    );
}

#[test]
fn a_secret_goes_to_the_file_of_variables_and_is_hidden() {
    let folder = project();
    folder.write(".env", "# mine\nOTHER=1\n");
    let said = ok(&folder, &["config", "set", "tap-x", "password", "it's \\ s3cret"]);
    assert!(!said.contains("s3cret"), "{said}");
    assert_eq!(
        folder.read(".env"),
        "# mine\nOTHER=1\nTAP_X_PASSWORD='it\\'s \\\\ s3cret'\n"
    );
    assert!(!folder.read("meltano.yml").contains("s3cret"));
    for command in ["print", "list"] {
        let said = ok(&folder, &["config", command, "tap-x"]);
        assert!(said.contains("password") && !said.contains("s3cret"), "{said}");
    }
    let shown = ok(&folder, &["config", "--unsafe", "print", "tap-x"]);
    assert!(shown.contains(r"it's \\ s3cret"), "{shown}");
    let hidden = run(&folder, &["config", "set", "tap-x", "password", "(redacted)"]);
    assert_code(&hidden, 64);
    ok(&folder, &["config", "unset", "tap-x", "password"]);
    assert_eq!(folder.read(".env"), "# mine\nOTHER=1\n");
}

#[test]
fn a_setting_in_the_database_counts_unless_the_file_has_one() {
    let folder = project();
    ok(
        &folder,
        &["config", "set", "tap-x", "note", "stored", "--store", "db"],
    );
    assert!(ok(&folder, &["config", "list", "tap-x"]).contains("'stored' (from the system database)"));
    let said = ok(&folder, &["config", "set", "tap-x", "port", "7", "--store=db"]);
    assert!(said.contains("Current value is still: 5433"), "{said}");
    ok(&folder, &["config", "reset", "tap-x", "--store=db", "--yes"]);
    assert!(!ok(&folder, &["config", "list", "tap-x"]).contains("stored"));
}

#[test]
fn jobs_and_schedules_and_environments_are_added_changed_and_removed() {
    let folder = project();
    for args in [
        &[
            "job",
            "add",
            "k",
            "--tasks",
            "[tap-x target-x, [tap-x, target-x]]",
        ][..],
        &["job", "set", "k", "--tasks", "tap-x target-x"],
        &["schedule", "add", "t", "--job", "k", "--interval", "0 5 * * *"],
        &["schedule", "set", "t", "--interval", "@hourly"],
        &[
            "schedule",
            "add",
            "e",
            "--extractor",
            "tap-x",
            "--loader",
            "target-x",
            "--interval",
            "@once",
        ],
        &["environment", "add", "staging"],
    ] {
        ok(&folder, args);
    }
    let jobs: serde_json::Value =
        serde_json::from_str(&ok(&folder, &["job", "list", "--format=json"])).unwrap();
    assert_eq!(
        jobs["jobs"][1],
        serde_json::json!({"job_name": "k", "tasks": ["tap-x target-x"]})
    );
    let list: serde_json::Value =
        serde_json::from_str(&ok(&folder, &["schedule", "list", "--format=json"])).unwrap();
    assert_eq!(list["schedules"]["job"][1]["cron_interval"], "0 * * * *");
    assert_eq!(
        list["schedules"]["elt"][0]["cron_interval"],
        serde_json::Value::Null
    );
    assert_eq!(
        list["schedules"]["elt"][0]["elt_args"],
        serde_json::json!(["tap-x", "target-x", "--transform=skip", "--state-id=e"])
    );
    assert_eq!(ok(&folder, &["environment", "list"]), "dev\nprod\nstaging\n");
    for args in [
        &["schedule", "remove", "e"][..],
        &["schedule", "remove", "t"],
        &["job", "remove", "k"],
        &["environment", "remove", "staging"],
    ] {
        ok(&folder, args);
    }
    assert_eq!(folder.read("meltano.yml"), PROJECT);
}

#[test]
fn a_schedule_runs_its_job_with_its_variables() {
    let folder = project();
    ok(
        &folder,
        &["--environment", "prod", "schedule", "run", "s", "--full-refresh"],
    );
    assert_eq!(folder.notes("tap.config")[0]["note"], "from the schedule");
    let ids = folder.query("select state_id, completed_state from state");
    assert_eq!(ids[0][0], "prod:tap-x-to-target-x");
    assert_eq!(ids[0][1], "{}", "a full refresh stores a partial state");
}

#[test]
fn nothing_is_written_to_a_project_that_is_read_only() {
    let folder = project();
    for args in [
        &["config", "set", "tap-x", "port", "1", "--store", "meltano_yml"][..],
        &["config", "set", "tap-x", "password", "1", "--store", "dotenv"],
        &["config", "unset", "tap-x", "port", "--store", "meltano_yml"],
        &["config", "reset", "tap-x", "--yes", "--store", "dotenv"],
        &["job", "add", "k", "--tasks", "tap-x target-x"],
        &["job", "remove", "j"],
        &["schedule", "set", "s", "--interval", "@once"],
        &["environment", "add", "staging"],
    ] {
        let output = folder
            .melisma(args)
            .env("MELTANO_PROJECT_READONLY", "true")
            .output()
            .unwrap();
        assert_code(&output, 78);
        assert!(
            stderr(&output).contains("read-only"),
            "{args:?}: {}",
            stderr(&output)
        );
    }
    // Without a store the value goes where Meltano puts it then: into the system database.
    let mut set = folder.melisma(&["config", "set", "tap-x", "password", "1"]);
    let output = set.env("MELTANO_PROJECT_READONLY", "true").output().unwrap();
    assert_code(&output, 0);
    let stored = folder.query("select name from plugin_settings");
    assert_eq!(stored, [["password"]]);
    assert_eq!(folder.read("meltano.yml"), PROJECT);
    assert!(!folder.join(".env").exists());
}

#[test]
fn what_does_not_fit_is_refused_by_name_and_nothing_is_written() {
    let folder = project();
    for (args, code, said) in [
        (&["config", "set", "tap-x", "port", "many"][..], 78, "port"),
        (
            &["config", "set", "tap-y", "port", "1"],
            78,
            "did you mean \"tap-x\"",
        ),
        (&["config", "set", "tap-x", "port"], 64, "its value"),
        (&["config", "reset", "tap-x"], 64, "--yes"),
        (&["job", "add", "j", "--tasks", "tap-x target-x"], 78, "already"),
        (&["job", "add", "k", "--tasks", "target-x tap-x"], 78, "target-x"),
        (&["job", "add", "k", "--tasks", "{a: 1}"], 78, "expected a text"),
        (&["job", "remove", "jj"], 78, "did you mean \"j\""),
        (
            &["schedule", "add", "t", "--job", "j", "--interval", "sometimes"],
            78,
            "cron",
        ),
        (
            &["schedule", "add", "t", "--job", "jj", "--interval", "@once"],
            78,
            "jj",
        ),
        (&["schedule", "set", "s", "--loader", "target-x"], 64, "has a job"),
        (&["schedule", "run", "nothing"], 78, "nothing"),
        (&["environment", "add", "dev"], 78, "already"),
        (&["environment", "add", "a:b"], 78, "colon"),
    ] {
        let output = run(&folder, args);
        assert_code(&output, code);
        let error = stderr(&output);
        assert!(
            error.contains(said) && error.lines().count() == 1,
            "{args:?}: {error}"
        );
    }
    assert_eq!(folder.read("meltano.yml"), PROJECT);
}

#[test]
fn an_included_file_is_edited_where_the_plugin_is() {
    let folder = project();
    folder.write("meltano.yml", &format!("{PROJECT}include_paths: [more.yml]\n"));
    let more = "plugins:\n  extractors:\n  - name: tap-more   # here\n    namespace: more\n";
    folder.write("more.yml", more);
    ok(&folder, &["config", "set", "tap-more", "a.b", "c"]);
    assert_eq!(
        folder.read("more.yml"),
        format!("{more}    config:\n      a:\n        b: c\n")
    );
}

#[test]
fn a_command_that_only_meltano_has_says_in_one_sentence_what_to_call() {
    let folder = Folder::new();
    for (command, call) in [
        ("cloud", "`meltano cloud`"),
        ("hub", "`meltano hub`"),
        ("docs", "`meltano docs`"),
        ("upgrade", "`meltano upgrade`"),
        ("compile", "`meltano compile`"),
        ("schema", "`meltano schema`"),
        ("dragon", "`meltano dragon`"),
        ("ui", "Meltano 3"),
    ] {
        let output = run(&folder, &["--log-level", "error", command]);
        assert_code(&output, 64);
        let error = stderr(&output);
        assert!(error.contains(call) && error.lines().count() == 1, "{error}");
    }
}

/// The project with a tap that discovers two streams, and a utility with commands.
fn discovering() -> Folder {
    let folder = project();
    let catalog = serde_json::json!({"streams": [
        {"tap_stream_id": "a", "stream": "a",
         "schema": {"properties": {"id": {"type": "integer"}, "n": {"type": "string"}}}, "metadata": []},
        {"tap_stream_id": "b", "stream": "b", "schema": {"properties": {"id": {"type": "integer"}}}, "metadata": []},
    ]});
    let more = format!(
        "  - name: tap-d\n    namespace: tap_d\n    executable: ./tap-x\n    capabilities: [catalog, discover, state]\n    \
         config: {{catalog: {catalog}, here: .}}\n    select: [a.id]\n  loaders:\n"
    );
    let utility = "  utilities:\n  - name: u\n    namespace: u\n    executable: ./u\n    commands:\n      hello:\n        args: \
                   'a $HELLO'\n        description: Says hello\n      plain: b\njobs:\n";
    let text = PROJECT.replace("  loaders:\n", &more).replace("jobs:\n", utility);
    folder.write("meltano.yml", &text);
    folder.write(
        "u",
        "#!/bin/sh\necho \"u: $*\"\necho to the log >&2\nexit ${CODE:-0}\n",
    );
    folder.executable("u");
    folder
}

#[test]
fn a_plugin_alone_gets_its_config_its_arguments_and_its_variables() {
    let folder = discovering();
    let messages = ok(&folder, &["invoke", "tap-d"]);
    assert!(messages.starts_with("{\"type\": \"SCHEMA\""), "{messages}");
    assert_eq!(
        folder.notes("tap.args").last().unwrap(),
        &serde_json::json!(["--config", "--catalog"])
    );
    let catalog = folder.notes("tap.catalog");
    assert_eq!(catalog[0]["streams"][0]["selected"], true);
    let discovered: serde_json::Value =
        serde_json::from_str(&ok(&folder, &["invoke", "tap-d", "--discover"])).unwrap();
    assert_eq!(discovered["streams"][1]["stream"], "b");
    let config: serde_json::Value =
        serde_json::from_str(&ok(&folder, &["invoke", "--dump=config", "tap-x"])).unwrap();
    assert_eq!(config, serde_json::json!({"port": 5433}));
    let dumped: serde_json::Value =
        serde_json::from_str(&ok(&folder, &["invoke", "--dump", "catalog", "tap-d"])).unwrap();
    assert_eq!(dumped["streams"][1]["selected"], false);
    let said = ok(&folder, &["invoke", "--print-var", "TAP_X_PORT", "tap-x"]);
    assert!(said.starts_with("TAP_X_PORT=5433\n"), "{said}");
    folder.assert_clean();
}

#[test]
fn a_command_of_a_plugin_runs_with_its_exit_code_and_lists_itself() {
    let folder = discovering();
    let output = folder
        .melisma(&["invoke", "u:hello", "--flag_x", "-h"])
        .envs([("HELLO", "there"), ("CODE", "7")])
        .output()
        .unwrap();
    assert_code(&output, 7);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "u: a there --flag_x -h\n"
    );
    assert!(stderr(&output).contains("to the log"), "{}", stderr(&output));
    let list = ok(&folder, &["invoke", "--list-commands", "u"]);
    assert!(
        list.contains("u:hello") && list.contains("Says hello") && list.contains("u:plain"),
        "{list}"
    );
    let output = run(&folder, &["invoke", "u:helo"]);
    assert_code(&output, 78);
    assert!(
        stderr(&output).contains("did you mean \"hello\""),
        "{}",
        stderr(&output)
    );
}

#[test]
fn patterns_are_added_removed_and_shown_with_what_they_select() {
    let folder = discovering();
    let before = folder.read("meltano.yml");
    ok(&folder, &["select", "tap-d", "b"]);
    ok(&folder, &["select", "tap-d", "b", "id", "--exclude"]);
    assert!(
        folder
            .read("meltano.yml")
            .contains("select: [a.id, \"b.*\", \"!b.id\"]")
    );
    let list: serde_json::Value =
        serde_json::from_str(&ok(&folder, &["select", "tap-d", "--json", "--all"])).unwrap();
    assert_eq!(
        list["enabled_patterns"],
        serde_json::json!(["a.id", "b.*", "!b.id"])
    );
    let selections: Vec<&str> = list["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["selection"].as_str().unwrap())
        .collect();
    assert_eq!(selections, ["automatic", "automatic", "automatic"]);
    let text = ok(&folder, &["select", "tap-d", "--list"]);
    assert!(
        text.contains("\n\t!b.id\n") && text.contains("\t[automatic  ] a.id"),
        "{text}"
    );
    ok(&folder, &["select", "tap-d", "b", "--rm"]);
    ok(&folder, &["select", "tap-d", "b", "id", "--exclude", "--remove"]);
    assert_eq!(folder.read("meltano.yml"), before);
    assert_code(&run(&folder, &["select", "tap-d", "b", "--rm"]), 78);
    ok(&folder, &["select", "tap-d", "--clear"]);
    assert_eq!(
        folder.read("meltano.yml"),
        before.replace("    select: [a.id]\n", "")
    );
}

#[test]
fn el_stores_the_state_under_its_id_and_narrows_what_is_extracted() {
    let folder = discovering();
    for name in ["el", "elt"] {
        ok(
            &folder,
            &[
                name,
                "tap-d",
                "target-x",
                "--state-id",
                "mine",
                "--select",
                "a",
                "--exclude",
                "b",
            ],
        );
    }
    assert_eq!(
        folder.query("select state_id, completed_state from state")[0][0],
        "mine"
    );
    let catalog = folder.notes("tap.catalog");
    assert_eq!(catalog[0]["streams"][1]["selected"], false, "b is excluded");
    assert_eq!(
        folder.notes("tap.state")[1],
        serde_json::json!({"n": 3}),
        "elt resumes from the state of el"
    );
    let dumped = ok(&folder, &["el", "tap-d", "target-x", "--dump", "loader-config"]);
    assert_eq!(dumped, "{}\n");
    let output = run(&folder, &["elt", "tap-d", "target-x", "--transform=run"]);
    assert_code(&output, 64);
    assert!(stderr(&output).contains("dbt:run"), "{}", stderr(&output));
}

#[test]
fn the_first_records_of_a_stream_are_shown_and_the_tap_is_ended() {
    let folder = discovering();
    let text = folder.read("meltano.yml");
    let text = text.replace(
        ", here: .}",
        ", here: ., steps: [\"records:2\", \"touch:more\", \"forever\"]}",
    );
    folder.write(
        "meltano.yml",
        &text
            .replace("\"tap_stream_id\":\"a\"", "\"tap_stream_id\":\"s\"")
            .replace("[a.id]", "[s]"),
    );
    let table = ok(&folder, &["head", "tap-d", "s", "-n", "2"]);
    assert_eq!(table, "i\n0\n1\n");
    let lines = ok(&folder, &["head", "tap-d", "s", "-n", "3", "--format=json"]);
    assert_eq!(lines, "{\"i\":0}\n{\"i\":1}\n{\"i\":0}\n");
    let catalog = folder.notes("tap.catalog");
    assert_eq!(
        catalog[0]["streams"][1]["metadata"][0]["metadata"]["selected"],
        false
    );
    for (stream, said) in [("b", "not selected"), ("ss", "did you mean \"s\"")] {
        let output = run(&folder, &["head", "tap-d", stream]);
        assert_code(&output, 78);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    folder.assert_clean();
}

#[test]
fn settings_are_tested_by_a_tap_that_extracts_and_a_target_that_loads() {
    let folder = discovering();
    for plugin in ["tap-x", "tap-d", "target-x"] {
        assert_eq!(
            ok(&folder, &["config", "test", plugin]),
            "Plugin configuration is valid\n"
        );
    }
    assert!(folder.read("out").contains("a record of a test"));
    let text = folder
        .read("meltano.yml")
        .replace("port: 5433\n", "steps: [\"exit:3\"]\n");
    folder.write("meltano.yml", &text);
    let output = run(&folder, &["config", "test", "tap-x"]);
    assert_code(&output, 78);
    assert!(stderr(&output).contains("exit code 3"), "{}", stderr(&output));
    assert_code(&run(&folder, &["config", "test", "u"]), 78);
}

#[test]
fn tests_of_plugins_run_and_one_that_fails_fails_all() {
    let folder = discovering();
    let text = folder
        .read("meltano.yml")
        .replace("      plain: b\n", "      test: a\n      test-more: b\n");
    folder.write("meltano.yml", &text);
    let said = ok(&folder, &["test", "--all"]);
    assert!(
        said.contains("u: a\n") && said.contains("2 test(s) successful. 0 test(s) failed."),
        "{said}"
    );
    let output = folder
        .melisma(&["test", "u:test-more"])
        .env("CODE", "2")
        .output()
        .unwrap();
    assert_code(&output, 1);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 test(s) failed"));
    assert_code(&run(&folder, &["test", "u:hello"]), 64);
}

#[test]
fn a_check_names_every_problem_of_a_project_and_runs_nothing() {
    let folder = discovering();
    let said = ok(&folder, &["check"]);
    assert!(
        said.contains("ok       extractor tap-d: 1 of 2 streams are selected"),
        "{said}"
    );
    assert!(
        said.contains("ok       schedule s\n") && !folder.join("tap.args").exists(),
        "{said}"
    );
    let text = folder.read("meltano.yml");
    let text = text
        .replace("executable: ./target-x", "executable: ./target-y")
        .replace("tasks: [tap-x target-x]", "tasks: [tap-x]")
        .replace(
            "- {name: note}\n",
            "- {name: note}\n    settings_group_validation: [[port, password]]\n",
        )
        .replace("'@daily'", "'daily'");
    folder.write("meltano.yml", &text);
    let output = run(&folder, &["check", "--offline"]);
    assert_code(&output, 78);
    let said = String::from_utf8(output.stdout).unwrap();
    for problem in [
        "problem  extractor tap-x: it has no value for password",
        "problem  loader target-x: there is no executable",
        "problem  job j: tap-x has no target after it",
        "problem  schedule s: interval \"daily\"",
        "4 of these need attention",
    ] {
        assert!(said.contains(problem), "{problem}: {said}");
    }
}

#[test]
fn the_plugins_of_a_project_are_listed_as_meltano_lists_them() {
    let folder = project();
    folder.write(
        "meltano.yml",
        "plugins:
  extractors:
  - {name: tap-l, variant: v1}
  - {name: tap-h, inherit_from: tap-l}
  - {name: tap-i, inherit_from: tap-l, pip_url: mine}
  loaders: [{name: target-c, namespace: c, executable: x}]
  files: [{name: f, namespace: f, variant: mine, pip_url: './é'}]
",
    );
    folder.write(
        "plugins/extractors/tap-l--v1.lock",
        r#"{"plugin_type": "extractors", "name": "tap-l", "namespace": "tap_l", "variant": "v1", "pip_url": "tap-l==1",
            "settings": []}"#,
    );
    let list: serde_json::Value =
        serde_json::from_str(&ok(&folder, &["plugin", "list", "--format=json"])).unwrap();
    let expected = serde_json::json!([
        {"type": "extractor", "name": "tap-l", "variant": "v1", "inherit_from": null, "custom": false, "update": false,
            "pip_url": "tap-l==1"},
        {"type": "extractor", "name": "tap-h", "variant": "v1", "inherit_from": "tap-l", "custom": false, "update": false,
            "pip_url": "tap-l==1"},
        {"type": "extractor", "name": "tap-i", "variant": "v1", "inherit_from": "tap-l", "custom": false, "update": false,
            "pip_url": "mine"},
        {"type": "loader", "name": "target-c", "variant": "default", "inherit_from": null, "custom": true, "update": false,
            "pip_url": null},
        {"type": "file bundle", "name": "f", "variant": "mine", "inherit_from": null, "custom": true, "update": false,
            "pip_url": "./é"},
    ]);
    assert_eq!(list, expected);
    let text = ok(&folder, &["plugin", "list"]);
    assert!(text.contains("tap-h     (inherited)  tap-l"), "{text}");
}

#[test]
fn log_lines_have_colours_on_a_terminal_only() {
    let folder = project();
    let lines = |vars: &[(&str, &str)]| {
        let mut command = folder.melisma(&["run", "tap-x", "target-x"]);
        let output = command.envs(vars.iter().copied()).output().unwrap();
        assert_code(&output, 0);
        stderr(&output)
    };
    assert!(!lines(&[]).contains('\u{1b}'));
    assert!(lines(&[("FORCE_COLOR", "1")]).contains('\u{1b}'));
    assert!(!lines(&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'));
}
