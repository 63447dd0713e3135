//! Records as tap-rest-api-msdk has them: flat, with lists as JSON text.

use serde_json::{Map, Value};

use crate::python;

/// The property with the record as it came.
pub(crate) const RAW: &str = "_sdc_raw_json";

/// How records are made flat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flatten {
    /// Places whose values are kept as JSON text, their names joined by `_`.
    pub(crate) except: Vec<String>,
    /// Whether the record is added as it came.
    pub(crate) raw: bool,
}

impl Flatten {
    /// `{"a": {"b-c": 1, "d": [2]}}` becomes `{"a_b_c": 1, "a_d": "[2]"}`.
    pub(crate) fn record(&self, record: Map<String, Value>) -> Value {
        let mut flat = Map::new();
        for (name, value) in &record {
            self.add(name, value, &mut flat);
        }
        if self.raw {
            flat.insert(RAW.to_owned(), Value::Object(record));
        }
        Value::Object(flat)
    }

    fn add(&self, name: &str, value: &Value, flat: &mut Map<String, Value>) {
        let kept = self.except.iter().any(|kept| kept == name);
        match value {
            Value::Object(members) if !kept => {
                for (member, value) in members {
                    self.add(&format!("{name}_{member}"), value, flat);
                }
            }
            value => {
                let value = match value {
                    Value::Array(_) => python::dumps(value).into(),
                    value if kept => python::dumps(value).into(),
                    value => value.clone(),
                };
                flat.insert(name.replace(['-', '.'], "_"), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_values_become_columns_and_lists_become_text() {
        let flatten = Flatten {
            except: vec!["a_keep".to_owned(), "n".to_owned()],
            raw: false,
        };
        let record =
            json!({"a": {"b-c": 1, "d": [2, {"x": 1}], "keep": {"y": null}, "e": {}}, "x.y": null, "n": 7});
        let Value::Object(record) = record else {
            unreachable!()
        };
        let flat = flatten.record(record.clone());
        let expected =
            json!({"a_b_c": 1, "a_d": "[2, {\"x\": 1}]", "a_keep": "{\"y\": null}", "x_y": null, "n": "7"});
        assert_eq!(flat, expected);
        let raw = Flatten { raw: true, ..flatten };
        let with = raw.record(record.clone());
        assert_eq!(with[RAW], Value::Object(record));
    }
}
