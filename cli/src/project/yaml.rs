//! YAML 1.2 text as JSON values, in the order of the file.

use std::path::Path;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

/// Reads a mapping. Merge keys work; a duplicate key is an error; `yes` and `on` are text.
pub(crate) fn read(path: &Path, text: &str) -> Result<Map<String, Value>> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        underscored_numbers_as_strings: true,
    };
    let value: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Error::config(format!("{}: {}", path.display(), first_line(&error.to_string()))))?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(Error::config(format!(
            "{}: expected a mapping at the top",
            path.display()
        ))),
    }
}

/// The message without the excerpt of the file under it, which may hold secrets.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(yaml: &str) -> Value {
        Value::Object(read(Path::new("meltano.yml"), yaml).expect("valid YAML"))
    }

    #[test]
    fn scalars_are_yaml_1_2() {
        assert_eq!(
            value(
                "a: yes\nb: on\nc: 0x10\nd: 12:30:00\ne: 1.50\nf: 1e3\ng: 2024-01-01\nh: ~\ni: 'x'\nj: true\nk: -7\nl: 1_0"
            ),
            json!({"a": "yes", "b": "on", "c": 16, "d": "12:30:00", "e": 1.5, "f": 1000.0, "g": "2024-01-01", "h": null,
                   "i": "x", "j": true, "k": -7, "l": "1_0"})
        );
    }

    #[test]
    fn anchors_and_merge_keys_work_and_order_is_kept() {
        let value = value("base: &b {x: 1, y: 2}\nz:\n  <<: *b\n  y: 3\na: 1");
        assert_eq!(value["z"], json!({"x": 1, "y": 3}));
        assert_eq!(
            value.as_object().expect("a map").keys().collect::<Vec<_>>(),
            ["base", "z", "a"]
        );
    }

    #[test]
    fn duplicate_keys_and_lists_are_refused() {
        assert!(read(Path::new("m"), "a: 1\na: 2").is_err());
        assert!(read(Path::new("m"), "- 1").is_err());
        assert!(read(Path::new("m"), "").expect("empty is fine").is_empty());
    }
}
