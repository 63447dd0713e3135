//! The transformations of records.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::expressions::{RECORD, with_record};
use super::jinja::{self, Scope, Templates, Text};
use super::part::Part;
use super::places::{at, every, flat, put, remove, replaced};
use crate::python;

/// A transformation.
pub(super) enum Change {
    Add {
        fields: Vec<Field>,
        condition: Option<Text>,
    },
    Remove {
        paths: Vec<Vec<String>>,
        condition: Option<Text>,
    },
    Lower,
    Replace {
        old: Text,
        new: Text,
    },
    Flatten {
        lists: bool,
    },
    Lift {
        path: Vec<Text>,
        delete: bool,
        replace: bool,
        prefix: Option<Text>,
        suffix: Option<Text>,
    },
}

pub(super) struct Field {
    path: Vec<String>,
    value: Text,
    kinds: Option<fn(&Value) -> bool>,
}

impl Change {
    pub(super) fn of(part: &Part<'_>, templates: &Templates) -> Result<Self> {
        let needed = |name: &str| {
            part.text(templates, name, RECORD)?
                .ok_or_else(|| part.missing(name))
        };
        let condition = || {
            Ok::<_, Error>(
                part.text(templates, "condition", RECORD)?
                    .filter(|text| !text.source().is_empty()),
            )
        };
        Ok(match part.kind() {
            "AddFields" => Self::Add {
                fields: part
                    .children("fields")?
                    .iter()
                    .map(|field| Field::of(field, templates))
                    .collect::<Result<_>>()?,
                condition: condition()?,
            },
            "RemoveFields" => {
                let pointers = part.get("field_pointers").and_then(Value::as_array);
                let pointers = pointers.ok_or_else(|| part.missing("field_pointers"))?;
                Self::Remove {
                    paths: pointers
                        .iter()
                        .map(names)
                        .collect::<Option<_>>()
                        .ok_or_else(|| part.missing("field_pointers"))?,
                    condition: condition()?,
                }
            }
            "KeysToLower" => Self::Lower,
            "KeysReplace" => Self::Replace {
                old: needed("old")?,
                new: needed("new")?,
            },
            "FlattenFields" => Self::Flatten {
                lists: part.get("flatten_lists").and_then(Value::as_bool) != Some(false),
            },
            "DpathFlattenFields" => {
                let path = part
                    .get("field_path")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                let path = path
                    .iter()
                    .map(|name| part.compile(templates, &python::str(name), "field_path", RECORD));
                let keys = part.child("key_transformation")?;
                let key = |name: &str| {
                    keys.as_ref()
                        .map(|keys| keys.text(templates, name, RECORD))
                        .transpose()
                };
                Self::Lift {
                    path: path.collect::<Result<_>>()?,
                    delete: part.flag("delete_origin_value"),
                    replace: part.flag("replace_record"),
                    prefix: key("prefix")?.flatten(),
                    suffix: key("suffix")?.flatten(),
                }
            }
            _ => return Err(Error::config(format!("{}: not a transformation", part.place))),
        })
    }

    pub(super) fn apply(&self, record: &mut Map<String, Value>, scope: &Scope) -> Result<()> {
        match self {
            Self::Add { fields, condition } => {
                for field in fields {
                    let seen = with_record(scope, record);
                    let value = match field.kinds {
                        Some(kinds) => field.value.value_of(&seen, kinds)?,
                        None => field.value.value(&seen)?,
                    };
                    if let Some(condition) = condition {
                        let path = Value::from(field.path.clone());
                        let seen = seen
                            .with("value", jinja::value(&value))
                            .with("path", jinja::value(&path));
                        if !condition.is_true(&seen)? {
                            continue;
                        }
                    }
                    put(record, &field.path, value);
                }
            }
            Self::Remove { paths, condition } => {
                for path in paths {
                    remove(record, path, &|value| match condition {
                        None => Ok(true),
                        Some(condition) => {
                            condition.is_true(&scope.clone().with("property", jinja::value(value)))
                        }
                    })?;
                }
            }
            Self::Lower => {
                let all = std::mem::take(record);
                record.extend(all.into_iter().map(|(name, value)| (name.to_lowercase(), value)));
            }
            Self::Replace { old, new } => {
                let seen = with_record(scope, record);
                let (old, new) = (old.text(&seen)?, new.text(&seen)?);
                *record = replaced(std::mem::take(record), &old, &new);
            }
            Self::Flatten { lists } => *record = flat(std::mem::take(record), *lists),
            Self::Lift { .. } => self.lift(record, scope)?,
        }
        Ok(())
    }

    fn lift(&self, record: &mut Map<String, Value>, scope: &Scope) -> Result<()> {
        let Self::Lift {
            path,
            delete,
            replace,
            prefix,
            suffix,
        } = self
        else {
            return Ok(());
        };
        let path = path
            .iter()
            .map(|name| name.text(scope))
            .collect::<Result<Vec<_>>>()?;
        let whole = Value::Object(record.clone());
        let found = if path.iter().any(|name| name == "*") {
            let mut all = Vec::new();
            every(&whole, &path, &mut all);
            all.into_iter().next()
        } else {
            at(&whole, &path).cloned()
        };
        let Some(Value::Object(found)) = found else {
            return Ok(());
        };
        let word = |text: &Option<Text>| text.as_ref().map_or(Ok(String::new()), |text| text.text(scope));
        let (prefix, suffix) = (word(prefix)?, word(suffix)?);
        let found: Map<String, Value> = found
            .into_iter()
            .map(|(name, value)| (format!("{prefix}{name}{suffix}"), value))
            .collect();
        if *replace && !found.is_empty() {
            *record = found;
        } else if !found.keys().any(|name| record.contains_key(name)) {
            if *delete {
                remove(record, &path, &|_| Ok(true))?;
            }
            record.extend(found);
        }
        Ok(())
    }
}

impl Field {
    fn of(part: &Part<'_>, templates: &Templates) -> Result<Self> {
        let path = part.get("path").and_then(names).filter(|path| !path.is_empty());
        let kinds: Option<fn(&Value) -> bool> = match part.str("value_type") {
            None => None,
            Some("string") => Some(Value::is_string),
            Some("number") => Some(Value::is_f64),
            Some("integer") => Some(|value| value.is_i64() || value.is_u64() || value.is_boolean()),
            Some("boolean") => Some(Value::is_boolean),
            Some(_) => {
                return Err(part.refuse("value_type", "is none of string, number, integer and boolean"));
            }
        };
        Ok(Self {
            path: path.ok_or_else(|| part.missing("path"))?,
            value: part
                .text(templates, "value", RECORD)?
                .ok_or_else(|| part.missing("value"))?,
            kinds,
        })
    }
}

/// A path as names.
fn names(path: &Value) -> Option<Vec<String>> {
    Some(path.as_array()?.iter().map(python::str).collect())
}
