//! Taps of HTTP APIs, on recorded answers.

mod credentials;
mod families;
mod recordings;
mod tls;
mod waits;

use std::sync::Arc;

use melisma_sdk::http::{Client, Replay, RestStream, TestClock};
use melisma_sdk::{Context, Result, Stream, json, tap};
use serde_json::Value;

/// A stream whose records have an id, the moment of their last change, and the id of their parent.
fn stream(name: &str) -> Stream<'static> {
    let moment = json!({"type": "string", "format": "date-time"});
    let integer = json!({"type": "integer"});
    Stream::new(
        name,
        json!({"type": "object", "properties": {"id": integer, "at": moment, "parent": integer}}),
    )
    .key(["id"])
}

/// A client whose waits take no time.
fn client(server: &Replay) -> (Client, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    let client = Client::new(&server.url(), &Context::default()).expect("a URL");
    (client.clock(Arc::clone(&clock) as _), clock)
}

/// The messages of a run from this state.
fn run(stream: RestStream<'static>, state: &str) -> Result<Vec<Value>> {
    tap::test_stream(stream.stream()?, state)
}

/// The ids of a stream's records.
fn ids(messages: &[Value], stream: &str) -> Vec<i64> {
    let records = messages
        .iter()
        .filter(|message| message["type"] == "RECORD" && message["stream"] == stream);
    records
        .filter_map(|message| message["record"]["id"].as_i64())
        .collect()
}

fn state(messages: &[Value]) -> &Value {
    &messages
        .iter()
        .rfind(|message| message["type"] == "STATE")
        .expect("a STATE")["value"]
}

fn paths(server: &Replay) -> Vec<String> {
    server
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect()
}
