use melisma_sdk::http::Replay;
use melisma_sdk::{check, json};

use super::@type@ as Tap;

/// What the API answers. `RECORD=1 cargo test` asks the API itself, with the settings in config.json, and records it anew.
const ANSWERS: &str = "tests/http/api.json";

#[test]
fn it_keeps_the_rules_of_a_tap() {
    if std::env::var_os("RECORD").is_some() {
        let config = std::fs::read_to_string("config.json").expect("config.json");
        let config = config.parse().expect("JSON");
        check::tap::<Tap>().config(config).record(ANSWERS).passes();
    }
    let server = Replay::file(ANSWERS).expect("a recording");
    // The path of the API's address, if it has one, goes behind the server's.
    let config = json!({"url": server.url(), "token": "any token"});
    let report = check::tap::<Tap>().config(config).passes();
    assert_eq!(report.records("projects").len(), 2);
    assert_eq!(report.records("issues")[0]["title"], "Tea is cold");
}
