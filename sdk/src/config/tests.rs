use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::Secret;
use crate::plugin::{Plugin, Role};

/// Reads the shop.
#[derive(Debug, Deserialize, JsonSchema)]
struct Config {
    /// Where it lives.
    url: String,
    /// The token.
    token: Option<Secret<String>>,
    /// Pages of this size.
    #[serde(default = "ten")]
    page_size: u32,
    ratio: Option<f64>,
    #[serde(default)]
    verbose: bool,
    #[serde(default)]
    tables: Vec<String>,
    #[schemars(extend("x-aliases" = ["mode"]))]
    load_method: Option<Load>,
    ssh_tunnel: Option<Tunnel>,
    #[serde(default)]
    headers: BTreeMap<String, i64>,
}

fn ten() -> u32 {
    10
}

#[derive(Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Load {
    /// Adds.
    AppendOnly,
    /// Replaces.
    Overwrite,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Tunnel {
    host: String,
    #[serde(default = "ssh")]
    port: u16,
}

fn ssh() -> u16 {
    22
}

const PLUGIN: Plugin = Plugin {
    name: "tap-x",
    version: "1",
    role: Role::Tap,
    capabilities: &[],
    options: &[],
};

/// Loads these config files, then `ENV` with these variables when there are any.
fn load(files: &[Value], variables: &[(&'static str, &'static str)]) -> Result<Values> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sources: Vec<OsString> = Vec::new();
    for (i, config) in files.iter().enumerate() {
        let path = folder.path().join(format!("{i}.json"));
        fs::write(&path, config.to_string()).expect("writes");
        sources.push(path.into());
    }
    if !variables.is_empty() {
        fs::write(
            folder.path().join(".env"),
            "TAP_X_URL=from-dot-env\nTAP_X_PAGE_SIZE=3\n",
        )
        .expect("writes");
        sources.push("ENV".into());
    }
    let environment = Environment::new(variables.iter().copied(), folder.path());
    Settings::new::<Config>().load(&PLUGIN, &sources, &[], &environment)
}

fn config(files: &[Value], variables: &[(&'static str, &'static str)]) -> Config {
    load(files, variables).expect("loads").read().expect("reads")
}

fn error(file: Value) -> String {
    load(&[file], &[]).expect_err("wrong").to_string()
}

#[test]
fn later_files_go_over_earlier_ones_and_defaults_under_all() {
    let config = config(
        &[
            json!({"url": "a", "page_size": 1, "ratio": null}),
            json!({"url": "b"}),
        ],
        &[],
    );
    assert_eq!(
        (config.url.as_str(), config.page_size, config.ratio),
        ("b", 1, None)
    );
    assert_eq!(
        load(&[json!({"url": "a"})], &[]).expect("loads").get("page_size"),
        Some(&json!(10))
    );
    let tunnel = load(&[json!({"url": "a", "ssh_tunnel": {"host": "h"}})], &[]).expect("loads");
    assert_eq!(tunnel.get("ssh_tunnel"), Some(&json!({"host": "h", "port": 22})));
}

#[test]
fn the_environment_goes_over_files_and_over_dot_env() {
    let variables = [
        ("TAP_X_URL", "from-env"),
        ("TAP_X_VERBOSE", "Yes"),
        ("TAP_X_SSH_TUNNEL_HOST", "h"),
        ("URL", "no"),
    ];
    let config = config(&[json!({"url": "file", "page_size": 7})], &variables);
    assert_eq!(
        (config.url.as_str(), config.page_size, config.verbose),
        ("from-env", 3, true)
    );
    assert_eq!(config.ssh_tunnel.expect("there").host, "h");
}

#[test]
fn text_is_cast_to_what_the_setting_is() {
    let file = json!({"url": "a", "page_size": "12", "ratio": "1.5", "verbose": "on", "tables": "a, b,c",
        "load_method": "overwrite", "headers": "{\"x\": 1}", "ssh_tunnel": "{\"host\": \"h\", \"port\": \"23\"}"});
    let config = config(&[file], &[]);
    assert_eq!(
        (config.page_size, config.ratio, config.verbose),
        (12, Some(1.5), true)
    );
    assert_eq!(config.tables, ["a", "b", "c"]);
    assert_eq!(config.load_method, Some(Load::Overwrite));
    assert_eq!(config.headers["x"], 1);
    assert_eq!(config.ssh_tunnel.expect("there").port, 23);
    let json_list = load(&[json!({"url": "a", "tables": "[\"x,y\"]"})], &[]).expect("loads");
    assert_eq!(json_list.get("tables"), Some(&json!(["x,y"])));
    assert_eq!(
        load(&[json!({"url": "a", "page_size": 5.0})], &[])
            .expect("loads")
            .get("page_size"),
        Some(&json!(5))
    );
}

#[test]
fn dotted_keys_and_aliases_find_their_setting() {
    let config = config(
        &[json!({"url": "a", "ssh_tunnel.host": "h", "ssh_tunnel.port": 1, "mode": "append-only"})],
        &[],
    );
    let tunnel = config.ssh_tunnel.expect("there");
    assert_eq!((tunnel.host.as_str(), tunnel.port), ("h", 1));
    assert_eq!(config.load_method, Some(Load::AppendOnly));
}

#[test]
fn unknown_settings_do_not_fail() {
    let values = load(&[json!({"url": "a", "pagesize": 3, "stream_maps": {}})], &[]).expect("loads");
    assert_eq!(values.get("pagesize"), None);
}

#[test]
fn an_error_names_the_setting_what_was_expected_and_what_was_found() {
    assert_eq!(
        error(json!({"url": 5})),
        "config: url: expected a string, found 5"
    );
    assert_eq!(error(json!({})), "config: url: required, but not given");
    assert_eq!(
        error(json!({"url": "a", "page_size": -1})),
        "config: page_size: expected an integer, at least 0, found -1"
    );
    assert_eq!(
        error(json!({"url": "a", "verbose": "ture"})),
        "config: verbose: expected a boolean, found \"ture\""
    );
    let expected = "config: load_method: expected \"append-only\" or \"overwrite\", found \"upsert\"";
    assert_eq!(error(json!({"url": "a", "load_method": "upsert"})), expected);
    assert_eq!(
        error(json!({"url": "a", "ssh_tunnel": {}})),
        "config: ssh_tunnel.host: required, but not given"
    );
    assert_eq!(
        error(json!({"url": 1, "ratio": "x"})),
        "config: url: expected a string, found 1 (and 1 more)"
    );
}

#[test]
fn a_secret_is_never_shown() {
    let message = error(json!({"url": "a", "token": ["hunter2"]}));
    assert_eq!(message, "config: token: expected a string");
    let config = config(&[json!({"url": "a", "token": "hunter2"})], &[]);
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.token.expect("there").expose(), "hunter2");
}

/// Settings with secrets at every depth.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only the schema counts")]
struct Deep {
    login: Option<Login>,
    headers: Option<BTreeMap<String, Secret<String>>>,
    accounts: Option<Vec<Account>>,
    account: Option<Account>,
    either: Option<Either>,
    plain: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "only the schema counts")]
enum Login {
    ApiKey { key: Secret<String> },
    Basic { user: String, password: Secret<String> },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only the schema counts")]
struct Account {
    host: String,
    password: Secret<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only the schema counts")]
enum Either {
    Number(u32),
    Account(Account),
}

#[test]
fn what_stands_where_a_secret_may_be_is_not_shown() {
    for (file, expected) in [
        (
            json!({"login": {"kind": "basic", "user": "u", "pasword": "canary"}}),
            "config: login.pasword: unknown setting, did you mean password?",
        ),
        (
            json!({"login": {"kind": "basic", "password": {"a": "canary"}}}),
            "config: login.password: expected a string",
        ),
        (json!({"login": "canary"}), "config: login: expected"),
        (json!({"login": {"kind": "canary"}}), "config: login: expected"),
        (
            json!({"headers": "Bearer canary"}),
            "config: headers: expected an object",
        ),
        (
            json!({"headers": {"a": ["canary"]}}),
            "config: headers.a: expected a string",
        ),
        (
            json!({"headers": ["canary"]}),
            "config: headers: expected an object",
        ),
        (
            json!({"accounts": "canary"}),
            "config: accounts: expected an array",
        ),
        (
            json!({"accounts": ["canary"]}),
            "config: accounts[0]: expected an object",
        ),
        (
            json!({"account": "postgres://u:canary@h"}),
            "config: account: expected an object",
        ),
        (
            json!({"account": {"host": "h", "pasword": "canary"}}),
            "config: account.pasword: unknown setting, did you mean password?",
        ),
        (json!({"either": "canary"}), "config: either: expected"),
        (
            json!({"account": {"host": "h", "password": "canary"}, "plain": "canary"}),
            "config: plain: expected an integer, at least 0, found \"****\"",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        fs::write(&path, file.to_string()).expect("writes");
        let settings = Settings::new::<Deep>();
        let error = settings.load(&PLUGIN, &[path.into()], &[], &Environment::default());
        let error = error.expect_err("wrong").to_string();
        assert!(!error.contains("canary"), "{file}: {error}");
        assert!(error.starts_with(expected), "{file}: {error}");
    }
}

#[test]
fn what_is_no_config_file_is_refused() {
    let sources = [OsString::from("/nonexistent/config.json")];
    let error = Settings::new::<Config>()
        .load(&PLUGIN, &sources, &[], &Environment::default())
        .expect_err("missing");
    assert_eq!(error.kind().exit_code(), 78);
    assert!(load(&[json!([])], &[]).is_err());
}

/// What the Meltano SDK's plugins do with data must not be left undone without a word.
#[test]
fn settings_of_the_meltano_sdk_that_are_not_there_are_refused() {
    for (name, value) in [
        ("stream_maps", json!({"users": {"ssn": null}})),
        ("stream_maps", json!({"__else__": null})),
        ("stream_maps", json!("{\"users\": null}")),
        ("flattening_enabled", json!(true)),
        ("flattening_enabled", json!("true")),
        ("hard_delete", json!(true)),
    ] {
        let error = load(&[json!({"url": "x", name: value})], &[]).expect_err(name);
        assert_eq!(error.kind(), melisma_engine::Kind::Config);
        let message = error.to_string();
        assert!(
            message.contains(name) && message.contains("not supported"),
            "{message}"
        );
        assert!(!message.contains("ssn"), "{message}");
    }
    // In the other ways in which a setting may be given.
    let error = load(&[json!({"url": "x", "stream_maps.users.ssn": null})], &[]).expect_err("dotted");
    assert!(error.to_string().contains("stream_maps"), "{error}");
    let error = load(&[], &[("TAP_X_STREAM_MAPS", "{\"users\": {}}")]).expect_err("a variable");
    assert!(error.to_string().contains("stream_maps"), "{error}");
}

#[test]
fn settings_of_the_meltano_sdk_that_ask_for_nothing_are_no_error() {
    let config = json!({
        "url": "x", "stream_maps": {}, "stream_map_config": {"hash_seed": "1"}, "faker_config": {},
        "flattening_enabled": false, "flattening_max_depth": 2, "flattening_separator": "__",
        "flattening_max_key_length": 255, "batch_config": {"encoding": {"format": "jsonl"}},
        "hard_delete": "false", "process_activate_version_messages": true,
    });
    let values = load(&[config], &[]).expect("ignored");
    assert_eq!(values.get("faker_config"), None);
    load(
        &[],
        &[("TAP_X_STREAM_MAPS", "{}"), ("TAP_X_FLATTENING_ENABLED", "0")],
    )
    .expect("nothing");
}
