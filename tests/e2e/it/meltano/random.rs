//! Random projects: settings, inheritance, environments, extras and variables in combinations that are not written by hand.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::case::{Case, Run};

/// Names of settings, some of which are the beginning of others.
const NAMES: &[&str] = &[
    "host",
    "port",
    "flag",
    "list",
    "obj",
    "obj.leaf",
    "obj.deep.er",
    "my-set",
    "a_b",
    "a.b",
    "start",
    "esc\\.dot",
];
/// Text that refers to variables of every layer.
const TEXTS: &[&str] = &[
    "plain",
    "",
    "$ROOT",
    "${ENVV}-x",
    "$UNSET",
    "$SHELL_ONLY",
    "$DOT/${ROOT}",
    "\\$ESC",
    "$lower",
    "$MELTANO_EXTRACTOR_NAME",
    "$MELTANO_ENVIRONMENT",
    "$PLUGIN_ENV",
    "$TAP_BASE_HOST",
    "1",
    "true",
    "it's \"é\"",
    "$MELTANO_PROJECT_ID",
    "2024-01-01",
];
const SELECT: &[&str] = &[
    "*.*",
    "users.*",
    "users.id",
    "!users.id",
    "orders",
    "!orders.*",
    "users.address.city",
    "users.address.*",
    "*.id",
    "!*.t*",
    "us*.[a-c]*",
    "public-order\\.lines.*",
];

/// A source of choices: `SplitMix64`, so that a seed is a project on every machine.
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True in this number of a hundred cases.
    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn some<'a>(&mut self, of: &[&'a str], most: usize) -> Vec<&'a str> {
        (0..self.below(most + 1)).map(|_| self.one(of)).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0..=2 => self.one(TEXTS).into(),
            3 => json!(self.below(1000)),
            4 => json!(self.percent(50)),
            5 => [json!(null), json!(1.5), json!(-0.25), json!(1e16)][self.below(4)].clone(),
            6 => (0..self.below(3)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let keys = self.some(&["leaf", "deep", "k", "x.y"], 2);
                keys.into_iter()
                    .map(|key| (key.to_owned(), self.value(depth - 1)))
                    .collect::<Map<_, _>>()
                    .into()
            }
        }
    }

    fn config(&mut self) -> Value {
        let names = self.some(&[NAMES, &["extra", "extra.nested", "other", "o.p.q"]].concat(), 4);
        let mut config = Map::new();
        for name in names {
            // A name that is a value and begins another one is an error for both tools, and hides everything else.
            let clash =
                |key: &String| key.starts_with(&format!("{name}.")) || name.starts_with(&format!("{key}."));
            if !config.keys().any(clash) || self.percent(3) {
                config.insert(name.to_owned(), self.value(2));
            }
        }
        config.into()
    }

    fn setting(&mut self, name: &str) -> Value {
        let mut setting = json!({"name": name});
        let kind = self.one(&[
            "", "string", "integer", "boolean", "array", "object", "password", "file", "options",
        ]);
        let value = match kind {
            "integer" => json!(["7", "8"][self.below(2)]),
            "boolean" => [json!("yes"), json!(true)][self.below(2)].clone(),
            "array" => [json!(["$ROOT", 1]), json!("['a']")][self.below(2)].clone(),
            "object" => [json!({}), json!({"leaf": "$ENVV"}), json!("{\"z\": 1}")][self.below(3)].clone(),
            "options" => json!("plain"),
            _ => self.value(1),
        };
        if !kind.is_empty() {
            setting["kind"] = kind.into();
        }
        if kind == "options" {
            setting["options"] = TEXTS
                .iter()
                .map(|text| json!({"label": text, "value": text}))
                .collect();
        }
        if self.percent(60) {
            setting["value"] = value;
        }
        for (key, value, percent) in [
            ("aliases", json!([format!("{name}_alias")]), 20),
            ("env", json!("CUSTOM_NAME"), 10),
            ("env_aliases", json!(["OLD_NAME"]), 10),
            ("value_processor", json!("stringify"), 5),
            ("value_post_processor", json!("stringify"), 5),
            ("sensitive", json!(true), 10),
        ] {
            if self.percent(percent) {
                setting[key] = value;
            }
        }
        setting
    }

    fn settings(&mut self) -> Value {
        let mut names = self.some(NAMES, 6);
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| self.setting(name)).collect()
    }

    fn env(&mut self, names: &[&str]) -> Value {
        let names = self.some(names, 3);
        names
            .into_iter()
            .map(|name| (name.to_owned(), self.one(TEXTS).into()))
            .collect::<Map<_, _>>()
            .into()
    }

    fn metadata(&mut self) -> Value {
        let mut metadata = Map::new();
        for stream in self.some(&["*", "users", "orders", "us*"], 2) {
            let mut rules = Map::new();
            for key in self.some(
                &[
                    "replication-method",
                    "replication-key",
                    "selected",
                    "id",
                    "address.city",
                ],
                3,
            ) {
                let value = if key.contains('-') || key == "selected" {
                    self.value(0)
                } else {
                    json!({"x": self.value(1)})
                };
                if !value.is_null() {
                    rules.insert(key.to_owned(), value);
                }
            }
            if !rules.is_empty() {
                metadata.insert(stream.to_owned(), rules.into());
            }
        }
        metadata.into()
    }

    /// Extras, with or without a chance for a whole block of a plugin.
    fn extras(&mut self, block: &mut Map<String, Value>) {
        for (key, percent) in [
            ("select", 40),
            ("metadata", 30),
            ("schema", 20),
            ("select_filter", 15),
            ("load_schema", 15),
            ("custom_extra", 15),
        ] {
            if !self.percent(percent) {
                continue;
            }
            let value = match key {
                "select" => self.some(SELECT, 3).into(),
                "select_filter" => self.some(&["users.*", "!orders", "*"], 2).into(),
                "metadata" => self.metadata(),
                "schema" => {
                    json!({self.one(&["users", "*", "orders"]): {self.one(&["id", "*_at", "new", "my-col"]): {"type": "string"}}})
                }
                "load_schema" => self.one(TEXTS).into(),
                _ => self.value(2),
            };
            block.insert(key.to_owned(), value);
        }
    }

    fn block(&mut self, block: &mut Map<String, Value>, with_settings: bool) {
        if self.percent(80) {
            block.insert("config".to_owned(), self.config());
        }
        if with_settings && self.percent(70) {
            block.insert("settings".to_owned(), self.settings());
        }
        if self.percent(30) {
            block.insert(
                "env".to_owned(),
                self.env(&["PLUGIN_ENV", "ENVV", "TAP_BASE_HOST", "OTHER"]),
            );
        }
    }
}

/// The project of a seed.
pub(super) fn project(seed: u64) -> Case {
    let mut choices = Choices(seed);
    let c = &mut choices;
    let mut files = BTreeMap::new();
    let mut base = object(json!({"name": "tap-base"}));
    if c.percent(70) {
        base.extend(object(
            json!({"namespace": c.one(&["tap_base", "base_ns"]), "executable": "./tap",
            "capabilities": ["catalog", "discover", "state"]}),
        ));
        c.block(&mut base, true);
    } else {
        base.insert("variant".to_owned(), "v".into());
        let mut lock = object(
            json!({"plugin_type": "extractors", "name": "tap-base", "namespace": "locked_ns", "variant": "v",
            "label": "x", "executable": "./tap", "capabilities": ["catalog", "discover", "state"], "settings": c.settings()}),
        );
        c.extras(&mut lock);
        files.insert(
            "plugins/extractors/tap-base--v.lock".to_owned(),
            Value::Object(lock).to_string(),
        );
        c.block(&mut base, false);
    }
    c.extras(&mut base);
    let mut extractors = vec![Value::Object(base)];
    let mut tap = "tap-base";
    for name in ["tap-child", "tap-grandchild"] {
        if !c.percent(50) {
            break;
        }
        let mut child = object(json!({"name": name, "inherit_from": tap}));
        if c.percent(15) {
            child.insert("namespace".to_owned(), "child_ns".into());
        }
        c.block(&mut child, false);
        c.extras(&mut child);
        extractors.push(child.into());
        tap = name;
    }
    let mut loader = object(json!({"name": "target", "namespace": "target_f", "executable": "./target"}));
    c.block(&mut loader, true);
    let mut environment = object(json!({"name": "dev", "env": c.env(&["ENVV", "TAP_BASE_PORT", "E"])}));
    let mut blocks = Vec::new();
    for extractor in &extractors {
        if c.percent(40) {
            let mut block = object(json!({"name": extractor["name"]}));
            c.block(&mut block, false);
            c.extras(&mut block);
            blocks.push(Value::Object(block));
        }
    }
    environment.insert("config".to_owned(), json!({"plugins": {"extractors": blocks}}));
    let mut document = json!({
        "default_environment": "dev",
        "project_id": "01a21789-994a-7830-9cfe-818935dac5b7",
        "send_anonymous_usage_stats": false,
        "env": c.env(&["ROOT", "TAP_CHILD_FLAG", "PLUGIN_ENV"]),
        "environments": [environment],
        "plugins": {"extractors": extractors, "loaders": [loader]},
    });
    if c.percent(10) {
        document["ff"] = json!({"strict_env_var_mode": true});
    }
    files.insert("meltano.yml".to_owned(), document.to_string());
    if c.percent(50) {
        files.insert(
            ".env".to_owned(),
            "DOT=dot\nTAP_BASE_MY_SET=${ROOT:-none}\n".to_owned(),
        );
    }
    let run = Run {
        vars: c.shell(),
        args: ["run", tap, "target"].map(str::to_owned).to_vec(),
        ..Run::default()
    };
    Case {
        name: format!("seed {seed}"),
        files,
        runs: vec![run],
    }
}

impl Choices {
    fn shell(&mut self) -> Vec<(String, String)> {
        let names = [
            ("TAP_BASE_HOST", "$ROOT"),
            ("TAP_CHILD_PORT", "9"),
            ("BASE_NS_FLAG", "on"),
            ("TAP_BASE_LIST", "[1, 'x']"),
            ("TAP_CHILD_OBJ", "{\"q\": {\"r\": 1}}"),
            ("TAP_BASE_OBJ_LEAF", "shell"),
            ("TAP_BASE__SELECT", "[\"users.id\"]"),
            (
                "TAP_CHILD__METADATA",
                "{\"users\": {\"replication-method\": \"FULL_TABLE\"}}",
            ),
            ("OLD_NAME", "old"),
            ("TAP_BASE__CUSTOM_EXTRA", "from shell"),
            ("TARGET_HOST", ""),
            ("TAP_BASE_START", "x"),
            ("MELTANO_HUB_URL", "https://h"),
        ];
        let chosen = names.iter().filter(|_| self.percent(12)).collect::<Vec<_>>();
        chosen
            .into_iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
