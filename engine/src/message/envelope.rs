//! The envelope of a message: its members as values, and the errors of those that are not.

use super::members::{Members, Span};
use crate::error::{Error, Result, show};
use crate::line::Line;

/// The members of an envelope with the line that they came from, for values and errors.
pub(super) struct Envelope<'l, 'a> {
    pub(super) members: Members,
    pub(super) line: &'l Line<'a>,
}

impl<'a> Envelope<'_, 'a> {
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::input(message).at(self.line.at)
    }

    fn text(&self, span: Span) -> &'a str {
        self.line.text.get(span.start..span.end).unwrap_or_default()
    }

    pub(super) fn required(&self, name: &str, span: Option<Span>) -> Result<&'a str> {
        match span {
            Some(span) => Ok(self.text(span)),
            None => Err(self.error(format!(
                "expected a Singer message with the field \"{name}\", found none"
            ))),
        }
    }

    pub(super) fn string(&self, name: &str, span: Option<Span>) -> Result<String> {
        let text = self.required(name, span)?;
        serde_json::from_str(text)
            .map_err(|_| self.error(format!("{name}: expected a string, found {}", show(text))))
    }

    pub(super) fn version(&self) -> Result<Option<i64>> {
        let Some(span) = self.members.version else {
            return Ok(None);
        };
        let text = self.text(span);
        serde_json::from_str(text)
            .map_err(|_| self.error(format!("version: expected an integer, found {}", show(text))))
    }

    pub(super) fn time_extracted(&self) -> Result<Option<&'a str>> {
        let Some(span) = self.members.time_extracted else {
            return Ok(None);
        };
        match self.text(span) {
            "null" => Ok(None),
            text if text.starts_with('"') => Ok(text.get(1..text.len() - 1)),
            text => Err(self.error(format!("time_extracted: expected a string, found {}", show(text)))),
        }
    }

    /// A list of property names; null and a missing field are an empty list, one string a list of one.
    pub(super) fn names(&self, name: &str, span: Option<Span>) -> Result<Vec<String>> {
        let text = span.map_or("null", |span| self.text(span));
        if let Ok(names) = serde_json::from_str::<Option<Vec<String>>>(text) {
            return Ok(names.unwrap_or_default());
        }
        if let Ok(one) = serde_json::from_str::<String>(text) {
            return Ok(vec![one]);
        }
        Err(self.error(format!(
            "{name}: expected a list of property names, found {}",
            show(text)
        )))
    }
}
