//! YAML 1.2 text as JSON values, in the order of the file, with scalars as ruamel.yaml resolves them for Meltano.

mod compose;
mod scalar;

use std::path::Path;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

/// Reads a mapping. Merge keys work; a duplicate key is an error; `yes` and `on` are text.
pub(crate) fn read(path: &Path, text: &str) -> Result<Map<String, Value>> {
    let failed = |message: String| Error::config(format!("{}: {message}", path.display()));
    match compose::compose(text.trim_start_matches('\u{feff}')).map_err(failed)? {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(failed("expected a mapping at the top".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(yaml: &str) -> Value {
        Value::Object(read(Path::new("meltano.yml"), yaml).expect("valid YAML"))
    }

    #[test]
    fn anchors_and_merge_keys_work_and_order_is_kept() {
        let value = value("base: &b {x: 1, y: 2}\nz:\n  <<: *b\n  y: 3\nm: {<<: [*b, {x: 9, k: 7}]}\na: 1");
        // The file's own keys come before merged ones.
        assert_eq!(value["z"].to_string(), r#"{"y":3,"x":1}"#);
        assert_eq!(value["m"].to_string(), r#"{"x":1,"y":2,"k":7}"#);
        assert_eq!(
            value.as_object().expect("a map").keys().collect::<Vec<_>>(),
            ["base", "z", "m", "a"]
        );
        assert_eq!(
            super::read(Path::new("m"), "a: &x [1]\nb: *x").expect("valid")["b"],
            json!([1])
        );
    }

    #[test]
    fn duplicate_keys_lists_and_second_documents_are_refused() {
        for text in [
            "a: 1\na: 2",
            "- 1",
            "a: 1\n---\nb: 2",
            "a: *x",
            "a: [1",
            "? [a]\n: 1",
            "<<: 1",
        ] {
            assert!(read(Path::new("m"), text).is_err(), "{text}");
        }
        assert!(read(Path::new("m"), "").expect("empty is fine").is_empty());
    }

    #[test]
    fn aliases_do_not_multiply_without_bounds() {
        let mut text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            let aliases = vec![alias; 10].join(", ");
            text = format!("{text}a{level}: &a{level} [{aliases}]\n");
        }
        let error = read(Path::new("m"), &text).expect_err("too large").to_string();
        assert!(error.contains("more than"), "{error}");
        let deep = format!("a: {}{}", "[".repeat(1000), "]".repeat(1000));
        assert!(read(Path::new("m"), &deep).is_err());
    }
}
