//! Flattening: turns the properties of objects into columns, named as MeltanoLabs' and pipelinewise's targets name
//! them.

use std::sync::Arc;

use melisma_sdk::schema::Column;
use melisma_sdk::{Error, Result, StreamSchema};
use serde_json::{Map, Value, json};

use crate::copy::{Expand, Member, Node, Step};

/// How objects become columns.
#[derive(Clone, Debug)]
pub(crate) struct Flattening {
    /// Levels of objects.
    pub(crate) levels: usize,
    pub(crate) separator: String,
    /// Longer names are abbreviated, in characters.
    pub(crate) longest: usize,
    /// Objects and arrays that stay are text, as in Meltano's SDK.
    pub(crate) rest_is_text: bool,
}

impl Flattening {
    /// The schema with the columns of its objects, and how rows become like it.
    pub(crate) fn flatten(&self, schema: &StreamSchema) -> Result<(StreamSchema, Arc<Expand>)> {
        let mut flat = Flat {
            rules: self,
            columns: Vec::new(),
        };
        let mut steps = Vec::new();
        let mut key = Vec::new();
        for (at, column) in schema.columns.iter().enumerate() {
            let members = if column.metadata.is_none() {
                self.members(&column.schema, 0)
            } else {
                None
            };
            let is_key = schema.key.contains(&at);
            match members {
                Some(members) if !is_key => {
                    let node = flat.object(&mut vec![&*column.name], members)?;
                    steps.push(Step::Object(column.name.clone(), node));
                }
                _ => {
                    if is_key {
                        key.push((at, flat.columns.len()));
                    }
                    steps.push(Step::Whole(flat.columns.len()));
                    let mut column = column.clone();
                    self.rest(Arc::make_mut(&mut column.schema));
                    flat.columns.push(column);
                }
            }
        }
        let columns = flat.columns.len();
        let place = |at: &usize| key.iter().find(|(old, _)| old == at).map(|(_, new)| *new);
        let flattened = StreamSchema {
            columns: flat.columns,
            key: schema.key.iter().filter_map(place).collect(),
            ..schema.clone()
        };
        Ok((flattened, Arc::new(Expand { steps, columns })))
    }

    /// The members of an object that becomes columns.
    fn members<'s>(&self, schema: &'s Value, level: usize) -> Option<&'s Map<String, Value>> {
        let is_object = match schema.get("type")? {
            Value::Array(types) => types.iter().any(|name| name == "object"),
            name => name == "object",
        };
        let members = schema.get("properties")?.as_object()?;
        (is_object && level < self.levels && !members.is_empty()).then_some(members)
    }

    /// What stays an object or array becomes text.
    fn rest(&self, schema: &mut Value) {
        let nested = |name: &Value| name == "object" || name == "array";
        let found = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().any(nested),
            Some(name) => nested(name),
            None => false,
        };
        if found && self.rest_is_text {
            *schema = json!({"type": ["string", "null"]});
        }
    }

    /// The names on the way, joined; abbreviated from the left while they are too long.
    fn name(&self, path: &[&str]) -> String {
        let mut parts: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        let mut at = 0;
        while parts.join(&self.separator).chars().count() >= self.longest && at < parts.len() {
            parts[at] = abbreviation(&parts[at]);
            at += 1;
        }
        parts.join(&self.separator)
    }
}

/// The capitals of a name in camel case, or its first three letters: `device_type` is `dt`.
fn abbreviation(name: &str) -> String {
    let mut capitals = String::new();
    let mut begins = true;
    for c in name.chars() {
        if begins && c != '_' {
            capitals.extend(c.to_uppercase());
        } else if c != '_' && !c.is_ascii_lowercase() {
            capitals.push(c);
        }
        begins = c == '_';
    }
    let short: String = if capitals.chars().count() > 1 {
        capitals
    } else {
        name.chars().take(3).collect()
    };
    short.to_lowercase()
}

struct Flat<'r> {
    rules: &'r Flattening,
    columns: Vec<Column>,
}

impl Flat<'_> {
    fn object<'s>(&mut self, path: &mut Vec<&'s str>, members: &'s Map<String, Value>) -> Result<Node> {
        let first = self.columns.len();
        let mut places = Vec::new();
        for (name, schema) in members {
            path.push(name);
            let member = match self.rules.members(schema, path.len() - 1) {
                Some(inner) => Member::Object(self.object(path, inner)?),
                None => Member::Column(self.column(&self.rules.name(path), schema)?),
            };
            path.pop();
            places.push((name.as_str().into(), member));
        }
        Ok(Node {
            first,
            count: self.columns.len() - first,
            members: places,
        })
    }

    fn column(&mut self, name: &str, schema: &Value) -> Result<usize> {
        let mut schema = schema.clone();
        self.rules.rest(&mut schema);
        let text = json!({"properties": {name: schema}}).to_string();
        let compiled = StreamSchema::compile::<&str>("", &text, &[], &[])?;
        let column = compiled.columns.into_iter().next();
        let mut column = column.ok_or_else(|| Error::bug("a schema without its column"))?;
        (column.nullable, column.required) = (true, false);
        self.columns.push(column);
        Ok(self.columns.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(levels: usize, longest: usize, rest_is_text: bool) -> Vec<String> {
        let schema = json!({"properties": {
            "id": {"type": "integer"},
            "device_type": {"type": ["object", "null"], "properties": {
                "osName": {"type": "string"},
                "size": {"type": "object", "properties": {"w": {"type": "integer"}}},
                "tags": {"type": "array"},
            }},
            "free": {"type": "object"},
        }});
        let schema = StreamSchema::compile("s", &schema.to_string(), &["id"], &[]).expect("a schema");
        let flattening = Flattening {
            levels,
            separator: "__".to_owned(),
            longest,
            rest_is_text,
        };
        let (flat, expand) = flattening.flatten(&schema).expect("flat");
        assert_eq!((flat.key, expand.columns), (vec![0], flat.columns.len()));
        let shown = |column: &Column| format!("{} {}", column.name, column.schema["type"]);
        flat.columns.iter().map(shown).collect()
    }

    #[test]
    fn objects_become_columns_as_deep_as_asked() {
        let whole = |name: &str| format!("{name} \"object\"");
        assert_eq!(
            names(1, 255, false),
            [
                "id \"integer\"",
                "device_type__osName \"string\"",
                "device_type__size \"object\"",
                "device_type__tags \"array\"",
                &whole("free")
            ]
        );
        assert_eq!(
            names(9, 255, true),
            [
                "id \"integer\"",
                "device_type__osName \"string\"",
                "device_type__size__w \"integer\"",
                "device_type__tags [\"string\",\"null\"]",
                "free [\"string\",\"null\"]"
            ]
        );
    }

    #[test]
    fn long_names_are_abbreviated_from_the_left() {
        assert_eq!(
            names(9, 19, false)[1..3],
            ["dt__osName \"string\"", "dt__size__w \"integer\""]
        );
        assert_eq!(
            (abbreviation("osName"), abbreviation("size"), abbreviation("A")),
            ("on".into(), "siz".into(), "a".into())
        );
    }
}
