//! tap-rest, against a server that writes down what it is asked.

mod server;

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use self::server::Server;
use super::{Probe, Subject, every_setting_does_something, observe, over, probe, tested};
use crate::harness::{melisma, run};

/// A tap on a new server.
struct Rest;

impl Subject for Rest {
    fn observe(&self, config: &Value, _: Option<&str>) -> String {
        let server = Server::start();
        let folder = TempDir::new().expect("a folder");
        let name = folder.path().display().to_string();
        let config = config
            .to_string()
            .replace("FOLDER", &name)
            .replace("URL", &server.url);
        let path = folder.path().join("config.json");
        std::fs::write(&path, config).expect("written");
        let mut command = Command::new(melisma());
        command.args(["tap-rest", "--config"]).arg(&path);
        let seen = observe::outcome(&run(&mut command, b""), &[&name, &server.url]);
        std::fs::remove_file(path).expect("it is there");
        seen + &server.requests() + &observe::files(folder.path())
    }
}

/// A config of tap-rest-api-msdk with one stream that has this, too.
fn stream(more: &Value) -> Value {
    let stream = over(
        &json!({"name": "a", "path": "/a", "records_path": "$.rows[*]"}),
        more,
    );
    json!({"api_url": "URL", "streams": [stream]})
}

/// Without what the base has.
fn alone(more: &Value) -> Value {
    over(&json!({"api_url": null, "streams": null}), more)
}

/// Credentials for a grant.
fn oauth(grant: &str, more: &Value) -> Value {
    let usual = json!({
        "auth_method": "oauth", "grant_type": grant, "access_token_url": "URL/token", "client_id": "me",
        "client_secret": "s3cr3t-value", "refresh_token": "r3fresh-value", "username": "u", "password": "p4ssword-value"
    });
    over(&usual, more)
}

/// What says what the API is, and the settings around it.
fn of_the_tap() -> Vec<Probe> {
    let streams = json!({"a": {"path": "/a", "records": "$.rows[*]", "query": {"n": "{n}"}}});
    let asks = json!({"url": "URL", "settings": {"n": {}}, "streams": streams});
    let manifest = json!({"type": "DeclarativeSource", "version": "6.0.0", "check": {"type": "CheckStream", "stream_names": ["a"]},
        "streams": [{"type": "DeclarativeStream", "name": "a", "retriever": {"type": "SimpleRetriever",
            "requester": {"type": "HttpRequester", "url_base": "URL", "path": "/a"},
            "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["rows"]}}}}]});
    let search = json!({"replication_key": "at", "source_search_field": "since", "source_search_query": "$last_run_date"});
    vec![
        probe("definition", asks.clone()).given(alone(&json!({}))),
        probe("manifest", manifest).given(alone(&json!({}))),
        probe("api_url", "URL/v2"),
        probe("settings", json!({"n": 5})).given(alone(&json!({"definition": asks}))),
        probe("start_date", "2020-01-02T00:00:00Z").given(stream(&search)),
        probe("token_file", "FOLDER/token.json").given(oauth("refresh_token", &json!({}))),
        tested(
            "strict",
            "a_catalog_that_selects_nothing_is_an_error_in_a_strict_run_alone",
        ),
    ]
}

/// What streams have, and the top level for all of them. `at` is `streams[].` there, and empty here.
fn of_streams(at: &str) -> Vec<Probe> {
    let setting = |name: &str| -> &'static str { format!("{at}{name}").leak() };
    let with = |more: &Value| {
        // At the top level the stream must not have it itself.
        if at.is_empty() {
            let mut config = stream(&json!({"path": null, "records_path": null}));
            config["path"] = "/a".into();
            config["records_path"] = "$.rows[*]".into();
            over(&config, more)
        } else {
            stream(more)
        }
    };
    let pages = json!({"pagination_request_style": "simple_offset_paginator", "pagination_response_style": "offset",
        "pagination_page_size": 3});
    let key = json!({"replication_key": "at"});
    let query = over(&key, &json!({"source_search_query": "$last_run_date"}));
    let field = over(&key, &json!({"source_search_field": "since"}));
    vec![
        probe(setting("path"), "/b").given(with(&json!({}))),
        probe(setting("params"), json!({"q": 1})).given(with(&json!({}))),
        probe(setting("headers"), json!({"X-Own": "o"})).given(with(&json!({}))),
        probe(setting("records_path"), "$.list[*]").given(with(&json!({}))),
        probe(setting("primary_keys"), json!(["id"])).given(with(&json!({}))),
        probe(setting("replication_key"), "at").given(with(&json!({}))),
        probe(setting("except_keys"), json!(["o"])).given(with(&json!({}))),
        probe(setting("num_inference_records"), 1).given(with(&json!({}))),
        probe(setting("source_search_field"), "since").given(over(
            &with(&query),
            &json!({"start_date": "2020-01-01T00:00:00Z"}),
        )),
        probe(setting("source_search_query"), "gt$last_run_date").given(over(
            &with(&field),
            &json!({"start_date": "2020-01-01T00:00:00Z"}),
        )),
        probe(setting("offset_records_jsonpath"), "$.none").given(over(&with(&json!({})), &pages)),
    ]
}

fn of_one_stream() -> Vec<Probe> {
    let mut probes = of_streams("streams[].");
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    probes.extend([
        probe("streams[].name", "other").given(stream(&json!({}))),
        probe("streams[].schema", schema).given(stream(&json!({}))),
        probe("streams[].start_date", "2020-01-02").given(stream(&json!({}))),
        probe("streams[].replication_method", "FULL_TABLE").given(stream(&json!({}))),
        probe("streams[].paginator", "x").given(stream(&json!({}))),
    ]);
    probes
}

fn of_credentials() -> Vec<Probe> {
    let client = |more: &Value| oauth("client_credentials", more);
    let basic = json!({"auth_method": "basic", "username": "u", "password": "p4ssword-value"});
    let aside = over(&client(&json!({})), &stream(&json!({"path": "/busy"})));
    let late = over(
        &aside,
        &json!({"backoff_type": "header", "backoff_param": "X-Wait"}),
    );
    vec![
        probe("auth_method", "basic").given(json!({"username": "u", "password": "p4ssword-value"})),
        probe("api_keys", json!({"X-Key": "k3y-value"})).given(json!({"auth_method": "api_key"})),
        probe("username", "other").given(basic.clone()),
        probe("password", "0ther-value").given(basic),
        probe("bearer_token", "t0ken-value").given(json!({"auth_method": "bearer_token"})),
        probe("grant_type", "password").given(client(&json!({}))),
        probe("client_id", "other").given(client(&json!({}))),
        probe("client_secret", "0ther-value").given(client(&json!({}))),
        probe("refresh_token", "0ther-value").given(oauth("refresh_token", &json!({}))),
        probe("access_token_url", "URL/tokens").given(client(&json!({}))),
        probe("scope", "read").given(client(&json!({}))),
        probe("redirect_uri", "https://a.example").given(client(&json!({}))),
        probe("oauth_extras", json!({"audience": "x"})).given(client(&json!({}))),
        // The server wants a wait of a second, after which the token has expired.
        probe("oauth_expiration_secs", 1).given(late),
        probe("aws_credentials", json!({"aws_region": "x"})),
    ]
}

fn of_pages() -> Vec<Probe> {
    let offset = |more: &Value| {
        let usual = json!({"pagination_request_style": "simple_offset_paginator", "pagination_response_style": "offset"});
        over(&usual, more)
    };
    let total = json!({"pagination_request_style": "offset_paginator", "pagination_response_style": "offset",
        "pagination_page_size": 3, "next_page_token_path": "$.hits"});
    let linked = over(
        &stream(&json!({"path": "/linked"})),
        &json!({"pagination_request_style": "restapi_header_link_paginator", "pagination_response_style": "header_link",
            "pagination_page_size": 3}),
    );
    let busy = |more: &Value| over(&stream(&json!({"path": "/busy"})), more);
    let by_header = json!({"backoff_type": "header"});
    vec![
        probe("pagination_request_style", "page_number_paginator"),
        probe("pagination_response_style", "offset").given(json!({
            "pagination_request_style": "simple_offset_paginator", "pagination_page_size": 3
        })),
        probe("next_page_token_path", "$.more"),
        probe("pagination_page_size", 3).given(offset(&json!({}))),
        probe("pagination_next_page_param", "cursor").given(json!({"next_page_token_path": "$.more"})),
        probe("pagination_limit_per_page_param", "n").given(offset(&json!({"pagination_page_size": 3}))),
        probe("pagination_total_limit_param", "all").given(total),
        probe("pagination_initial_offset", 0)
            .given(json!({"pagination_request_style": "page_number_paginator"})),
        probe("pagination_results_limit", 3).given(linked),
        probe("use_request_body_not_params", true).given(stream(&json!({"params": {"q": 1}}))),
        probe("backoff_type", "header").given(busy(&json!({"backoff_param": "X-Wait"}))),
        probe("backoff_param", "X-Wait").given(busy(&by_header)),
        probe("backoff_time_extension", 1).given(busy(&by_header)),
        probe("store_raw_json_message", true),
        probe("user_agent", "mine"),
    ]
}

#[test]
fn every_setting_of_tap_rest_does_something() {
    let mut probes = of_the_tap();
    probes.extend(of_streams(""));
    probes.extend(of_one_stream());
    probes.extend(of_credentials());
    probes.extend(of_pages());
    every_setting_does_something("tap-rest", &stream(&json!({})), &Rest, &probes);
}
