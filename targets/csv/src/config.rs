//! The settings of target-csv, with the names of other CSV targets as aliases.

use std::collections::HashMap;

use melisma_sdk::files::FileConfig;
use melisma_sdk::{Error, JsonSchema, Result, show};
use serde::Deserialize;

use crate::dialect::{Dialect, LineEnd};

/// Writes each stream to a CSV file with a header.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub(crate) files: FileConfig,
    /// The separator of fields: one ASCII character, `\t` for a tab.
    pub(crate) delimiter: String,
    /// The quote around fields that need one: an ASCII character.
    #[serde(alias = "quote_character", alias = "quote_char")]
    #[schemars(extend("x-aliases" = ["quote_character", "quote_char"]))]
    pub(crate) quotechar: String,
    /// The character before a quote inside a field when `doublequote` is off, and before itself: one ASCII character.
    #[serde(alias = "escape_characters", alias = "escapechar")]
    #[schemars(extend("x-aliases" = ["escape_characters", "escapechar"]))]
    pub(crate) escape_character: Option<String>,
    /// Whether a quote inside a field is doubled. When off, `escape_character` is written before it.
    pub(crate) doublequote: bool,
    /// The end of a line: `\r\n` or `\n`. Lines that are appended to a file end as its header does.
    #[serde(alias = "lineterminator")]
    #[schemars(extend("x-aliases" = ["lineterminator"]))]
    pub(crate) line_terminator: String,
    /// The text of a null, without quotes. A string with the same text is quoted.
    pub(crate) null_value: String,
    /// `utf-8`, `utf-8-sig` (with a byte order mark), `ascii`, `latin-1` or another encoding with one byte for each
    /// character, such as `cp1252`. A record with text that the encoding cannot represent is invalid.
    pub(crate) encoding: String,
    /// For the streams named here, exactly these columns in this order. Other columns are dropped; columns that the
    /// stream lacks are null.
    pub(crate) fixed_headers: HashMap<String, Vec<String>>,
    /// Accepted and ignored: rows stay in the order in which they come.
    #[schemars(extend("x-ignored" = "rows stay in the order in which they come"))]
    pub(crate) record_sort_property_name: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            files: FileConfig::default(),
            delimiter: ",".to_owned(),
            quotechar: "\"".to_owned(),
            escape_character: None,
            doublequote: true,
            line_terminator: "\r\n".to_owned(),
            null_value: String::new(),
            encoding: "utf-8".to_owned(),
            fixed_headers: HashMap::new(),
            record_sort_property_name: None,
        }
    }
}

impl Config {
    pub(crate) fn dialect(&self) -> Result<Dialect> {
        let delimiter = character("delimiter", &self.delimiter)?;
        let quote = character("quotechar", &self.quotechar)?;
        let escape = match self.escape_character.as_deref() {
            None | Some("") => None,
            Some(text) => Some(character("escape_character", text)?),
        };
        if delimiter == quote || escape == Some(delimiter) || escape == Some(quote) {
            return Err(Error::config(
                "delimiter, quotechar and escape_character must be different characters",
            ));
        }
        if !self.doublequote && escape.is_none() {
            return Err(Error::config(
                "doublequote is off, so escape_character must be given",
            ));
        }
        let terminator = match self.line_terminator.as_str() {
            "\r\n" | r"\r\n" => LineEnd::CrLf,
            "\n" | r"\n" => LineEnd::Lf,
            other => {
                return Err(Error::config(format!(
                    r#"line_terminator: expected \r\n or \n, found "{}""#,
                    show(other)
                )));
            }
        };
        let dialect = Dialect::new(
            delimiter,
            quote,
            escape,
            self.doublequote,
            terminator,
            &self.null_value,
        );
        if dialect.must_quote(self.null_value.as_bytes()) || reads_as_value(&self.null_value) {
            return Err(Error::config(format!(
                r#"null_value: expected text that needs no quotes and is no number, found "{}""#,
                show(&self.null_value)
            )));
        }
        Ok(dialect)
    }
}

/// One ASCII character that cannot be part of a number or a word.
fn character(setting: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_punctuation() && !matches!(byte, b'.' | b'-' | b'+') => Ok(*byte),
        [byte @ (b'\t' | b' ' | 1..=8 | 0x0b | 0x0c | 0x0e..=0x1f)] => Ok(*byte),
        br"\t" => Ok(b'\t'),
        _ => Err(Error::config(format!(
            r#"{setting}: expected one ASCII character, no letter, digit, dot or sign, found "{}""#,
            show(text)
        ))),
    }
}

/// Whether a field that is not text could read the same.
fn reads_as_value(text: &str) -> bool {
    matches!(text, "true" | "false") || text.parse::<f64>().is_ok_and(f64::is_finite)
}
