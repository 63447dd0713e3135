//! The tap on recorded answers: what a definition means, and what is said of a wrong one.

use std::fs;

use melisma_sdk::http::Replay;
use serde_json::{Value, json};
use tap_rest::{Definition, Source};

use crate::harness::{records, run, schema, tap};

/// What is wrong with a definition, whose streams are `{a: /a}` where it has none.
fn error(definition: &str) -> String {
    let mut definition = definition.to_owned();
    if !definition.starts_with("url:") {
        definition.push_str("\nurl: http://127.0.0.1:1");
    }
    if !definition.contains("streams:") {
        definition.push_str("\nstreams: {a: /a}");
    }
    definition.push('\n');
    match Source::read(&definition.clone().into(), &serde_json::Map::new()) {
        Err(error) => error.to_string(),
        Ok(_) => {
            let log = tap(&definition, &json!({}), &["--discover"], "");
            assert_eq!(log.0, 78, "{definition}");
            String::new()
        }
    }
}

#[test]
fn a_helpdesk_with_tickets_comments_and_reports() {
    let server = Replay::serve(json!([
        {"path": "/v2/tickets?include=tags&per_page=2", "body": {
            "tickets": [{"id": 1, "updated_at": "2026-01-01T00:00:00Z"}, {"id": 2, "updated_at": "2026-01-02T00:00:00Z"}],
            "links": {"next": "{server}/v2/tickets?page=2"}}},
        {"path": "/v2/tickets?page=2", "body": {"tickets": [{"id": 3, "updated_at": "2026-01-03T00:00:00Z"}], "links": {"next": null}}},
        {"path": "/v2/tickets/1/comments?per_page=50&page=1", "body": [{"id": 7, "text": "a"}]},
        {"path": "/v2/tickets/2/comments?per_page=50&page=1", "status": 404},
        {"path": "/v2/tickets/3/comments?per_page=50&page=1", "body": [{"id": 7, "text": "b"}]},
        {"path": "/v2/reports/usage?region=eu", "body": [{"day": "2026-01-01", "count": 5}]},
        {"path": "/v2/reports/usage?region=us", "body": [{"day": "2026-01-02", "count": 6}]}
    ]))
    .expect("serves");
    let definition = r#"
tap: helpdesk
url: "{url}/v2"
settings:
  url: {required: true}
pages: {next_url: $.links.next}
streams:
  tickets:
    path: /tickets
    query: {include: tags, per_page: 2}
    records: $.tickets[*]
    key: id
    since: {field: updated_at, query: updated_since, lookback: 5m, sorted: true}
  comments:
    parent: tickets
    path: /tickets/{parent.id}/comments
    pages: {number: page, size: 50, size_query: per_page}
    key: [ticket_id, id]
    add: {ticket_id: "{parent.id}"}
    errors: {404: skip}
  usage:
    path: /reports/usage
    each: {region: [eu, us]}
    query: {region: "{region}"}
    pages: none
    since: day
"#;
    let messages = run(definition, &server, None);
    let tickets: Vec<&Value> = records(&messages, "tickets")
        .iter()
        .map(|record| &record["id"])
        .collect();
    assert_eq!(tickets, [1, 2, 3]);
    let comments = records(&messages, "comments");
    assert_eq!(
        comments,
        [
            &json!({"id": 7, "text": "a", "ticket_id": 1}),
            &json!({"id": 7, "text": "b", "ticket_id": 3})
        ]
    );
    assert_eq!(records(&messages, "usage").len(), 2);
    assert_eq!(
        schema(&messages, "comments")["properties"]["ticket_id"],
        json!({"type": "integer"})
    );
    assert_eq!(
        schema(&messages, "usage")["properties"]["day"],
        json!({"type": "string", "format": "date"})
    );
    let state = &messages.last().expect("a STATE")["value"];
    assert_eq!(
        state["bookmarks"]["tickets"]["replication_key_value"],
        "2026-01-03T00:00:00Z"
    );
    assert_eq!(
        state["bookmarks"]["usage"]["partitions"][1]["context"],
        json!({"region": "us"})
    );
}

#[test]
fn the_catalog_says_what_records_look_like_and_nothing_is_sampled() {
    let server = Replay::serve(json!([{"path": "/a", "body": [{"id": 1, "b": "x"}]}])).expect("serves");
    let definition = "url: '{url}'\nsettings: {url: {}}\nstreams:\n  a: {path: /a, key: id}\n";
    let settings = json!({"url": server.url()});
    let (code, catalog) = tap(definition, &settings, &["--discover"], "");
    assert_eq!((code, server.requests().len()), (0, 1));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.json");
    fs::write(&path, catalog).expect("writes");
    let (code, out) = tap(
        definition,
        &settings,
        &["--catalog", path.to_str().expect("UTF-8")],
        "",
    );
    assert!(code == 0 && out.contains(r#""record":{"id":1,"b":"x"}"#), "{out}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_bookmark_goes_where_the_definition_says() {
    let server = Replay::serve(json!([
        {"path": "/a?from=1767225600", "body": []},
        {"method": "POST", "path": "/graphql", "body": {"data": {"rows": []}}}
    ]))
    .expect("serves");
    let definition = r#"
url: "{url}"
settings: {url: {}}
streams:
  a:
    path: /a
    since: {field: at, query: from, format: epoch}
    schema: {type: object, properties: {at: {type: string, format: date-time}}}
  b:
    path: /graphql
    graphql: "query($after: String, $since: String) { rows(after: $after) { id } }"
    variables: {since: "{since:%Y-%m-%d}"}
    records: $.data.rows[*]
    pages: {cursor: $.data.next, variable: after}
    since: {field: at}
    schema: {type: object, properties: {at: {type: string, format: date-time}}}
"#;
    let bookmark = json!({"replication_key": "at", "replication_key_value": "2026-01-01T00:00:00Z"});
    run(
        definition,
        &server,
        Some(&json!({"bookmarks": {"a": bookmark, "b": bookmark}})),
    );
    let requests = server.requests();
    assert_eq!(requests[0].path, "/a?from=1767225600");
    let body: Value = serde_json::from_str(&requests[1].body).expect("JSON");
    assert_eq!(body["variables"], json!({"since": "2026-01-01"}));
    assert!(
        body["query"]
            .as_str()
            .is_some_and(|query| query.ends_with("{ rows(after: $after) { id } }")),
        "{body}"
    );
}

#[test]
fn a_graphql_answer_with_errors_is_a_failure() {
    let answer = json!({"data": null, "errors": [{"message": "no such field"}]});
    let server =
        Replay::serve(json!([{"method": "POST", "path": "/graphql", "body": answer}])).expect("serves");
    let definition = "url: '{url}'\nsettings: {url: {}}\n\
                      streams: {a: {path: /graphql, graphql: '{ a { id } }', schema: {type: object}}}\n";
    let (code, out) = tap(definition, &json!({"url": server.url()}), &[], "");
    assert_eq!(code, 69, "{out}");
}

#[test]
fn what_is_in_an_answer_says_what_is_done() {
    let busy = json!({"errors": [{"message": "later", "extensions": {"code": "THROTTLED"}}]});
    let gone = json!({"errors": [{"message": "no such list", "extensions": {"code": "GONE"}}]});
    let server = Replay::serve(json!([
        {"method": "POST", "path": "/graphql", "headers": {"Retry-After": "0"}, "body": busy},
        {"method": "POST", "path": "/graphql", "body": {"data": {"rows": [{"id": 1}]}}},
        {"method": "POST", "path": "/gone", "body": gone}
    ]))
    .expect("serves");
    let stream = |path: &str| {
        format!(
            "{{path: {path}, graphql: '{{ rows {{ id }} }}', records: '$.data.rows[*]', schema: {{type: object}}, errors: \
             {{\"$.errors[?@.extensions.code=='THROTTLED']\": wait, \"$.errors[?@.extensions.code=='GONE']\": skip}}}}"
        )
    };
    let (a, b) = (stream("/graphql"), stream("/gone"));
    let definition = format!("url: '{{url}}'\nsettings: {{url: {{}}}}\nstreams:\n  a: {a}\n  b: {b}\n");
    let messages = run(&definition, &server, None);
    assert_eq!(records(&messages, "a"), [&json!({"id": 1})]);
    assert_eq!(records(&messages, "b").len(), 0);
}

#[test]
fn settings_fill_texts_and_values_and_their_braces_are_no_placeholders() {
    let server = Replay::serve(json!([{"path": "/x%7By%7D?n=5", "body": []}])).expect("serves");
    let definition = "url: '{url}'\nsettings: {url: {}, name: {}, n: {default: 5}}\nauth: {header: {X-Key: 'k{name}'}}\n\
                      streams: {a: {path: '/{name}', query: {n: '{n}'}, schema: {type: object}}}\n";
    let settings = json!({"url": server.url(), "name": "x{y}"});
    let (code, out) = tap(definition, &settings, &[], "");
    assert_eq!(code, 0, "{out}");
    let request = server.requests().pop().expect("a request");
    assert_eq!(request.headers["x-key"], "kx{y}");
}

#[test]
fn mistakes_are_named_with_what_was_meant() {
    for (definition, says) in [
        ("strams: {a: /a}", "strams: unknown key; did you mean streams?"),
        (
            "streams: {a: {paht: /a}}",
            "streams.a.paht: unknown key; did you mean path?",
        ),
        (
            "streams: {a: {path: 5}}",
            "streams.a.path: expected a text, found a whole number",
        ),
        ("streams: {a: [x]}", "streams.a: expected an object, found a list"),
        (
            "streams: {a: {path: /a, state: shred}}",
            "expected one of each, shared, found shred; did you mean shared?",
        ),
        (
            "pages: {nxt_url: $.a}",
            "pages.nxt_url: unknown key; did you mean next_url?",
        ),
        ("pages: link_heder", "did you mean link_header?"),
        (
            "auth: {bearr: x}",
            "auth.bearr: unknown key; did you mean bearer?",
        ),
        (
            "auth: {oauth2: client_credential}",
            "did you mean client_credentials?",
        ),
        (
            "limits: {per_seconds: 5}",
            "limits.per_seconds: unknown key; did you mean per_second?",
        ),
        (
            "settings: {a: {requird: true}}",
            "settings.a.requird: unknown key; did you mean required?",
        ),
        (
            "settings: {a: {required: true}}",
            "settings.a: required, but not given",
        ),
        ("streams: {}", "streams: there is none"),
        ("url: [", "the definition"),
    ] {
        let error = error(definition);
        assert!(error.contains(says), "{definition}: {error}");
    }
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_read() {
    for definition in [
        "auth: {bearer: x, basic: {user: y}}",
        "auth: {}",
        "auth: {oauth2: password, token_url: /t, id: x}",
        "auth: {bearer: '{token}'}",
        "pages: {cursor: $.next}",
        "pages: {number: page, offset: offset}",
        "pages: {next_url: $.next, query: page}",
        "pages: {cursor: $..next, query: page}",
        "pages: {number: page, size_query: n}",
        "limits: {max_wait: soon}",
        "streams: {a: {path: /a, parent: b}}",
        "streams: {a: {path: /a, parent: a}}",
        "streams: {a: /a, b: {path: /b, parent: a}}",
        "streams: {a: {path: '/{parent.id}'}}",
        "streams: {a: {path: '/{x}'}}",
        "streams: {a: {path: /a, errors: {4O4: skip}}}",
        "streams: {a: {path: /a, errors: {404: ignore}}}",
        "streams: {a: {path: /a, errors: {'$..a': skip}}}",
        "streams: {a: {path: /a, json: {}, form: {x: y}}}",
        "streams: {a: {path: /a, each: {x: y}}}",
        "streams: {a: {method: GET}}",
    ] {
        assert_eq!(error(definition), "", "{definition}");
    }
}

/// The helpdesk of the page, on a server of its own: what there is of the first window is sampled, and then read.
#[test]
fn the_first_definition_of_the_page_is_read() {
    let page = include_str!("../../../../docs/tap-rest.md");
    let definition = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let definition = definition
        .expect("a definition")
        .replace("https://{site}.helpdesk.example/v2", "\"{site}/v2\"")
        .replace("per_second: 5", "per_second: 500");
    let ticket = json!({"id": 1, "updated_at": "2026-01-01T00:00:00Z"});
    let graph = json!({"data": {"invoices": {"nodes": [{"id": 9}], "pageInfo": {"endCursor": "c", "hasNextPage": false}}}});
    let server = Replay::serve(json!([
        {"method": "POST", "path": "/v2/oauth/token", "body": {"access_token": "t0ken-value", "expires_in": 3600}},
        {"path": "/v2/agents", "body": [{"id": 5}]},
        {"path": "/v2/tickets?include=tags&per_page=100", "body": {"tickets": [ticket], "links": {"next": null}}},
        {"path": "/v2/tickets/1/comments?per_page=50&page=1", "body": [{"id": 7}]},
        {"path": "/v2/reports/usage?region=eu&from=2026-01-01&to=2026-01-31", "body": "day,count\n2026-01-02,5\n"},
        {"path": "/v2/reports/usage?region=eu&from=2026-01-01&to=2026-01-31", "body": "day,count\n2026-01-02,5\n"},
        {"path": "/v2/reports/usage?region=****&from=****&to=****", "body": "day,count\n"},
        {"method": "POST", "path": "/v2/graphql", "body": graph}
    ]))
    .expect("serves");
    let settings = json!({"site": server.url(), "client_id": "me", "client_secret": "s3cr3t-value"});
    let (code, out) = tap(&definition, &settings, &[], "");
    assert_eq!(code, 0, "{out}");
    let messages: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for (stream, record) in [
        ("agents", json!({"id": 5})),
        ("tickets", ticket),
        ("comments", json!({"id": 7, "ticket_id": 1})),
        (
            "usage",
            json!({"day": "2026-01-02", "count": "5", "region": "eu"}),
        ),
        ("invoices", json!({"id": 9})),
    ] {
        assert_eq!(records(&messages, stream), [&record], "{stream}");
    }
}

/// The other definitions of the page, with an address where no server is: they are what they should be, but not read.
#[test]
fn every_definition_of_the_page_is_one() {
    let page = include_str!("../../../../docs/tap-rest.md");
    let definitions = page
        .split("```yaml\n")
        .skip(2)
        .filter_map(|rest| rest.split("```").next());
    let mut count = 0;
    for definition in definitions {
        count += 1;
        let definition = definition.replace("https://api.example.com", "http://127.0.0.1:1");
        let definition = format!("limits: {{tries: 1}}\n{definition}");
        let settings = if definition.contains("{password}") {
            json!({"user": "me", "password": "p4ssword-value"})
        } else {
            json!({})
        };
        // No server answers: 75, where a mistake in the definition would be 78.
        let (code, out) = tap(&definition, &settings, &[], "");
        assert_eq!(code, 75, "{definition}: {out}");
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn the_schema_for_editors_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/definition.schema.json");
    let made = serde_json::to_string_pretty(&Definition::schema()).expect("JSON") + "\n";
    if std::env::var_os("MELISMA_WRITE_SCHEMA").is_some() {
        fs::write(path, &made).expect("writes");
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == made,
        "write it anew: MELISMA_WRITE_SCHEMA=1 cargo test -p tap-rest editors"
    );
}
