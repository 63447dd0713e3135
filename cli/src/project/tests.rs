//! What Meltano 4.4 makes of the same projects.

use std::fs;

use serde_json::{Value, json};

use super::*;

struct Case {
    folder: tempfile::TempDir,
    os: Vars,
}

impl Case {
    fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE), yaml).expect("written");
        Self {
            folder,
            os: Vars::new(),
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.os.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
        self
    }

    fn project(&self) -> Project {
        Project::load(
            self.folder.path().to_owned(),
            self.os.clone(),
            Choice::Default,
            None,
        )
        .expect("a project")
    }

    fn resolve(&self, kind: PluginKind, name: &str, exports: &Exports) -> Result<Resolved> {
        let project = self.project();
        resolve(&project, &Plugin::load(&project, kind, name)?, exports)
    }

    fn tap(&self) -> Resolved {
        self.resolve(PluginKind::Extractor, "tap-f", &Exports::new())
            .expect("resolves")
    }

    fn config(&self) -> Value {
        self.tap().config().clone()
    }
}

/// A project whose tap-f has these settings and this config.
fn tap_f(settings: &str, config: &str, environment_config: &str) -> Case {
    Case::new(&format!(
        "default_environment: dev
env: {{ROOT: r}}
environments:
- name: dev
  env: {{ENVV: e}}
  config: {{plugins: {{extractors: [{{name: tap-f, config: {{{environment_config}}}}}]}}}}
plugins:
  extractors:
  - {{name: tap-f, namespace: tap_f, executable: tap-f, settings: [{settings}], config: {{{config}}}}}
"
    ))
}

#[test]
fn values_are_expanded_and_empty_ones_left_out() {
    let case = tap_f(
        "",
        r#"c: "$ROOT/${ENVV}/\\$ESC/$UNSET/$lower", d: $UNSET, e: [1, "$ROOT", {a: "$ENVV"}]"#,
        "",
    );
    assert_eq!(
        case.config(),
        json!({"c": "r/e/$ESC//$lower", "e": [1, "r", {"a": "e"}]})
    );
}

#[test]
fn a_default_does_not_stand_in_for_a_value_that_expands_to_nothing() {
    assert_eq!(tap_f("{name: c, value: x}", "c: $UNSET", "").config(), json!({}));
}

#[test]
fn the_shell_beats_the_file_and_env_blocks_beat_the_shell() {
    let case = || tap_f("{name: port, kind: integer, value: 5432}", "port: '6543'", "");
    assert_eq!(case().config(), json!({"port": 6543}));
    assert_eq!(case().with("TAP_F_PORT", "111").config(), json!({"port": 111}));
    let mut yaml = fs::read_to_string(case().folder.path().join(FILE)).expect("readable");
    yaml = yaml.replace("env: {ROOT: r}", "env: {TAP_F_PORT: '222'}");
    assert_eq!(
        Case::new(&yaml).with("TAP_F_PORT", "111").config(),
        json!({"port": 222})
    );
    let bad = case().with("TAP_F_PORT", "abc");
    assert!(
        bad.resolve(PluginKind::Extractor, "tap-f", &Exports::new())
            .is_err()
    );
    assert_eq!(case().file(".env", "TAP_F_PORT=5").config(), json!({"port": 5}));
}

#[test]
fn nested_and_dotted_keys_merge_leaf_by_leaf() {
    let case = tap_f(
        "{name: nested.leaf, value: d}",
        "nested: {other: 1, deep: y}",
        "nested.deep: e",
    )
    .with("TAP_F_NESTED_LEAF", "s");
    assert_eq!(
        case.config(),
        json!({"nested": {"leaf": "s", "other": 1, "deep": "e"}})
    );
    let case = tap_f("", r#"dotted.key: v, "esc\\.dot": 1"#, "");
    assert_eq!(case.config(), json!({"dotted": {"key": "v"}, "esc.dot": 1}));
}

#[test]
fn values_from_the_environment_are_literal() {
    let case = |value: &str| tap_f("{name: host}", "", "").with("TAP_F_HOST", value).config();
    assert_eq!(case("$ROOT"), json!({"host": "$ROOT"}));
    assert_eq!(case(""), json!({"host": ""}));
    let undeclared = tap_f("", "", "").with("TAP_F_HOST", "x");
    assert_eq!(undeclared.config(), json!({}));
}

#[test]
fn aliases_are_read_and_conflicts_refused() {
    let case = || tap_f("{name: host, aliases: [hostname]}", "", "").with("TAP_F_HOSTNAME", "a");
    assert_eq!(case().config(), json!({"host": "a"}));
    let both = case().with("TAP_F_HOST", "a");
    assert!(
        both.resolve(PluginKind::Extractor, "tap-f", &Exports::new())
            .is_err()
    );
}

#[test]
fn a_custom_variable_is_written_and_never_read() {
    let case = tap_f("{name: password, env: MY_PW, sensitive: true}", "password: p", "").with("MY_PW", "x");
    assert_eq!(case.config(), json!({"password": "p"}));
    assert_eq!(case.tap().process["MY_PW"], "p");
}

#[test]
fn structures_from_the_environment_parse() {
    let case = |kind: &str, value: &str| {
        tap_f(&format!("{{name: x, kind: {kind}}}"), "", "")
            .with("TAP_F_X", value)
            .config()
    };
    assert_eq!(case("array", r#"["a"]"#), json!({"x": ["a"]}));
    assert_eq!(case("array", "['a']"), json!({"x": ["a"]}));
    assert_eq!(case("object", "{'z': 2}"), json!({"x": {"z": 2}}));
}

#[test]
fn an_environment_changes_what_it_names_and_null_changes_nothing() {
    let case = tap_f("", "k: 1, l: [1, 2], o: {a: 1}", "k: null, l: [9], o: {b: 2}");
    assert_eq!(case.config(), json!({"k": 1, "l": [9], "o": {"a": 1, "b": 2}}));
}

#[test]
fn a_child_inherits_what_its_parent_resolves_to() {
    let case = || {
        Case::new(
            "plugins:\n  extractors:\n  - {name: tap-f, namespace: tap_f, settings: [{name: host}, {name: port, kind: integer}]}\n\
             \x20 - {name: tap-child, inherit_from: tap-f, config: {host: child}}\n",
        )
    };
    let config = |case: Case| {
        case.resolve(PluginKind::Extractor, "tap-child", &Exports::new())
            .expect("resolves")
            .config()
            .clone()
    };
    assert_eq!(config(case().with("TAP_F_HOST", "p")), json!({"host": "child"}));
    assert_eq!(config(case().with("TAP_CHILD_HOST", "c")), json!({"host": "c"}));
    assert_eq!(
        config(case().with("TAP_F_PORT", "1")),
        json!({"host": "child", "port": 1})
    );
}

#[test]
fn env_blocks_expand_in_their_chain() {
    let case = Case::new(
        "default_environment: dev
env: {X: '${X}2'}
environments:
- name: dev
  env: {X: '${X}3'}
  config: {plugins: {extractors: [{name: tap-f, env: {X: '${X}5'}}]}}
plugins:
  extractors: [{name: tap-f, namespace: tap_f, env: {X: '${X}4'}}]
  loaders: [{name: target-f, namespace: target_f}]
",
    )
    .with("X", "0")
    .file(".env", "X=${X}1");
    let tap = case.tap();
    assert_eq!(tap.process["X"], "01345");
    let target = case
        .resolve(PluginKind::Loader, "target-f", &tap.exports)
        .expect("resolves");
    assert_eq!(target.process["X"], "013");
}

#[test]
fn a_loader_sees_what_the_tap_exports() {
    let case = Case::new(
        "plugins:
  extractors: [{name: tap-f, namespace: tap_f, config: {host: h, port: 1, list: [a], on: true}, select: ['s.*']}]
  loaders:
  - name: target-f
    namespace: target_f
    settings: [{name: schema, value: $MELTANO_EXTRACT__LOAD_SCHEMA}]
    config: {from: $TAP_F_HOST}
",
    );
    let tap = case.tap();
    for (name, value) in [
        ("TAP_F_PORT", "1"),
        ("MELTANO_EXTRACT_PORT", "1"),
        ("MELTANO_EXTRACT__LOAD_SCHEMA", "tap_f"),
        ("TAP_F__SELECT", r#"["s.*"]"#),
        ("TAP_F_LIST", r#"["a"]"#),
        ("TAP_F_ON", "true"),
        ("MELTANO_EXTRACTOR_NAME", "tap-f"),
    ] {
        assert_eq!(tap.process.get(name).map(String::as_str), Some(value), "{name}");
    }
    let target = case
        .resolve(PluginKind::Loader, "target-f", &tap.exports)
        .expect("resolves");
    assert_eq!(target.config(), &json!({"schema": "tap_f", "from": "h"}));
}

#[test]
fn extras_come_from_the_lock_file_the_block_and_the_environment() {
    let lock = r#"{"name": "tap-l", "namespace": "tap_l", "capabilities": ["catalog"], "select": ["a.*"],
                   "settings": [{"name": "a", "value": "lockdef"}]}"#;
    let case = |block: &str| {
        Case::new(&format!("plugins: {{extractors: [{{name: tap-l{block}}}]}}"))
            .file("plugins/extractors/tap-l--default.lock", lock)
    };
    let resolved = |case: Case| {
        case.resolve(PluginKind::Extractor, "tap-l", &Exports::new())
            .expect("resolves")
    };
    assert_eq!(resolved(case("")).extra("select"), Some(&json!(["a.*"])));
    assert_eq!(resolved(case("")).config(), &json!({"a": "lockdef"}));
    assert_eq!(
        resolved(case(", select: ['b.*']")).extra("select"),
        Some(&json!(["b.*"]))
    );
    assert_eq!(
        resolved(case(
            ", metadata: {s: {replication-method: FULL_TABLE}, '*': {c: {x: 1}}}"
        ))
        .extra("metadata"),
        Some(&json!({"s": {"replication-method": "FULL_TABLE"}, "*": {"c": {"x": 1}}}))
    );
    let from_shell = case("").with("TAP_L__SELECT", r#"["c.*"]"#);
    assert_eq!(resolved(from_shell).extra("select"), Some(&json!(["c.*"])));
}

#[test]
fn a_typo_gets_a_suggestion() {
    let case = tap_f("", "", "");
    let project = case.project();
    let error = Plugin::load(&project, PluginKind::Extractor, "tap-g")
        .expect_err("unknown")
        .to_string();
    assert!(error.contains("tap-f"), "{error}");
    let error = Project::load(
        case.folder.path().to_owned(),
        Vars::new(),
        Choice::Named("devv"),
        None,
    );
    assert!(
        error
            .err()
            .is_some_and(|error| error.to_string().contains("did you mean \"dev\""))
    );
}
