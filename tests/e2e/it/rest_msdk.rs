//! The settings of tap-rest-api-msdk, run by that tap and by tap-rest, which are to write the same records.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::harness::{melisma, python, run, script};

/// The APIs of `msdk_server.py`, as a process that ends with the test.
struct Server {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let mut server = script("python", "msdk_server.py");
        let mut process = server.stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut port = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut port).expect("a port");
        Self {
            process,
            url: format!("http://127.0.0.1:{}", port.trim()),
            folder: TempDir::new().expect("a folder"),
        }
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.folder.path().join(name), value.to_string()).expect("written");
    }

    fn run(&self, mut tap: Command, state: Option<&Value>) -> Written {
        tap.current_dir(self.folder.path())
            .args(["--config", "config.json"]);
        if let Some(state) = state {
            self.write("state.json", state);
            tap.args(["--state", "state.json"]);
        }
        Written::of(&run(&mut tap, b"").ok().stdout)
    }

    /// Runs both taps twice, the second time from the state of the first; compares records, states and schemas.
    fn compare(&self, mut config: Value, first: usize, second: usize) {
        config["api_url"] = self.url.clone().into();
        self.write("config.json", &config);
        let ours = || {
            let mut command = Command::new(melisma());
            command.arg("tap-rest");
            command
        };
        let theirs = || Command::new(python("python-msdk").with_file_name("tap-rest-api-msdk"));
        let (one, other) = (self.run(ours(), None), self.run(theirs(), None));
        assert_eq!(one.records.len(), first, "{config}");
        assert_eq!(one.records, other.records, "{config}");
        assert_eq!(one.state, other.state, "{config}");
        assert_eq!(one.types(), other.types(), "{config}");
        let again = self.run(ours(), Some(&one.state));
        assert_eq!(again.records.len(), second, "{config}");
        assert_eq!(
            again.records,
            self.run(theirs(), Some(&other.state)).records,
            "{config}"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Default)]
struct Written {
    records: Vec<(Value, Value)>,
    schemas: Map<String, Value>,
    state: Value,
}

impl Written {
    fn of(stdout: &[u8]) -> Self {
        let mut written = Self::default();
        for line in String::from_utf8_lossy(stdout).lines() {
            let message: Value = serde_json::from_str(line).expect("JSON");
            let stream = message["stream"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str() {
                Some("RECORD") => written.records.push((stream.into(), message["record"].clone())),
                Some("SCHEMA") => {
                    written.schemas.insert(stream, message["schema"].clone());
                }
                Some("STATE") => written.state = message["value"].clone(),
                _ => {}
            }
        }
        // Which stream comes first differs.
        written
            .records
            .sort_by(|one, other| one.0.as_str().cmp(&other.0.as_str()));
        written
    }

    /// The types of all properties, but for null: tap-rest says that all but keys may be null, where the other tap takes what
    /// its sample has for all that there is.
    fn types(&self) -> Vec<(String, String, Vec<String>)> {
        let mut types = Vec::new();
        for (stream, schema) in &self.schemas {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let branches = property["anyOf"].as_array();
                let all = branches.map_or_else(|| vec![property], |branches| branches.iter().collect());
                let words = all.iter().flat_map(|one| match &one["type"] {
                    Value::Array(words) => words.clone(),
                    word => vec![word.clone()],
                });
                let words = words.filter_map(|word| word.as_str().map(str::to_owned));
                let mut words: Vec<String> = words.filter(|word| word != "null").collect();
                words.sort();
                words.extend(all[0]["format"].as_str().map(str::to_owned));
                types.push((stream.clone(), name.clone(), words));
            }
        }
        types.sort();
        types
    }
}

#[test]
fn orders_by_offset_with_a_schema_in_a_file() {
    let server = Server::start();
    let schema = json!({"type": "object", "properties": {
        "Id": {"type": ["integer", "null"]}, "Modified": {"type": ["string", "null"], "format": "date-time"},
        "Customer_Name": {"type": ["string", "null"]}, "Customer_Address_City_Code": {"type": ["integer", "null"]},
        "Customer_Address_Street_No": {"type": ["number", "null"]}, "Lines": {"type": ["string", "null"]},
        "Note": {"type": ["string", "null"]}
    }});
    server.write("orders.json", &schema);
    let config = json!({
        "auth_method": "basic", "username": "me", "password": "s3cr3t-{word}",
        "pagination_request_style": "simple_offset_paginator", "pagination_response_style": "offset",
        "pagination_initial_offset": 0, "pagination_page_size": 10, "offset_records_jsonpath": "$.data",
        "streams": [{
            "name": "orders", "path": "/Orders", "primary_keys": ["Id"], "replication_key": "Modified",
            "records_path": "$.data[*]", "schema": "orders.json"
        }]
    });
    server.compare(config, 25, 25);
}

#[test]
fn clients_by_number_with_a_wait_in_a_header() {
    let config = json!({
        "auth_method": "bearer_token", "bearer_token": "t0ken", "pagination_request_style": "page_number_paginator",
        "next_page_token_path": "$.page", "backoff_type": "header", "backoff_param": "X-Wait", "backoff_time_extension": 1,
        "streams": [{
            "name": "clients", "path": "/v1/clients", "primary_keys": ["id"], "records_path": "$.items[*]",
            "params": {"per_page": 3}
        }]
    });
    Server::start().compare(config, 7, 7);
}

#[test]
fn several_streams_of_one_answer() {
    let config = json!({
        "headers": {"x-key": "K"}, "params": {"date": "2026-01-31"}, "store_raw_json_message": true, "streams": [
            {"name": "areas", "path": "/api", "primary_keys": ["code", "day"], "records_path": "$.data[*]"},
            {"name": "sites", "path": "/api", "records_path": "$.data[*].children[*]"},
            {"name": "open", "path": "/api", "records_path": "$.data[?(@.open==true)]", "except_keys": ["open"]},
            {"name": "info", "path": "/api", "records_path": "$.info"},
            {"name": "status", "path": "/status", "records_path": "$", "params": {"q": "{x}", "e": "é &"}}
        ]
    });
    Server::start().compare(config, 12, 12);
}

#[test]
fn patients_by_links_and_a_search_for_what_is_new() {
    let config = json!({
        "pagination_response_style": "hateoas_body", "next_page_token_path": "$.link[?relation='next'].url",
        "start_date": "2026-01-01T01:00:00Z", "streams": [{
            "name": "patients", "path": "/Patient", "primary_keys": ["id"], "records_path": "$.entry[*].resource",
            "params": {"_count": "2"}, "replication_key": "meta_lastUpdated", "source_search_field": "_lastUpdated",
            "source_search_query": "gt$last_run_date"
        }]
    });
    Server::start().compare(config, 3, 0);
}

#[test]
fn events_by_token_with_oauth() {
    let server = Server::start();
    let config = json!({
        "headers": {"X-Tenant": "acme"}, "auth_method": "oauth", "grant_type": "client_credentials", "client_id": "me",
        "client_secret": "s3cr3t", "scope": "read", "access_token_url": format!("{}/token", server.url),
        "next_page_token_path": "$.paging.next", "pagination_next_page_param": "cursor",
        "start_date": "2026-01-01T05:00:00Z", "streams": [{
            "name": "events", "path": "/events", "primary_keys": ["id"], "records_path": "$.results[*]",
            "replication_key": "at", "source_search_field": "since", "source_search_query": "after $last_run_date"
        }]
    });
    server.compare(config, 35, 1);
}

#[test]
fn a_search_in_the_body_with_a_total() {
    let schema = json!({"type": "object", "properties": {
        "id": {"type": ["integer", "null"]}, "at": {"type": ["string", "null"], "format": "date-time"},
        "kind_code": {"type": ["boolean", "null"]}
    }});
    let config = json!({
        "use_request_body_not_params": true, "pagination_request_style": "offset_paginator",
        "pagination_response_style": "style1", "pagination_page_size": 9, "pagination_next_page_param": "from",
        "pagination_limit_per_page_param": "size", "next_page_token_path": "$.hits.page",
        "start_date": "2026-01-01T03:00:00Z", "streams": [{
            "name": "search", "path": "/search", "records_path": "$.hits.hits[*]", "schema": schema,
            "replication_key": "at", "source_search_field": "query",
            "source_search_query": "{\"range\": {\"at\": {\"gte\": \"$last_run_date\"}}}"
        }]
    });
    Server::start().compare(config, 37, 1);
}

#[test]
fn repositories_by_links_in_a_header_with_a_key() {
    let config = json!({
        "auth_method": "api_key", "api_keys": {"X-Key": "k3y-value"},
        "pagination_request_style": "restapi_header_link_paginator", "pagination_response_style": "header_link",
        "pagination_page_size": 2, "streams": [{"name": "repos", "path": "/repos", "primary_keys": ["id"]}]
    });
    Server::start().compare(config.clone(), 9, 9);
    let mut limited = config;
    limited["pagination_results_limit"] = 3.into();
    Server::start().compare(limited, 4, 4);
}
