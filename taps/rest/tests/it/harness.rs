//! Runs of the tap in this process.

use std::fs;
use std::io;

use melisma_sdk::http::Replay;
use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::tap::run_tap_on;
use serde_json::{Value, json};
use tap_rest::TapRest;

const PACKAGE: Package = Package {
    name: "tap-rest",
    version: "1.2.3",
};

/// Runs the tap with these arguments; returns its exit code and what it wrote.
pub(crate) fn tap(definition: &str, settings: &Value, args: &[&str], state: &str) -> (u8, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    let config = json!({"definition": definition, "settings": settings});
    fs::write(&path, config.to_string()).expect("writes");
    let own = ["tap-rest".into(), "--config".into(), path.into_os_string()];
    let args = own.into_iter().chain(args.iter().map(Into::into));
    let mut out = Vec::new();
    let io = Io::buffers(io::Cursor::new(state.to_owned()), &mut out);
    let code = run_tap_on::<TapRest>(PACKAGE, args, io);
    (code, String::from_utf8(out).expect("UTF-8"))
}

/// Runs the tap on a server, whose address is the setting `url`; returns the messages.
pub(crate) fn run(definition: &str, server: &Replay, state: Option<&Value>) -> Vec<Value> {
    let settings = json!({"url": server.url()});
    let text = state.map(Value::to_string).unwrap_or_default();
    let args: &[&str] = if state.is_some() { &["--state", "-"] } else { &[] };
    let (code, out) = tap(definition, &settings, args, &text);
    assert_eq!(code, 0, "{out}");
    out.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The records of a stream.
pub(crate) fn records<'m>(messages: &'m [Value], stream: &str) -> Vec<&'m Value> {
    let of = |message: &&Value| message["type"] == "RECORD" && message["stream"] == stream;
    messages
        .iter()
        .filter(of)
        .map(|message| &message["record"])
        .collect()
}

/// The schema of a stream.
pub(crate) fn schema<'m>(messages: &'m [Value], stream: &str) -> &'m Value {
    let of = |message: &&Value| message["type"] == "SCHEMA" && message["stream"] == stream;
    &messages.iter().find(of).expect("a SCHEMA")["schema"]
}
