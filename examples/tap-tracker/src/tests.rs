use melisma_sdk::http::Replay;
use melisma_sdk::{check, json};

use super::Tracker;

#[test]
fn it_keeps_the_rules_of_a_tap() {
    let issue = json!([{"id": 7, "title": "Tea is cold", "updated_at": "2026-01-02T08:00:00Z", "labels": [], "estimate": 0.5}]);
    let events = json!([{"id": 9, "kind": "push", "updated_at": "2026-01-03T08:00:00Z"}]);
    let owner = json!({"login": "ann", "email": null});
    let server = Replay::serve(json!([
        {"method": "POST", "path": "/token", "body": {"access_token": "a token", "expires_in": 3600}},
        {"path": "/projects", "body": [{"id": 1, "name": "Kitchen", "owner": owner, "archived": false}]},
        {"path": "/projects/1/issues", "body": issue}, {"path": "/events", "body": events},
        {"path": "/projects/1/issues?since=2026-01-02T08%3A00%3A00Z", "body": issue},
        {"path": "/events?since=2026-01-03T08%3A00%3A00Z", "body": events}
    ]));
    let server = server.expect("serves");
    let config = json!({"url": server.url(), "client_id": "me", "client_secret": "secret"});
    let report = check::tap::<Tracker>().config(config).passes();
    assert_eq!(report.records("issues")[0]["project_id"], 1);
}
