//! Texts with placeholders: `/projects/{project_id}/issues`, `{since:%Y-%m-%d}`, `{since:epoch}`.

use jiff::Timestamp;
use jiff::fmt::strtime;
use melisma_engine::{Error, Result};
use serde_json::{Map, Value};

use super::url::encode;
use crate::names::near;

/// What placeholders stand for: the fields of the parent, the bookmark, the token of the page.
pub(super) type Scope = Map<String, Value>;

/// A compiled text with placeholders. `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Placeholder { name: String, format: Option<String> },
}

/// Where the text goes, which decides how values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A value is one segment of a path, or one value of a query.
    Url,
    /// Values stay as they are.
    Plain,
}

impl Template {
    pub(super) fn compile(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::config(format!(
                "{text}: {why}; braces that are no placeholder are doubled"
            ))
        };
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' | '}' if letters.peek() == Some(&letter) => {
                    letters.next();
                    plain.push(letter);
                }
                '{' => {
                    let mut inner = String::new();
                    loop {
                        match letters.next() {
                            Some('}') => break,
                            Some('{') | None => return Err(wrong("a placeholder is not closed")),
                            Some(letter) => inner.push(letter),
                        }
                    }
                    let (name, format) = match inner.split_once(':') {
                        Some((name, format)) => (name, Some(format.to_owned())),
                        None => (inner.as_str(), None),
                    };
                    if name.trim().is_empty() {
                        return Err(wrong("a placeholder has no name"));
                    }
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Placeholder {
                        name: name.trim().to_owned(),
                        format,
                    });
                }
                '}' => return Err(wrong("a placeholder is not opened")),
                letter => plain.push(letter),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The names of its placeholders.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Fails when a placeholder is not among the names that there are.
    pub(super) fn check(&self, known: &[&str]) -> Result<()> {
        let Some(unknown) = self.names().find(|name| !known.contains(name)) else {
            return Ok(());
        };
        let hint = match near(known.iter().copied(), unknown) {
            Some(near) => format!("did you mean {{{near}}}?"),
            None if known.is_empty() => "there is none here".to_owned(),
            None => format!("there are {}", known.join(", ")),
        };
        Err(Error::config(format!(
            "{{{unknown}}} is no placeholder that can be used here; {hint}"
        )))
    }

    /// The text. `None` when a placeholder has no value: the bookmark in a first run, the token of the first page.
    pub(super) fn render(&self, scope: &Scope, target: Target) -> Result<Option<String>> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Placeholder { name, format } => {
                    let Some(value) = scope.get(name).filter(|value| !value.is_null()) else {
                        return Ok(None);
                    };
                    let value = show(value, format.as_deref())?;
                    text.push_str(&match target {
                        Target::Url => encode(&value),
                        Target::Plain => value,
                    });
                }
            }
        }
        Ok(Some(text))
    }

    /// The value: of a text that is one placeholder, what that stands for, be it a number or a list.
    pub(super) fn value(&self, scope: &Scope) -> Result<Option<Value>> {
        if let [Part::Placeholder { name, format: None }] = self.parts.as_slice() {
            return Ok(scope.get(name).filter(|value| !value.is_null()).cloned());
        }
        Ok(self.render(scope, Target::Plain)?.map(Value::from))
    }
}

/// A value whose texts may have placeholders.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filled {
    Plain(Value),
    Text(Template),
    List(Vec<Filled>),
    Object(Vec<(String, Filled)>),
}

impl Filled {
    pub(super) fn compile(value: &Value) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::compile(text)?),
            Value::Array(items) => Self::List(items.iter().map(Self::compile).collect::<Result<_>>()?),
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| Ok((name.clone(), Self::compile(value)?));
                Self::Object(members.iter().map(member).collect::<Result<_>>()?)
            }
            other => Self::Plain(other.clone()),
        })
    }

    /// The value. Members and items whose placeholders have no value are left out.
    pub(super) fn value(&self, scope: &Scope) -> Result<Option<Value>> {
        Ok(Some(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => return template.value(scope),
            Self::List(items) => {
                let values = items
                    .iter()
                    .map(|item| item.value(scope))
                    .collect::<Result<Vec<_>>>()?;
                Value::Array(values.into_iter().flatten().collect())
            }
            Self::Object(members) => {
                let mut map = Map::new();
                for (name, member) in members {
                    if let Some(value) = member.value(scope)? {
                        map.insert(name.clone(), value);
                    }
                }
                Value::Object(map)
            }
        }))
    }

    /// All templates in it.
    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Text(template) => vec![template],
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members
                .iter()
                .flat_map(|(_, member)| member.templates())
                .collect(),
        }
    }
}

/// A value as text, by a format of dates if there is one.
pub(super) fn show(value: &Value, format: Option<&str>) -> Result<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Some(format) = format else { return Ok(text) };
    let moment = moment(&text).ok_or_else(|| {
        Error::config(format!(
            "the format {format:?} is for dates, and {text:?} is none"
        ))
    })?;
    Ok(match format {
        "epoch" => moment.as_second().to_string(),
        "epoch_ms" => moment.as_millisecond().to_string(),
        format => strtime::format(format, moment)
            .map_err(|error| Error::config(format!("the date format {format:?}")).with_source(error))?,
    })
}

/// The moment that a date, a date-time or a number of seconds or milliseconds means.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    if let Ok(local) = text.parse::<jiff::civil::DateTime>() {
        return local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp());
    }
    let number: i64 = text.parse().ok()?;
    if is_milliseconds(number) {
        return Timestamp::from_millisecond(number).ok();
    }
    Timestamp::from_second(number).ok()
}

/// Whether a number since 1970 is one of milliseconds: seconds that large would be in the year 5138.
pub(super) fn is_milliseconds(number: i64) -> bool {
    number.unsigned_abs() > 100_000_000_000
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let Value::Object(scope) =
            json!({"id": 7, "name": "a/b", "since": "2026-01-02T03:04:05Z", "none": null})
        else {
            unreachable!()
        };
        scope
    }

    fn render(text: &str) -> Option<String> {
        let template = Template::compile(text).expect("compiles");
        template.render(&scope(), Target::Url).expect("renders")
    }

    #[test]
    fn placeholders_are_encoded_in_urls_and_left_out_without_value() {
        assert_eq!(render("/p/{id}/x/{name}").as_deref(), Some("/p/7/x/a%2Fb"));
        assert_eq!(render("{{{id}}}").as_deref(), Some("{7}"));
        assert_eq!(render("{none}"), None);
        assert_eq!(render("plain").as_deref(), Some("plain"));
    }

    #[test]
    fn dates_take_a_format() {
        assert_eq!(render("{since:%Y-%m-%d}").as_deref(), Some("2026-01-02"));
        assert_eq!(render("{since:epoch}").as_deref(), Some("1767323045"));
        assert_eq!(render("{since:epoch_ms}").as_deref(), Some("1767323045000"));
        let template = Template::compile("{name:%Y}").expect("compiles");
        assert!(template.render(&scope(), Target::Url).is_err());
    }

    #[test]
    fn a_lone_placeholder_keeps_its_type() {
        let value = |text: &str| Template::compile(text).unwrap().value(&scope()).unwrap();
        assert_eq!(value("{id}"), Some(json!(7)));
        assert_eq!(value("n{id}"), Some(json!("n7")));
    }

    #[test]
    fn what_is_no_placeholder_is_refused() {
        for text in ["{", "a}", "{}", "{a{b}"] {
            assert!(Template::compile(text).is_err(), "{text}");
        }
        let error = Template::compile("{project}")
            .unwrap()
            .check(&["project_id"])
            .unwrap_err();
        assert!(
            error.to_string().contains("did you mean {project_id}?"),
            "{error}"
        );
    }
}
