//! What is done with records: which are kept, which properties, by which names.

use melisma_sdk::http::Replay;
use serde_json::json;

use crate::harness::{records, run, schema, tap};

const HEAD: &str = "url: '{url}'\nsettings: {url: {}, least: {default: 2}}\nstreams:\n";

fn serve() -> Replay {
    Replay::serve(json!([
        {"path": "/a", "body": [
            {"id": 1, "status": "open", "amount": 5, "owner": {"id": 7}, "secret": "x"},
            {"id": 2, "status": "closed", "amount": 2.5, "owner": null, "secret": "y"},
            {"id": 3, "status": "open", "amount": 1, "owner": {"id": 8}, "secret": "z"}
        ]},
        {"path": "/a/1/b", "body": [{"n": 1}]},
        {"path": "/a/3/b", "body": [{"n": 3}]}
    ]))
    .expect("serves")
}

#[test]
fn records_are_kept_by_conditions_and_their_properties_selected_and_renamed() {
    let definition = format!(
        "{HEAD}  a:\n    path: /a\n    key: ticket\n    where: {{status: [open, closed], amount: {{ge: '{{least}}'}}}}\n    \
         select: [id, amount]\n    rename: {{id: ticket}}\n    add: {{source: api}}\n"
    );
    let messages = run(&definition, &serve(), None);
    assert_eq!(
        records(&messages, "a"),
        [
            &json!({"ticket": 1, "amount": 5, "source": "api"}),
            &json!({"ticket": 2, "amount": 2.5, "source": "api"})
        ]
    );
    let properties = &schema(&messages, "a")["properties"];
    assert_eq!(properties["ticket"], json!({"type": "integer"}));
    assert!(
        properties.get("secret").is_none() && properties.get("id").is_none(),
        "{properties}"
    );
}

#[test]
fn records_that_are_left_out_have_no_children() {
    let definition = format!(
        "{HEAD}  a: {{path: /a, where: {{owner.id: {{ne: null}}}}, select: [amount]}}\n  \
         b: {{parent: a, path: '/a/{{parent.id}}/b'}}\n"
    );
    let server = serve();
    let messages = run(&definition, &server, None);
    assert_eq!(
        records(&messages, "a"),
        [&json!({"amount": 5}), &json!({"amount": 1})]
    );
    assert_eq!(records(&messages, "b"), [&json!({"n": 1}), &json!({"n": 3})]);
    assert!(server.requests().iter().all(|request| request.path != "/a/2/b"));
}

#[test]
fn every_comparison_compares() {
    for (condition, ids) in [
        ("status: open", &[1, 3][..]),
        ("status: [closed]", &[2]),
        ("owner: null", &[2]),
        ("amount: {gt: 2.5}", &[1]),
        ("amount: {lt: 2.5}", &[3]),
        ("amount: {le: 2.5}", &[2, 3]),
        ("amount: {ge: 1, lt: 5}", &[2, 3]),
        ("status: {eq: open}", &[1, 3]),
        ("status: {ne: open}", &[2]),
        ("id: {in: [1, 2]}", &[1, 2]),
        ("id: {not_in: [1, 2]}", &[3]),
        ("secret: {ge: y}", &[2, 3]),
    ] {
        let definition = format!("{HEAD}  a: {{path: /a, where: {{{condition}}}}}\n");
        let messages = run(&definition, &serve(), None);
        let found: Vec<i64> = records(&messages, "a")
            .iter()
            .filter_map(|record| record["id"].as_i64())
            .collect();
        assert_eq!(found, ids, "{condition}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for stream in [
        "select: []",
        "select: [id], rename: {amount: x}",
        "select: [id, amount], rename: {id: amount}",
        "rename: {id: x, amount: x}",
        "rename: {id: 5}",
        "where: {amount: {}}",
        "where: {amount: {grater: 5}}",
        "where: {amount: '{most}'}",
        "where: [amount]",
    ] {
        let definition = format!("{HEAD}  a: {{path: /a, schema: {{type: object}}, {stream}}}\n");
        let server = serve();
        let (code, out) = tap(&definition, &json!({"url": server.url()}), &[], "");
        assert_eq!((code, server.requests().len()), (78, 0), "{stream}: {out}");
    }
}
