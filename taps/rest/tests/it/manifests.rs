//! The components of manifests: the table in the documentation, and what is said of those that are not taken.

use melisma_sdk::{Context, Tap};
use serde_json::{Value, json};
use tap_rest::{COMPONENTS, Config, Fate, MEMBERS, TapRest};

/// Why the only stream of a manifest is refused; empty when it is not.
fn refused(stream: &Value) -> String {
    let manifest = json!({"type": "DeclarativeSource", "streams": [stream]});
    let config: Config = serde_json::from_value(json!({"manifest": manifest})).expect("a config");
    let tap = TapRest::open(config, &Context::default()).expect("opens");
    tap.refused()
        .first()
        .map(|refused| refused.why().to_owned())
        .unwrap_or_default()
}

fn stream() -> Value {
    json!({
        "type": "DeclarativeStream", "name": "a", "retriever": {
            "type": "SimpleRetriever",
            "requester": {"type": "HttpRequester", "url_base": "http://127.0.0.1:1", "path": "/a"},
            "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}}
        },
        "schema_loader": {"type": "InlineSchemaLoader", "schema": {"type": "object", "properties": {}}}
    })
}

#[test]
fn the_table_says_what_becomes_of_each_component() {
    let page = include_str!("../../../../docs/tap-rest-manifests.md");
    for (name, fate) in COMPONENTS {
        let word = match fate {
            Fate::Taken => "taken",
            Fate::Ignored => "ignored",
            Fate::Refused => "refused",
        };
        let line = page
            .lines()
            .find(|line| line.starts_with(&format!("| {word} |")) && line.contains(&format!("`{name}`")));
        assert!(line.is_some(), "docs/tap-rest-manifests.md: {name} is {word}");
    }
    for (component, member) in MEMBERS {
        assert!(
            page.contains(&format!("`{component}.{member}`")),
            "{component}.{member}"
        );
    }
}

#[test]
fn what_is_refused_is_named_with_its_place() {
    assert_eq!(refused(&stream()), "");
    for (name, _) in COMPONENTS.iter().filter(|(_, fate)| *fate == Fate::Refused) {
        let mut wrong = stream();
        wrong["retriever"]["type"] = (*name).into();
        let why = refused(&wrong);
        assert!(
            why.contains("streams[0].retriever") && why.contains(name),
            "{name}: {why}"
        );
    }
    for (place, part, said) in [
        (
            "/retriever/requester",
            "authenticator",
            json!({"type": "JwtAuthenticator"}),
        ),
        (
            "/retriever",
            "partition_router",
            json!([{"type": "GroupingPartitionRouter"}]),
        ),
        ("/retriever", "decoder", json!({"type": "XmlDecoder"})),
        (
            "/retriever",
            "pagination_reset",
            json!({"type": "PaginationReset"}),
        ),
        (
            "/retriever/requester",
            "request_parameters",
            json!({"fields": {"type": "QueryProperties"}}),
        ),
        ("/retriever/requester", "path", json!("{{ stream_state['x'] }}")),
        ("/retriever/requester", "path", json!("{{ config['x'] | nope }}")),
        (
            "/retriever/record_selector",
            "schema_normalization",
            json!({"type": "CustomSchemaNormalization", "class_name": "a.B"}),
        ),
        (
            "",
            "transformations",
            json!([{"type": "CustomTransformation", "class_name": "a.B"}]),
        ),
        ("", "incremental_sync", json!({"type": "IncrementingCountCursor"})),
        ("", "primary_key", json!([["a", "b"]])),
    ] {
        let mut wrong = stream();
        wrong.pointer_mut(place).expect("a place")[part] = said.clone();
        let why = refused(&wrong);
        let place = format!("streams[0]{}.{part}", place.replace('/', "."));
        assert!(why.starts_with(&place), "{said}: {why}");
    }
}
