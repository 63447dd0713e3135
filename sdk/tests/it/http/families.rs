//! Pages, parents and children, partitions and bookmarks.

use melisma_sdk::http::{Pages, Place, Replay, Since};
use melisma_sdk::{Kind, json};
use serde_json::{Map, Value};

use super::{client, ids, paths, run, state, stream};

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[test]
fn the_page_can_be_asked_for_in_the_query_a_header_the_path_and_the_body() {
    let server = Replay::serve(json!([
        {"path": "/q?size=2&page=1", "body": [{"id": 1}, {"id": 2}]}, {"path": "/q?size=2&page=2", "body": [{"id": 3}]},
        {"path": "/h", "body": {"next": "t2", "rows": [{"id": 1}]}}, {"path": "/h", "body": {"rows": [{"id": 2}]}},
        {"path": "/p/0", "body": [{"id": 1}]}, {"path": "/p/1", "body": []},
        {"method": "POST", "path": "/b", "body": {"next": 7, "rows": [{"id": 1}]}},
        {"method": "POST", "path": "/b", "body": {"next": null, "rows": [{"id": 2}]}}
    ]))
    .expect("serves");
    let (client, _) = client(&server);
    let number = Pages::number("page").size("size", 2);
    assert_eq!(
        ids(
            &run(client.get("/q", stream("a")).pages(number), "").expect("reads"),
            "a"
        ),
        [1, 2, 3]
    );
    let header = Pages::cursor("$.next", "").at(Place::Header("X-Page".into()));
    let read = client.get("/h", stream("a")).records("$.rows[*]").pages(header);
    assert_eq!(ids(&run(read, "").expect("reads"), "a"), [1, 2]);
    let path = Pages::number("").start(0).at(Place::Placeholder("page".into()));
    assert_eq!(
        ids(
            &run(client.get("/p/{page}", stream("a")).pages(path), "").expect("reads"),
            "a"
        ),
        [1]
    );
    let body = Pages::cursor("$.next", "").at(Place::Body("page.after".into()));
    let read = client
        .post("/b", stream("a"))
        .json(json!({"size": 5}))
        .records("$.rows[*]")
        .pages(body);
    assert_eq!(ids(&run(read, "").expect("reads"), "a"), [1, 2]);
    let requests = server.requests();
    assert_eq!(requests[3].headers["x-page"], "t2");
    assert_eq!(requests[6].body, r#"{"size":5}"#);
    assert_eq!(requests[7].body, r#"{"size":5,"page":{"after":7}}"#);
}

/// Projects 1 to 4 on two pages, whose issues are on one page each; the third project is gone by then.
fn tracker() -> Replay {
    let issues = |project: i64| {
        let issue = |n: i64| json!({"id": project * 10 + n, "at": format!("2026-01-0{n}T00:00:00Z")});
        json!([issue(1), issue(2)])
    };
    Replay::serve(json!([
        {"path": "/projects", "body": [{"id": 1}, {"id": 2}, {"id": 3}], "headers": {"Link": "<?page=2>; rel=next"}},
        {"path": "/projects?page=2", "body": [{"id": 4}]},
        {"path": "/projects/1/issues", "body": issues(1), "delay_ms": 30},
        {"path": "/projects/2/issues", "body": issues(2)},
        {"path": "/projects/4/issues", "body": issues(4)},
        {"path": "/projects/1/issues?since=2026-01-02T00%3A00%3A00Z", "body": []},
        {"path": "/projects/2/issues?since=2026-01-02T00%3A00%3A00Z", "body": []},
        {"path": "/projects/4/issues?since=2026-01-02T00%3A00%3A00Z", "body": []},
        {"path": "/projects/1/issues?since=2026-01-01T12%3A00%3A00Z", "body": []}
    ]))
    .expect("serves")
}

#[test]
fn children_come_after_their_parent_in_order_whatever_is_under_way() {
    for concurrent in [1, 2, 4, 16] {
        let server = tracker();
        let (client, _) = client(&server);
        let client = client
            .concurrent(concurrent)
            .pages(Pages::link_header())
            .since("since");
        let issues = stream("issues").replication_key("at").sorted();
        let issues = client
            .get("/projects/{parent}/issues", issues)
            .from_parent("parent", "id");
        let messages = run(client.get("/projects", stream("projects")).child(issues), "").expect("reads");
        let order: Vec<i64> = messages
            .iter()
            .filter_map(|message| message["record"]["id"].as_i64())
            .collect();
        assert_eq!(order, [1, 11, 12, 2, 21, 22, 3, 4, 41, 42], "{concurrent}");
        let issue = messages
            .iter()
            .rfind(|message| message["stream"] == "issues")
            .expect("issues");
        assert_eq!(
            issue["record"]["parent"], 4,
            "what names a partition is a property of its records"
        );
        let partitions = state(&messages)["bookmarks"]["issues"]["partitions"]
            .as_array()
            .expect("partitions")
            .len();
        assert_eq!(
            partitions, 4,
            "the parent that is gone has one, too, without a bookmark"
        );
        assert_eq!(paths(&server).len(), 6);
    }
}

#[test]
fn each_parent_resumes_where_it_was_and_those_that_are_gone_are_forgotten() {
    let server = tracker();
    let (client, _) = client(&server);
    let client = client.pages(Pages::link_header()).since("since");
    let partition = |project: i64, at: &str| json!({"context": {"parent": project}, "replication_key": "at", "replication_key_value": at});
    let before = json!({"bookmarks": {"issues": {"partitions": [
        partition(1, "2026-01-02T00:00:00Z"), partition(77, "2026-01-02T00:00:00Z"), partition(2, "2026-01-02T00:00:00Z")
    ]}}});
    let issues = stream("issues").replication_key("at").sorted();
    let issues = client
        .get("/projects/{parent}/issues", issues)
        .from_parent("parent", "id");
    let projects = client.get("/projects", stream("projects")).child(issues);
    let messages = run(projects, &before.to_string()).expect("reads");
    assert_eq!(ids(&messages, "issues"), [41, 42]);
    let partitions = state(&messages)["bookmarks"]["issues"]["partitions"]
        .as_array()
        .expect("partitions");
    let parents: Vec<i64> = partitions
        .iter()
        .filter_map(|partition| partition["context"]["parent"].as_i64())
        .collect();
    assert_eq!(parents, [1, 2, 3, 4]);
    assert_eq!(partitions[0]["replication_key_value"], "2026-01-02T00:00:00Z");
}

#[test]
fn a_shared_bookmark_moves_when_all_parents_are_read() {
    let server = tracker();
    let (client, _) = client(&server);
    let client = client.pages(Pages::link_header()).since("since");
    let issues = || {
        let issues = stream("issues").replication_key("at").sorted();
        client
            .get("/projects/{parent}/issues", issues)
            .from_parent("parent", "id")
            .shared_bookmark()
    };
    let messages = run(client.get("/projects", stream("projects")).child(issues()), "").expect("reads");
    let bookmark = &state(&messages)["bookmarks"]["issues"];
    assert_eq!(bookmark["replication_key_value"], "2026-01-02T00:00:00Z");
    assert!(bookmark["partitions"].is_null(), "{bookmark}");
    let again = run(
        client.get("/projects", stream("projects")).child(issues()),
        &state(&messages).to_string(),
    );
    assert_eq!(ids(&again.expect("reads"), "issues"), Vec::<i64>::new());
}

#[test]
fn a_lookback_asks_for_more_and_leaves_the_bookmark() {
    let server = tracker();
    let (client, _) = client(&server);
    let since = Since::query("since").lookback(std::time::Duration::from_hours(12));
    let issues = client
        .get("/projects/1/issues", stream("issues").replication_key("at"))
        .since(since);
    let before = r#"{"bookmarks": {"issues": {"replication_key": "at", "replication_key_value": "2026-01-02T00:00:00Z"}}}"#;
    let messages = run(issues, before).expect("reads");
    assert_eq!(
        paths(&server),
        ["/projects/1/issues?since=2026-01-01T12%3A00%3A00Z"]
    );
    assert_eq!(
        state(&messages)["bookmarks"]["issues"]["replication_key_value"],
        "2026-01-02T00:00:00Z"
    );
}

#[test]
fn partitions_have_their_own_bookmarks_and_fill_placeholders() {
    let server = Replay::serve(json!([
        {"path": "/usage?region=eu", "body": [{"id": 1, "at": "2026-01-01T00:00:00Z"}]},
        {"path": "/usage?region=us", "body": [{"id": 2, "at": "2026-01-02T00:00:00Z"}]}
    ]))
    .expect("serves");
    let (client, _) = client(&server);
    let usage = client
        .get("/usage", stream("usage").replication_key("at"))
        .query("region", "{region}");
    let usage = usage.partitions([map(json!({"region": "eu"})), map(json!({"region": "us"}))]);
    let before = r#"{"bookmarks": {"usage": {"partitions": [{"context": {"region": "old"}}]}}}"#;
    let messages = run(usage, before).expect("reads");
    let partitions = state(&messages)["bookmarks"]["usage"]["partitions"]
        .as_array()
        .expect("partitions");
    assert_eq!(partitions.len(), 2);
    assert_eq!(partitions[1]["context"], json!({"region": "us"}));
    assert_eq!(partitions[1]["replication_key_value"], "2026-01-02T00:00:00Z");
}

#[test]
fn mistakes_are_found_before_anything_is_read() {
    let server = Replay::serve(json!([])).expect("serves");
    let (client, _) = client(&server);
    let child = || client.get("/a/{x}/b", stream("b")).from_parent("x", "id");
    for (wrong, says) in [
        (client.get("/a/{x}", stream("a")), "{x} is no placeholder"),
        (
            client.get("/a", stream("a")).query("q", "{since}"),
            "{since} is no placeholder",
        ),
        (client.get("/a", stream("a")).records("$..x"), "$..x"),
        (child(), "is no child of another stream"),
        (
            client.get("/a", stream("a")).child(client.get("/b", stream("b"))),
            "from_parent",
        ),
        (
            client
                .get("/a", stream("a"))
                .child(client.get("/a/{y}/b", stream("b")).from_parent("x", "id")),
            "{y} is no placeholder",
        ),
        (
            client
                .get("/a", stream("a"))
                .pages(Pages::cursor("$.a", "").at(Place::Body("x".into()))),
            "no JSON body",
        ),
    ] {
        let error = wrong.stream().expect_err(says);
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn what_is_not_a_record_is_an_error_that_does_not_quote_it() {
    let server = Replay::serve(json!([{"path": "/a", "body": {"rows": ["private"]}}])).expect("serves");
    let (client, _) = client(&server);
    let error = run(client.get("/a", stream("a")).records("$.rows[*]"), "")
        .expect_err("no object")
        .to_string();
    assert!(
        error.contains("$.rows[*]") && error.contains("a text") && !error.contains("private"),
        "{error}"
    );
}

#[test]
fn a_child_that_is_gone_in_the_middle_of_its_pages_is_a_loss() {
    let server = Replay::serve(json!([
        {"path": "/projects", "body": [{"id": 1}]},
        {"path": "/projects/1/issues", "body": [{"id": 11}], "headers": {"Link": "<?page=2>; rel=next"}}
    ]))
    .expect("serves");
    let (client, _) = client(&server);
    let client = client.pages(Pages::link_header());
    let issues = client
        .get("/projects/{p}/issues", stream("issues"))
        .from_parent("p", "id");
    let error = run(client.get("/projects", stream("projects")).child(issues), "").expect_err("lost");
    assert!(error.to_string().contains("404 after other pages"), "{error}");
}
