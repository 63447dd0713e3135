//! The CSV dialect: delimiter, quote, escape character, and what they mean.

use melisma_sdk::{Error, Result};

use crate::config::FileConfig;
use crate::marks::Marks;

/// A checked dialect. Its meaning is that of Python's `csv` module, which the peers read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Ends a cell.
    pub(crate) delimiter: u8,
    /// Opens and closes a quoted cell; `None` when quotes have no meaning.
    pub(crate) quote: Option<u8>,
    /// Takes the meaning from the character after it.
    pub(crate) escape: Option<u8>,
    /// Whether two quotes inside a quoted cell stand for one.
    pub(crate) double_quote: bool,
    /// Whether spaces at the start of a cell are skipped.
    pub(crate) skip_initial_space: bool,
    /// Whether anything but a delimiter after a closing quote is an error.
    pub(crate) strict: bool,
}

impl Dialect {
    /// The dialect that the settings of an entry describe.
    pub(crate) fn new(settings: &FileConfig) -> Result<Self> {
        let wrong = |what: String| Error::config(format!("files: entity {}: {what}", settings.entity));
        let delimiter = byte("delimiter", settings.delimiter.as_deref().unwrap_or(","))
            .and_then(|byte| byte.ok_or_else(|| "delimiter: expected one character, found none".into()))
            .map_err(wrong)?;
        let quote = byte("quotechar", settings.quotechar.as_deref().unwrap_or("\"")).map_err(wrong)?;
        let escape = byte("escapechar", settings.escapechar.as_deref().unwrap_or("")).map_err(wrong)?;
        if quote == Some(delimiter) || escape == Some(delimiter) {
            return Err(wrong("delimiter, quotechar and escapechar must differ".into()));
        }
        // A quote that escapes quotes is another name for a doubled quote.
        let doubled = escape.is_some() && escape == quote;
        Ok(Self {
            delimiter,
            quote,
            escape: if doubled { None } else { escape },
            double_quote: doubled || settings.doublequote.unwrap_or(true),
            skip_initial_space: settings.skipinitialspace.unwrap_or(false),
            strict: settings.strict.unwrap_or(false),
        })
    }

    /// The bytes to look for.
    pub(crate) fn marks(self) -> Marks {
        Marks([
            self.delimiter,
            b'\n',
            b'\r',
            self.quote.unwrap_or(b'\n'),
            self.escape.unwrap_or(b'\n'),
        ])
    }
}

/// The one byte that a setting names; `None` for the empty text.
fn byte(setting: &str, text: &str) -> Result<Option<u8>, String> {
    // In a shell or in YAML, the two characters `\t` are what people write for a tab.
    let text = if text == "\\t" { "\t" } else { text };
    match text.as_bytes() {
        [] => Ok(None),
        [b'\n' | b'\r' | 0] => Err(format!("{setting}: a line end or NUL cannot be used")),
        &[byte] => Ok(Some(byte)),
        _ => Err(format!("{setting}: expected one ASCII character, found {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(json: &str) -> Result<Dialect> {
        let mut entry: serde_json::Value = serde_json::from_str(json).unwrap();
        entry["entity"] = "t".into();
        entry["path"] = "t.csv".into();
        Dialect::new(&serde_json::from_value(entry).unwrap())
    }

    #[test]
    fn defaults_are_those_of_python() {
        let expected = Dialect {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            double_quote: true,
            skip_initial_space: false,
            strict: false,
        };
        assert_eq!(dialect("{}").unwrap(), expected);
        assert_eq!(
            dialect(r#"{"delimiter": null, "quotechar": null, "strict": null}"#).unwrap(),
            expected
        );
    }

    #[test]
    fn one_byte_each_and_all_different() {
        assert_eq!(dialect(r#"{"delimiter": "\\t"}"#).unwrap().delimiter, b'\t');
        assert_eq!(dialect(r#"{"quotechar": ""}"#).unwrap().quote, None);
        assert_eq!(
            dialect(r#"{"escapechar": "\"", "doublequote": false}"#)
                .unwrap()
                .escape,
            None
        );
        for wrong in [
            r#"{"delimiter": "||"}"#,
            r#"{"delimiter": ""}"#,
            r#"{"delimiter": "§"}"#,
            r#"{"delimiter": "\""}"#,
            r#"{"delimiter": "\n"}"#,
            r#"{"escapechar": ","}"#,
        ] {
            assert!(
                dialect(wrong).unwrap_err().to_string().contains("entity t: "),
                "{wrong}"
            );
        }
    }
}
