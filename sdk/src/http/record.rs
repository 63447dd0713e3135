//! A record as it is written: the properties that are selected, by their new names, and what is added.

use melisma_engine::error::show;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::json::Json;
use super::shape::Shape;

/// What of a record is written.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The properties that are written, by the names that the source has for them; all if not set.
    pub(super) select: Option<Vec<String>>,
    /// Names that the source has, and those that records have.
    pub(super) rename: Vec<(String, String)>,
    /// The types of formats that have none of their own.
    pub(super) shape: Option<Shape>,
}

impl View {
    fn is_whole(&self) -> bool {
        self.select.is_none() && self.rename.is_empty() && self.shape.is_none()
    }

    /// The name of a property in the record; `None` when it is left out.
    fn name<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        let selected = |select: &Vec<String>| select.iter().any(|selected| selected == name);
        if !self.select.as_ref().is_none_or(selected) {
            return None;
        }
        let renamed = self.rename.iter().find(|(from, _)| from == name);
        Some(renamed.map_or(name, |(_, to)| to))
    }
}

/// A record with what is added to it.
pub(super) struct Record<'r> {
    pub(super) json: Json<'r>,
    pub(super) added: &'r [(&'r str, Value)],
    pub(super) view: &'r View,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.added.is_empty() && self.view.is_whole() {
            return self.json.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.json.unique_members() {
            let Some(name) = self.view.name(name) else {
                continue;
            };
            if self.added.iter().any(|(added, _)| *added == name) {
                continue;
            }
            match self.view.shape.as_ref().and_then(|shape| shape.member(name)) {
                Some(shape) => map.serialize_entry(
                    name,
                    &Typed {
                        name,
                        json: value,
                        shape,
                    },
                )?,
                None => map.serialize_entry(name, &value)?,
            }
        }
        for (name, value) in self.added {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A value of a format that has texts alone, as the type that the schema says.
struct Typed<'t> {
    name: &'t str,
    json: Json<'t>,
    shape: &'t Shape,
}

impl Typed<'_> {
    fn wrong<E: serde::ser::Error>(&self, expected: &str) -> E {
        let found = self.json.as_str().map_or(self.json.kind().to_owned(), show);
        E::custom(format!(
            "property {}: expected {expected}, found {found}",
            show(self.name)
        ))
    }
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.json.as_str().map(str::trim);
        match (self.shape, text) {
            (Shape::Integer | Shape::Number | Shape::Boolean, Some("")) => serializer.serialize_unit(),
            (Shape::Integer, Some(text)) => match (text.parse::<i64>(), text.parse::<u64>()) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                _ => Err(self.wrong("a whole number of 64 bits")),
            },
            (Shape::Number, Some(text)) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => serializer.serialize_f64(number),
                _ => Err(self.wrong("a number")),
            },
            (Shape::Boolean, Some(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => serializer.serialize_bool(true),
                "false" | "0" => serializer.serialize_bool(false),
                _ => Err(self.wrong("true or false")),
            },
            // An element that comes once is a list of one.
            (Shape::List(item), _) if !self.json.is_array() && !self.json.is_null() => {
                let mut list = serializer.serialize_seq(Some(1))?;
                list.serialize_element(&self.of(self.json, item))?;
                list.end()
            }
            (Shape::List(item), _) if self.json.is_array() => {
                let mut list = serializer.serialize_seq(Some(self.json.len()))?;
                for json in self.json.items() {
                    list.serialize_element(&self.of(json, item))?;
                }
                list.end()
            }
            (Shape::Object(_), None) if self.json.is_object() => {
                let mut map = serializer.serialize_map(Some(self.json.len()))?;
                for (name, json) in self.json.members() {
                    match self.shape.member(name) {
                        Some(shape) => map.serialize_entry(name, &Typed { name, json, shape })?,
                        None => map.serialize_entry(name, &json)?,
                    }
                }
                map.end()
            }
            _ => self.json.serialize(serializer),
        }
    }
}

impl<'t> Typed<'t> {
    fn of(&self, json: Json<'t>, shape: &'t Shape) -> Typed<'t> {
        Typed {
            name: self.name,
            json,
            shape,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::json::Parser;
    use super::*;

    fn written(record: &str, view: &View, added: &[(&str, Value)]) -> Result<Value, String> {
        let mut body = record.as_bytes().to_vec();
        let nodes = Parser::default().parse(&mut body).expect("JSON");
        let json = Json::root(&nodes);
        serde_json::to_value(Record { json, added, view }).map_err(|error| error.to_string())
    }

    #[test]
    fn properties_are_selected_by_the_names_of_the_source_and_then_renamed() {
        let view = View {
            select: Some(vec!["a".to_owned(), "c".to_owned()]),
            rename: vec![("c".to_owned(), "b".to_owned())],
            shape: None,
        };
        let added = [("d", json!(4))];
        let record = written(r#"{"a":1,"b":2,"c":3,"d":0}"#, &view, &added);
        assert_eq!(record, Ok(json!({"a": 1, "b": 3, "d": 4})));
    }

    #[test]
    fn texts_become_what_the_schema_says() {
        let shape = Shape::of(&json!({"type": "object", "properties": {
            "i": {"type": ["integer", "null"]}, "n": {"type": "number"}, "b": {"type": "boolean"}, "t": {"type": "string"},
            "l": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}}}},
            "any": {"type": ["integer", "string"]}
        }}));
        let view = View {
            shape: Some(shape),
            ..View::default()
        };
        let record = written(
            r#"{"i":" 7","n":"1.5","b":"TRUE","t":"7","l":{"x":"1"},"any":"7"}"#,
            &view,
            &[],
        );
        assert_eq!(
            record,
            Ok(json!({"i": 7, "n": 1.5, "b": true, "t": "7", "l": [{"x": 1}], "any": "7"}))
        );
        let empty = written(r#"{"i":"","n":null,"l":[{"x":"2"},{"x":"3"}]}"#, &view, &[]);
        assert_eq!(
            empty,
            Ok(json!({"i": null, "n": null, "l": [{"x": 2}, {"x": 3}]}))
        );
        let wrong = written(r#"{"i":"seven"}"#, &view, &[]).expect_err("no number");
        assert_eq!(
            wrong,
            "property i: expected a whole number of 64 bits, found seven"
        );
    }
}
