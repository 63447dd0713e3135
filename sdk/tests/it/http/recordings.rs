//! What is recorded of an API gives the same records without it.

use std::fs;

use melisma_sdk::http::{ApiKey, Bearer, Client, OAuth2, Pages, Recorder, Replay};
use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::{Context, JsonSchema, Result, Secret, Stream, Tap, config, json, tap};
use serde::Deserialize;
use serde_json::Value;

use super::stream;

/// Parents and children of an API with OAuth 2.
#[derive(Deserialize, JsonSchema)]
struct Config {
    /// Where the API is.
    url: String,
    /// The client's secret.
    client_secret: Secret<String>,
}

struct Parents(Client);

impl Tap for Parents {
    type Config = Config;

    fn open(config: Config, context: &Context) -> Result<Self> {
        let auth = OAuth2::client_credentials("/token", "me", &config.client_secret);
        Ok(Self(Client::new(&config.url, context)?.auth(auth).concurrent(8)))
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let children = stream("children").replication_key("at");
        let children = self
            .0
            .get("/p/{parent}/c", children)
            .from_parent("parent", "id")
            .since("since");
        let parents = self
            .0
            .get("/p", stream("parents"))
            .pages(Pages::link_header())
            .child(children);
        Ok(vec![parents.stream()?])
    }
}

const PACKAGE: Package = Package {
    name: "tap-parents",
    version: "1.0.0",
};

fn api() -> Replay {
    let child = |id: i64| json!([{"id": id, "at": format!("2026-01-0{id}T00:00:00Z"), "owner": {"token": "t0k3n-of-owner"}}]);
    let exchanges = json!([
        {"method": "POST", "path": "/token", "body": {"access_token": "acc3ss-t0k3n", "expires_in": 3600}},
        {"path": "/p", "status": 503, "headers": {"Retry-After": "0"}},
        {"path": "/p", "body": [{"id": 1}, {"id": 2}], "headers": {
            "Link": "<{server}/p?page=2>; rel=\"next\"", "Date": "today", "Set-Cookie": "session=c00kie", "X-Total": "3"}},
        {"path": "/p?page=2", "body": [{"id": 3}]},
        {"path": "/p/1/c", "body": child(1)}, {"path": "/p/2/c", "body": child(2)},
        {"path": "/p/3/c", "status": 404, "body": "gone"},
        {"path": "/p/1/c?since=2026-01-01T00%3A00%3A00Z", "body": child(1)},
        {"path": "/p/2/c?since=2026-01-02T00%3A00%3A00Z", "body": []}
    ]);
    Replay::serve(exchanges).expect("serves")
}

/// A run of the tap as a program, with or without a file to record in.
fn run(url: &str, secret: &str, record: Option<&str>) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    fs::write(&path, json!({"url": url, "client_secret": secret}).to_string()).expect("writes");
    let mut written = Vec::new();
    let mut io = Io::buffers(std::io::empty(), &mut written);
    let variables = record.map(|path| ("MELISMA_HTTP_RECORD", path));
    io.environment = config::Environment::new(variables, folder.path());
    let args = ["tap-parents".into(), "--config".into(), path.into_os_string()];
    assert_eq!(tap::run_tap_on::<Parents>(PACKAGE, args, io), 0);
    let text = String::from_utf8(written).expect("UTF-8");
    let mut messages: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for message in &mut messages {
        if let Some(message) = message.as_object_mut() {
            message.remove("time_extracted");
        }
    }
    messages
}

#[test]
fn a_recorded_run_is_the_same_again_without_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("http/parents.json");
    let recorded = {
        let api = api();
        run(&api.url(), "cl13nt-s3cr3t", file.to_str())
    };
    assert_eq!(
        recorded
            .iter()
            .filter(|message| message["type"] == "RECORD")
            .count(),
        5
    );
    let text = fs::read_to_string(&file).expect("a recording");
    for secret in ["acc3ss", "cl13nt", "t0k3n", "c00kie", "127.0.0.1", "503"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let exchanges: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let expected = json!({"path": "/p", "body": [{"id": 1}, {"id": 2}], "headers": {
        "link": "<{server}/p?page=2>; rel=\"next\"", "x-total": "3"}});
    assert_eq!(exchanges[1], expected);
    let replay = Replay::file(&file).expect("serves");
    let replayed = run(&replay.url(), "another", None);
    assert_eq!(replayed, recorded);
    // Children of several parents are asked for at once; a recording has them in their order all the same.
    let again = folder.path().join("again.json");
    run(&api().url(), "cl13nt-s3cr3t", again.to_str());
    assert_eq!(fs::read_to_string(&again).expect("a recording"), text);
}

#[cfg(feature = "check")]
#[test]
fn a_check_records_both_of_its_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("both.json");
    let check = |url: String| {
        let config = json!({"url": url, "client_secret": "cl13nt-s3cr3t"});
        melisma_sdk::check::tap::<Parents>().config(config)
    };
    let recorded = check(api().url()).record(&file).passes();
    let replay = Replay::file(&file).expect("serves");
    let replayed = check(replay.url()).passes();
    assert_eq!(replayed.records("children"), recorded.records("children"));
    assert_eq!(
        replayed.second_records("children"),
        recorded.second_records("children")
    );
    assert_eq!(replayed.second_records("children").len(), 1);
}

#[test]
fn keys_in_the_query_are_masked_and_any_key_fits_again() {
    let api =
        Replay::serve(json!([{"path": "/a?n=1&api_key=k-123456", "body": [{"id": 1, "note": "k-123456"}]}]));
    let api = api.expect("serves");
    let secret = |text: &str| Secret::new(text.to_owned());
    let recorder = Recorder::new();
    let context = Context::default().with_recorder(&recorder);
    let client = |url: &str, context: &Context| Client::new(url, context).expect("a URL");
    let signed = client(&api.url(), &context).auth(ApiKey::query("api_key", &secret("k-123456")));
    super::run(signed.get("/a", stream("a")).query("n", 1), "").expect("reads");
    let expected = json!([{"path": "/a?n=1&api_key=****", "body": [{"id": 1, "note": "****"}]}]);
    assert_eq!(recorder.exchanges(), expected);
    let replay = Replay::serve(recorder.exchanges()).expect("serves");
    let other =
        client(&replay.url(), &Context::default()).auth(ApiKey::query("api_key", &secret("another key")));
    super::run(other.get("/a", stream("a")).query("n", 1), "").expect("reads");
}

#[test]
fn a_refused_request_is_recorded_and_a_file_that_cannot_be_written_is_refused_first() {
    let api =
        Replay::serve(json!([{"path": "/a", "status": 403, "body": {"message": "no"}}])).expect("serves");
    let recorder = Recorder::new();
    let client = Client::new(&api.url(), &Context::default().with_recorder(&recorder)).expect("a URL");
    let bearer = Bearer::new(&Secret::new("b34r3r".to_owned()));
    super::run(client.auth(bearer).get("/a", stream("a")), "").expect_err("refused");
    assert_eq!(
        recorder.exchanges(),
        json!([{"path": "/a", "status": 403, "body": {"message": "no"}}])
    );

    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.json");
    fs::write(
        &config,
        json!({"url": api.url(), "client_secret": "s3cr3t"}).to_string(),
    )
    .expect("writes");
    let mut io = Io::buffers(std::io::empty(), std::io::sink());
    let folder_name = folder.path().to_str();
    io.environment = config::Environment::new(
        folder_name.map(|path| ("MELISMA_HTTP_RECORD", path)),
        folder.path(),
    );
    let args = ["tap-parents".into(), "--config".into(), config.into_os_string()];
    assert_eq!(tap::run_tap_on::<Parents>(PACKAGE, args, io), 78);
    assert_eq!(api.requests().len(), 1, "the API was not asked");
}
