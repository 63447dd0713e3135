//! The settings of tap-rest-api-msdk: each works, or is refused by its name with what to do instead.

use std::fs;
use std::io;

use melisma_sdk::http::Replay;
use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::tap::run_tap_on;
use serde_json::{Value, json};
use tap_rest::TapRest;

/// Runs the tap; returns its exit code and the queries of its requests.
fn run(config: &Value) -> (u8, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    fs::write(&path, config.to_string()).expect("writes");
    let args = ["tap-rest".into(), "--config".into(), path.into_os_string()];
    let mut out = Vec::new();
    let package = Package {
        name: "tap-rest",
        version: "1.2.3",
    };
    let code = run_tap_on::<TapRest>(package, args, Io::buffers(io::empty(), &mut out));
    (code, String::from_utf8(out).expect("UTF-8"))
}

fn with(settings: &[(&str, Value)]) -> Value {
    let mut config = json!({"api_url": "http://127.0.0.1:1", "streams": [{"name": "a", "path": "/a"}]});
    for (name, value) in settings {
        config[*name] = value.clone();
    }
    config
}

#[test]
fn what_does_not_work_is_refused() {
    for settings in [
        &[("streams", json!([]))][..],
        &[(
            "definition",
            json!({"url": "http://127.0.0.1:1", "streams": {"a": "/a"}}),
        )],
        &[("auth_method", json!("aws"))],
        &[("aws_credentials", json!({"aws_region": "x"}))],
        &[("auth_method", json!("kerberos"))],
        &[("auth_method", json!("bearer_token"))],
        &[("auth_method", json!("api_key"))],
        &[("auth_method", json!("oauth"))],
        &[
            ("auth_method", json!("oauth")),
            ("access_token_url", json!("/t")),
            ("grant_type", json!("implicit")),
        ],
        &[("backoff_type", json!("message"))],
        &[("pagination_results_limit", json!(10))],
        &[("pagination_request_style", json!("hateoas_paginator"))],
        &[("pagination_request_style", json!("header_link_paginator"))],
        &[("pagination_request_style", json!("guess"))],
        &[("pagination_response_style", json!("guess"))],
        &[
            ("pagination_request_style", json!("page_number_paginator")),
            ("pagination_response_style", json!("offset")),
        ],
        &[("pagination_request_style", json!("restapi_header_link_paginator"))],
        &[("records_path", json!("$.a.`split(?, 1, 1)`"))],
        &[
            ("replication_key", json!("at")),
            ("source_search_query", json!("gt$last_run_date")),
        ],
        &[
            ("replication_key", json!("at")),
            ("source_search_field", json!("q")),
        ],
        &[("streams", json!([{"name": "a"}, {"name": "a"}]))],
        &[("streams", json!([{"name": "a", "schema": 7}]))],
        &[("stream_maps", json!({"a": {"b": null}}))],
    ] {
        let (code, _) = run(&with(settings));
        assert_eq!(code, 78, "{settings:?}");
    }
}

#[test]
fn a_stream_goes_before_the_top_level_and_both_have_parameters_and_headers() {
    let server = Replay::serve(json!([
        {"path": "/v1/own?a=1&b=own&c=3", "body": {"rows": [{"id": 1}]}}
    ]))
    .expect("serves");
    let config = json!({
        "api_url": format!("{}/v1", server.url()), "path": "/top", "params": {"a": 1, "b": "top"}, "headers": {"X-Top": "t"},
        "records_path": "$.none[*]", "user_agent": "us", "streams": [{
            "name": "own", "path": "/own", "params": {"b": "own", "c": 3}, "headers": {"X-Own": "o"}, "records_path": "$.rows[*]"
        }]
    });
    let (code, out) = run(&config);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains(r#""record":{"id":1}"#), "{out}");
}
