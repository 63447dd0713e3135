//! Answers that are no JSON.

use melisma_sdk::http::Replay;
use serde_json::{Value, json};

use crate::harness::{records, run, schema, tap};

fn serve(body: &str) -> Replay {
    Replay::serve(json!([{"path": "/a", "headers": {"Content-Type": "text/plain"}, "body": body}]))
        .expect("serves")
}

fn definition(stream: &str) -> String {
    format!("url: '{{url}}'\nsettings: {{url: {{}}}}\nstreams:\n  a: {{path: /a, key: id, {stream}}}\n")
}

/// Runs a stream that ends with an error; returns its exit code.
fn fails(stream: &str, body: &str) -> u8 {
    let server = serve(body);
    let (code, out) = tap(&definition(stream), &json!({"url": server.url()}), &[], "");
    assert!(!out.contains("\"RECORD\""), "{out}");
    code
}

#[test]
fn csv_with_a_schema_has_its_types_and_without_one_texts() {
    let body = "id,name,amount,open\n1,\"a, b\",1.5,true\n2,,,\n";
    let typed = "schema: {type: object, properties: {id: {type: integer}, name: {type: string}, \
                 amount: {type: [number, 'null']}, open: {type: [boolean, 'null']}}}";
    let messages = run(&definition(&format!("format: csv, {typed}")), &serve(body), None);
    assert_eq!(
        records(&messages, "a"),
        [
            &json!({"id": 1, "name": "a, b", "amount": 1.5, "open": true}),
            &json!({"id": 2, "name": "", "amount": null, "open": null})
        ]
    );
    let messages = run(&definition("format: csv"), &serve(body), None);
    assert_eq!(records(&messages, "a")[0]["id"], "1");
    assert_eq!(
        schema(&messages, "a")["properties"]["amount"],
        json!({"type": ["string", "null"]})
    );
}

#[test]
fn csv_may_have_its_own_letters_and_names() {
    let format = "format: {csv: {delimiter: ';', quote: \"'\", columns: [id, x], nulls: ['-']}}";
    let messages = run(&definition(format), &serve("1;'a;b'\n2;-\n"), None);
    assert_eq!(
        records(&messages, "a"),
        [&json!({"id": "1", "x": "a;b"}), &json!({"id": "2", "x": null})]
    );
}

#[test]
fn json_lines_are_records() {
    let body = "{\"id\":1,\"x\":[1]}\n\n{\"id\":2,\"x\":[]}\n";
    let messages = run(&definition("format: jsonl"), &serve(body), None);
    assert_eq!(
        records(&messages, "a"),
        [&json!({"id": 1, "x": [1]}), &json!({"id": 2, "x": []})]
    );
    let nested = definition("format: jsonl, records: '$[*].rows[*]'");
    let messages = run(
        &nested,
        &serve("{\"rows\":[{\"id\":1},{\"id\":2}]}\n{\"rows\":[]}"),
        None,
    );
    assert_eq!(records(&messages, "a").len(), 2);
}

#[test]
fn xml_has_one_or_several_elements_of_a_name() {
    let stream = "format: xml, records: '$.feed.entry[*]', schema: {type: object, properties: {id: {type: integer}, \
                  '@lang': {type: string}, tag: {type: array, items: {type: string}}, author: {type: object, \
                  properties: {name: {type: string}, age: {type: integer}}}}}";
    let one = "<?xml version='1.0'?><feed><entry lang='en'><id>1</id><tag>a</tag>\
               <author><name>N &amp; M</name><age>7</age></author></entry></feed>";
    let messages = run(&definition(stream), &serve(one), None);
    let author = json!({"name": "N & M", "age": 7});
    assert_eq!(
        records(&messages, "a"),
        [&json!({"@lang": "en", "id": 1, "tag": ["a"], "author": author})]
    );
    let two = "<feed><entry><id>1</id><tag>a</tag><tag>b</tag></entry><entry><id>2</id></entry></feed>";
    let messages = run(&definition(stream), &serve(two), None);
    assert_eq!(
        records(&messages, "a"),
        [&json!({"id": 1, "tag": ["a", "b"]}), &json!({"id": 2})]
    );
    assert_eq!(
        records(&run(&definition(stream), &serve("<feed/>"), None), "a").len(),
        0
    );
}

#[test]
fn answers_in_another_format_end_the_run() {
    for (stream, body) in [
        (
            "format: csv, schema: {type: object, properties: {id: {}}}",
            "id,a\n1\n",
        ),
        (
            "format: jsonl, schema: {type: object, properties: {id: {}}}",
            "{\"id\":1}\n{\"id\":",
        ),
        (
            "format: xml, records: $.r, schema: {type: object, properties: {id: {}}}",
            "{\"id\":1}",
        ),
        (
            "schema: {type: object, properties: {id: {}}}",
            "<!DOCTYPE html><html></html>",
        ),
        (
            "format: csv, schema: {type: object, properties: {id: {type: integer}}}",
            "id\nseven\n",
        ),
    ] {
        assert_eq!(fails(stream, body), 65, "{stream}");
    }
}

#[test]
fn formats_that_cannot_be_are_refused() {
    for stream in [
        "format: yaml",
        "format: {csv: {delimiter: ';;'}}",
        "format: {csv: {delimiter: ';', quote: ';'}}",
        "format: {csv: {columns: [a, a]}}",
        "format: {csv: {encoding: utf-99}}",
        "format: {cvs: {}}",
        "format: {csv: {delimeter: ';'}}",
    ] {
        assert_eq!(
            fails(&format!("{stream}, schema: {{type: object}}"), ""),
            78,
            "{stream}"
        );
    }
}

/// What a record is read from is no part of what a bookmark and a parent are.
#[test]
fn csv_has_bookmarks_and_parents() {
    let server = Replay::serve(json!([
        {"path": "/parents", "body": "id,at\n7,2026-01-01\n"},
        {"path": "/parents/7/a", "body": "{\"id\":1}\n"}
    ]))
    .expect("serves");
    let definition = "url: '{url}'\nsettings: {url: {}}\nstreams:\n  parents: {path: /parents, format: csv, since: at}\n  \
                      a: {parent: parents, path: '/parents/{parent.id}/a', format: jsonl}\n";
    let messages = run(definition, &server, None);
    assert_eq!(records(&messages, "a"), [&json!({"id": 1})]);
    let state: &Value = &messages.last().expect("a STATE")["value"]["bookmarks"]["parents"];
    assert_eq!(state["replication_key_value"], "2026-01-01");
}
