//! Reads a definition from a file, a text or an object.

use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, JsonSchema, Result};
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::keys::{check, join, wrong};
use super::{Definition, Setting, Settings, Stream};

/// A definition, where it came from, and the values of its settings.
#[derive(Debug)]
pub struct Source {
    pub(crate) definition: Definition,
    pub(crate) settings: Settings,
    /// The folder that other files are named from.
    pub(crate) folder: PathBuf,
}

impl Source {
    /// Reads a definition; `given` are the values of its settings.
    pub fn read(definition: &Value, given: &Map<String, Value>) -> Result<Self> {
        let (value, folder, shown) = match definition {
            Value::String(text) if text.contains('\n') || text.trim_start().starts_with('{') => (
                yaml(text, "the definition")?,
                PathBuf::new(),
                "the definition".to_owned(),
            ),
            Value::String(path) => {
                let text = read_file(path, "definition")?;
                let folder = Path::new(path).parent().map(Path::to_owned).unwrap_or_default();
                (yaml(&text, path)?, folder, path.clone())
            }
            other => (other.clone(), PathBuf::new(), "the definition".to_owned()),
        };
        let in_file = |error: Error| Error::config(format!("{shown}: {}", error.message()));
        let definition = Definition::read(&value).map_err(in_file)?;
        let asked = definition.settings.iter();
        let asked = asked.map(|(name, value)| {
            let place = join("settings", name);
            let value = if value.is_null() {
                &Value::Object(Map::new())
            } else {
                value
            };
            Ok((name.clone(), typed::<Setting>(value, &place)?))
        });
        let asked = asked.collect::<Result<Vec<_>>>().map_err(in_file)?;
        Ok(Self {
            settings: Settings::of(&asked, given)?,
            definition,
            folder,
        })
    }

    /// A definition that is no file.
    pub(crate) fn of(definition: Definition, settings: Settings) -> Self {
        Self {
            definition,
            settings,
            folder: PathBuf::new(),
        }
    }

    /// A JSON or YAML file next to the definition.
    pub(crate) fn file(&self, path: &str) -> Result<Value> {
        let path = self.folder.join(path);
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path)
            .map_err(|error| Error::config(format!("cannot read {shown}")).with_source(error))?;
        yaml(&text, &shown)
    }
}

impl Definition {
    fn read(value: &Value) -> Result<Self> {
        let mut definition: Self = typed(value, "")?;
        for (name, value) in &definition.streams {
            let place = join("streams", name);
            let stream = match value {
                Value::String(path) => Stream {
                    path: Some(path.clone()),
                    ..Stream::default()
                },
                value => typed(value, &place)?,
            };
            definition.read.push((name.clone(), stream));
        }
        if definition.read.is_empty() {
            return Err(wrong("streams", "there is none"));
        }
        Ok(definition)
    }

    /// The JSON Schema of a definition, for editors.
    pub fn schema() -> Value {
        let mut schema = schema_of::<Self>();
        let mut stream = schema_of::<Stream>();
        if let Some(stream) = stream.as_object_mut() {
            stream.shift_remove("title");
        }
        let path = serde_json::json!({"type": "string"});
        let setting = schema_of::<Setting>();
        for (name, values) in [
            ("streams", serde_json::json!({"anyOf": [path, stream]})),
            (
                "settings",
                serde_json::json!({"anyOf": [setting, {"type": "null"}]}),
            ),
        ] {
            if let Some(property) = schema
                .pointer_mut(&format!("/properties/{name}"))
                .and_then(Value::as_object_mut)
            {
                property.insert("additionalProperties".to_owned(), values);
            }
        }
        close(&mut schema);
        schema
    }
}

/// Unknown keys are errors for editors, too.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A checked value as the type that it is.
fn typed<T: DeserializeOwned + JsonSchema>(value: &Value, place: &str) -> Result<T> {
    check(&schema_of::<T>(), value, place)?;
    serde_json::from_value(without_nulls(value)).map_err(|error| wrong(place, &error.to_string()))
}

/// Without keys that are left empty.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// The text of a file; `what` it is.
pub(crate) fn read_file(path: &str, what: &str) -> Result<String> {
    fs::read_to_string(path)
        .map_err(|error| Error::config(format!("cannot read the {what} {path}")).with_source(error))
}

/// YAML 1.2, of which JSON is a part.
pub(crate) fn yaml(text: &str, shown: &str) -> Result<Value> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.to_string();
        let first = error.lines().next().unwrap_or_default();
        Error::config(format!("{shown}: {first}"))
    })
}
