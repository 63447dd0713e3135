use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Document, Step};

fn document(text: &str) -> Document {
    Document::parse(Path::new("meltano.yml"), text.to_owned()).expect("valid YAML")
}

fn path(text: &str) -> Vec<Step> {
    text.split('/')
        .map(|step| step.parse().map_or_else(|_| Step::from(step), Step::Item))
        .collect()
}

#[track_caller]
fn assert_set(before: &str, at: &str, value: &Value, after: &str) {
    let mut document = document(before);
    document.set(&path(at), value).expect("it can be edited");
    assert_eq!(document.text(), after);
}

#[track_caller]
fn assert_removed(before: &str, at: &str, after: &str) {
    let mut document = document(before);
    document.remove(&path(at), 0).expect("it can be edited");
    assert_eq!(document.text(), after);
}

const PLUGIN: &str = "\
# The project.
plugins:
  extractors:
  - name: tap-a     # by hand
    config:
      port: 5432    # the old one
      'host': \"db\"
    # about select
    select: [\"*.*\", '!a.b']   # all

  loaders:   # none
";

#[test]
fn a_value_is_replaced_and_its_comment_stays() {
    assert_set(
        PLUGIN,
        "plugins/extractors/0/config/port",
        &json!(5433),
        &PLUGIN.replace("5432 ", "5433 "),
    );
    assert_set(
        PLUGIN,
        "plugins/extractors/0/config/host",
        &json!("10"),
        &PLUGIN.replace("\"db\"", "\"10\""),
    );
}

#[test]
fn a_key_is_added_after_the_last_one() {
    assert_set(
        PLUGIN,
        "plugins/extractors/0/config/user",
        &json!("u"),
        &PLUGIN.replace("\"db\"\n", "\"db\"\n      user: u\n"),
    );
    assert_set(
        PLUGIN,
        "plugins/extractors/0/metadata/s/replication-method",
        &json!("FULL_TABLE"),
        &PLUGIN.replace(
            "# all\n",
            "# all\n    metadata:\n      s:\n        replication-method: FULL_TABLE\n",
        ),
    );
    assert_set("a: 1", "b", &json!([1, {"c": 2}]), "a: 1\nb:\n- 1\n- c: 2");
    assert_set("", "b", &json!({"c": "x"}), "b:\n  c: x\n");
    assert_set("# only a comment", "b", &json!(1), "# only a comment\nb: 1\n");
    assert_set("a:\n  - 1\n", "b", &json!([2]), "a:\n  - 1\nb:\n  - 2\n");
    assert_set("a: {}\n", "a/b/c", &json!(1), "a: {b: {c: 1}}\n");
    assert_set("a:\n", "a/b", &json!(1), "a:\n  b: 1\n");
    assert_set("a: # why\nz: 1\n", "a/b", &json!(1), "a:\n  b: 1 # why\nz: 1\n");
    assert_set("a: 1\r\nb: 2\r\n", "c", &json!(3), "a: 1\r\nb: 2\r\nc: 3\r\n");
}

#[test]
fn items_of_lists_are_added_replaced_and_removed() {
    assert_set(
        PLUGIN,
        "plugins/extractors/0/select/2",
        &json!("c, d"),
        &PLUGIN.replace("'!a.b']", "'!a.b', \"c, d\"]"),
    );
    assert_set(
        PLUGIN,
        "plugins/extractors/1",
        &json!({"name": "tap-b", "config": {"x": 1}}),
        &PLUGIN.replace("# all\n", "# all\n  - name: tap-b\n    config:\n      x: 1\n"),
    );
    assert_set(
        PLUGIN,
        "plugins/loaders/0/name",
        &json!("t"),
        &PLUGIN.replace("loaders:   # none", "loaders:\n  - name: t   # none"),
    );
    assert_removed(
        PLUGIN,
        "plugins/extractors/0/select/0",
        &PLUGIN.replace("[\"*.*\", ", "["),
    );
    assert_removed("a:\n- 1 # one\n- 2\n# end\n", "a/0", "a:\n- 2\n# end\n");
    assert_set(
        "a:\n- 1 # one\n- 2\n",
        "a/0",
        &json!({"b": 1}),
        "a:\n- b: 1 # one\n- 2\n",
    );
}

#[test]
fn a_key_is_removed_with_its_line_and_with_what_is_empty_then() {
    assert_removed(
        PLUGIN,
        "plugins/extractors/0/config/port",
        &PLUGIN.replace("      port: 5432    # the old one\n", ""),
    );
    let mut document = document("p:\n- name: a\n  config:\n    x: 1\n  env: {A: b}\n");
    document
        .remove(&path("p/0/config/x"), 2)
        .expect("it can be edited");
    document.remove(&path("p/0/env/A"), 2).expect("it can be edited");
    document.remove(&path("p/0/nothing"), 2).expect("nothing to do");
    assert_eq!(document.text(), "p:\n- name: a\n");
    document.remove(&path("p/0/name"), 2).expect("it can be edited");
    assert_eq!(document.text(), "p:\n- {}\n");
}

#[test]
fn multi_line_values_are_replaced_as_a_whole() {
    assert_set("a: |\n  x\n  y\n\nb: 1\n", "a", &json!("z"), "a: z\n\nb: 1\n");
    assert_set(
        "a: >-\n  x\n# c\nb: 1\n",
        "a",
        &json!([1]),
        "a:\n- 1\n# c\nb: 1\n",
    );
    assert_set(
        "a:\n  b: 1\n  # in\nc: 2\n",
        "a",
        &json!(7),
        "a: 7\n  # in\nc: 2\n",
    );
    assert_set("a: x\n  y\nb: 1\n", "a", &json!(null), "a: null\nb: 1\n");
}

#[test]
fn an_edit_that_would_change_something_else_is_refused() {
    let mut document = document("base: &b {x: 1}\nother: *b\n");
    assert!(document.set(&path("other/x"), &json!(2)).is_err());
    assert!(
        document.set(&path("base/x"), &json!(2)).is_err(),
        "the alias changes too"
    );
    assert_eq!(document.text(), "base: &b {x: 1}\nother: *b\n");
    let mut merged = self::document("base: &b\n  x: 1\nz:\n  <<: *b\n  y: 2\n");
    merged
        .set(&path("z/x"), &json!(3))
        .expect("it overrides the merged key");
    assert_eq!(merged.text(), "base: &b\n  x: 1\nz:\n  <<: *b\n  y: 2\n  x: 3\n");
    assert!(merged.remove(&path("z/x"), 0).is_err() || merged.get(&path("z/x")) == Some(&json!(1)));
}

/// Text that YAML could take for something else, among plain text.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z ]{0,8}".prop_map(Value::from),
        "[ -~éß\\n]{0,12}".prop_map(Value::from),
        proptest::sample::select(vec![
            "yes", "~", "null", "0x10", "1e3", "- a", "# c", "a: b", "*.*", "!x", "&a", "$X", "1.50", "'",
            "\"", "\\", "%", "@", "`", "---", "|", ">"
        ])
        .prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            mapping(inner).prop_map(Value::Object),
        ]
    })
}

fn mapping(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![4 => "[a-z]{1,3}", 1 => "[ -~]{1,5}"];
    proptest::collection::vec((key, inner), 0..4).prop_map(|pairs| pairs.into_iter().collect())
}

/// Writes a value in block style with comments and blank lines, and now and then in flow style.
fn write(out: &mut String, value: &Value, indent: usize, style: &mut impl FnMut() -> u32) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() && !style().is_multiple_of(5) => {
            for (key, value) in map {
                if style().is_multiple_of(6) {
                    let _ = write!(out, "\n{pad}# about the next one");
                }
                let _ = write!(out, "\n{pad}{}:", Value::from(key.as_str()));
                write(out, value, indent + 2, style);
            }
        }
        Value::Array(list) if !list.is_empty() && !style().is_multiple_of(5) => {
            for item in list {
                let _ = write!(out, "\n{pad}-");
                let nested = matches!(item, Value::Object(map) if !map.is_empty())
                    || matches!(item, Value::Array(list) if !list.is_empty());
                if nested {
                    let _ = write!(out, " {item}");
                } else {
                    write(out, item, indent + 2, style);
                }
            }
        }
        other => {
            let _ = write!(out, " {other}");
            if style().is_multiple_of(4) {
                out.push_str("   # behind");
            }
            if style().is_multiple_of(8) {
                out.push('\n');
            }
        }
    }
}

fn yaml(map: &Map<String, Value>, mut seed: u32) -> String {
    let mut style = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 16
    };
    let mut out = "# first".to_owned();
    for (key, value) in map {
        let _ = write!(out, "\n{}:", Value::from(key.as_str()));
        write(&mut out, value, 2, &mut style);
    }
    out.push('\n');
    out
}

/// Every place in a value, and in each collection one that is not there yet.
fn places(value: &Value, at: &[Step], all: &mut Vec<Vec<Step>>) {
    let step = |step: Step| [at, &[step]].concat();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                all.push(step(Step::Key(key.clone())));
                places(value, &step(Step::Key(key.clone())), all);
            }
            all.push(step("zzzz".into()));
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                all.push(step(index.into()));
                places(value, &step(index.into()), all);
            }
            all.push(step(list.len().into()));
        }
        _ => {}
    }
}

fn is_subsequence(short: &str, long: &str) -> bool {
    let mut lines = long.lines();
    short.lines().all(|line| lines.any(|other| other == line))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The text after an edit means the edited value, which the document itself checks: so an edit must not be refused.
    /// All lines of a file that an addition is made to stay.
    #[test]
    fn every_place_can_be_set_and_the_other_lines_stay(map in mapping(value()), new in value(), seed: u32, at: prop::sample::Index) {
        let text = yaml(&map, seed);
        let mut document = document(&text);
        let before = Value::Object(map);
        prop_assert_eq!(document.get(&[]), Some(&before), "{}", text);
        let mut all = Vec::new();
        places(&before, &[], &mut all);
        let path = at.get(&all);
        let was = document.get(path).cloned();
        let result = document.set(path, &new);
        prop_assert!(result.is_ok(), "{:?} {} {:?}\n{}", path, new, result, text);
        prop_assert_eq!(document.get(path), Some(&new));
        let inside_flow = document.text().lines().count() <= text.lines().count();
        if was.is_none() && !inside_flow {
            prop_assert!(is_subsequence(&text, document.text()), "{}\n{}", text, document.text());
        }
    }

    #[test]
    fn every_place_can_be_removed_and_the_other_lines_stay(map in mapping(value()), seed: u32, at: prop::sample::Index) {
        let text = yaml(&map, seed);
        let mut document = document(&text);
        let before = Value::Object(map);
        let mut all = Vec::new();
        places(&before, &[], &mut all);
        let path = at.get(&all);
        let result = document.remove(path, 0);
        prop_assert!(result.is_ok(), "{:?} {:?}\n{}", path, result, text);
        let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
        if document.get(&[]) == Some(&before) {
            prop_assert_eq!(document.text(), &text);
        } else if document.text().lines().count() < text.lines().count() {
            prop_assert!(is_subsequence(document.text(), &text), "{}\n{}", text, document.text());
            prop_assert!(comments(document.text()) > 0);
        }
    }
}
