//! The work that a profile is made of: the main paths, with data of many shapes.
//!
//! No table is lineitem, which measurements use: what is faster there is not so because the compiler has seen it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::bench::postgres::{quote, server};
use crate::{Result, sh};

/// Shapes of `melisma bench gen`, and how many records: about as much work each.
const STREAMS: [(&str, u32); 8] = [
    ("orders", 100_000),
    ("customer", 60_000),
    ("narrow", 200_000),
    ("wide", 4_000),
    ("nested", 40_000),
    ("text", 3_000),
    ("unicode", 60_000),
    ("changes", 60_000),
];
const TABLES: [(&str, u32, &[&str]); 3] = [
    ("orders", 150_000, &["o_orderkey"]),
    ("customer", 80_000, &["c_custkey"]),
    ("partsupp", 80_000, &["ps_partkey", "ps_suppkey"]),
];

/// Lets the melisma work in a folder and leave its counts in another.
pub(super) fn run(melisma: &Path, folder: &Path, counts: &Path) -> Result {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let shell = |line: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-ec", &line.replace("melisma ", "\"$MELISMA\" ")]);
        shell.current_dir(folder).env("MELISMA", melisma);
        // Processes of one program add to the same few files.
        sh::run(shell.env("LLVM_PROFILE_FILE", counts.join("%4m.profraw")))
    };
    let server = server();
    let url = server.url("postgres");
    for (name, config) in configurations(&url) {
        let path = folder.join(name).with_extension("json");
        fs::write(&path, config.to_string()).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    for line in inputs() {
        shell(&format!("export LLVM_PROFILE_FILE=/dev/null; {line}"))?;
    }
    for line in files().into_iter().chain(databases()) {
        shell(&format!(
            "({line}) > /dev/null 2> log || {{ cat log >&2; exit 1; }}"
        ))?;
    }
    shell(&rest()?)
}

fn configurations(url: &str) -> Vec<(&'static str, Value)> {
    let files =
        TABLES.map(|(table, _, keys)| json!({"entity": table, "path": format!("{table}.csv"), "keys": keys}));
    let into = |schema: &str| json!({"sqlalchemy_url": url, "default_target_schema": schema});
    vec![
        ("csv", json!({"infer_types": true, "files": files})),
        ("files", json!({"destination_path": "out"})),
        ("loaded", into("loaded")),
        ("copied", into("copied")),
        (
            "tap",
            json!({"sqlalchemy_url": url, "filter_schemas": ["loaded"]}),
        ),
    ]
}

/// The commands that make what is read.
fn inputs() -> Vec<String> {
    let streams = STREAMS.iter().map(|(shape, rows)| (shape, rows, "singer"));
    let tables = TABLES.iter().map(|(table, rows, _)| (table, rows, "csv"));
    let make = |(shape, rows, format): (&&str, &u32, &str)| {
        format!("melisma bench gen {shape} --rows {rows} --format {format} --out {shape}.{format}")
    };
    streams.chain(tables).map(make).collect()
}

/// Between files and pipes.
fn files() -> Vec<String> {
    let mut lines = vec![
        "mkdir out".to_owned(),
        "melisma tap-csv --config csv.json".to_owned(),
        "melisma tap-csv --config csv.json --discover".to_owned(),
    ];
    for target in ["target-jsonl", "target-parquet", "target-csv"] {
        lines.push(pair(
            "tap-csv --config csv.json",
            &format!("{target} --config files.json"),
        ));
        for (stream, _) in STREAMS {
            lines.push(format!("melisma {target} --config files.json < {stream}.singer"));
        }
    }
    for (stream, _) in STREAMS {
        lines.push(format!("cat {stream}.singer | melisma pipe"));
        lines.push(format!("cat {stream}.singer | melisma pipe --validate"));
    }
    lines
}

/// Into databases, out of them, and again where all keys are there.
fn databases() -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..2 {
        for stream in ["orders", "customer", "nested", "unicode", "changes"] {
            lines.push(format!(
                "melisma target-postgres --config loaded.json < {stream}.singer"
            ));
        }
    }
    lines.push("melisma tap-postgres --config tap.json".to_owned());
    for target in [
        "target-postgres --config copied.json",
        "target-parquet --config files.json",
        "target-jsonl --config files.json",
    ] {
        lines.push(pair("tap-postgres --config tap.json", target));
    }
    lines
}

fn pair(tap: &str, target: &str) -> String {
    format!("melisma run --full-refresh --state state.json '{tap}' '{target}'")
}

/// An API whose pages are made beforehand.
fn rest() -> Result<String> {
    let pages = quote(&sh::root().join("benches/http/pages.py"))?;
    let config = r#"{"definition": {"url": "http://127.0.0.1:'$(cat port)'", "pages": "link_header", "streams": {"customers": {"path": "/customers", "key": "id"}}}}"#;
    Ok(format!(
        "python3 {pages} > port & server=$!; trap 'kill $server' EXIT; until [ -s port ]; do sleep 0.1; done; \
         echo '{config}' > rest.json; melisma tap-rest --config rest.json > /dev/null 2> log"
    ))
}
