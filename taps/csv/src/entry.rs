//! One entry of the setting `files`, checked.

use std::fs;
use std::path::Path;

use melisma_sdk::{Error, Result};

use crate::config::{Config, FileConfig};
use crate::dialect::Dialect;
use crate::encoding::Charset;
use crate::reader::Reader;
use crate::record::Cell;
use crate::source::Source;

/// What an entry says, ready to read by.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) settings: FileConfig,
    pub(crate) nulls: Nulls,
    dialect: Dialect,
    charset: Charset,
    max_row: usize,
}

impl Entry {
    /// All entries, from `files` or from the file that `csv_files_definition` names.
    pub(crate) fn all(settings: &Config) -> Result<Vec<Self>> {
        let files = match &settings.csv_files_definition {
            Some(path) => definition(path)?,
            None => settings.files.clone().unwrap_or_default(),
        };
        if files.is_empty() {
            return Err(Error::config(
                "expected at least one entry in files or csv_files_definition, found none",
            ));
        }
        let mut entries: Vec<Self> = Vec::with_capacity(files.len());
        for file in files {
            if entries.iter().any(|entry| entry.settings.entity == file.entity) {
                return Err(Error::config(format!(
                    "files: entity {}: is there twice",
                    file.entity
                )));
            }
            entries.push(Self::new(file, settings.max_row_bytes)?);
        }
        Ok(entries)
    }

    fn new(settings: FileConfig, max_row: usize) -> Result<Self> {
        let dialect = Dialect::new(&settings)?;
        let charset = Charset::of(settings.encoding.as_deref().unwrap_or("utf-8"))
            .map_err(|error| Error::config(format!("files: entity {}: {error}", settings.entity)))?;
        Ok(Self {
            nulls: Nulls::new(&settings.null_values, dialect.escape),
            settings,
            dialect,
            charset,
            max_row,
        })
    }

    /// Opens one of the entry's files.
    pub(crate) fn open(&self, file: &Path) -> Result<Reader> {
        let source = Source::open(file, self.settings.compression, self.charset)?;
        Ok(Reader::new(file, source, self.dialect, self.max_row).with_nulls(&self.nulls.written))
    }
}

fn definition(path: &str) -> Result<Vec<FileConfig>> {
    let wrong = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::config(format!("csv_files_definition: {path}")).with_source(cause)
    };
    let text = fs::read(path).map_err(|error| wrong(error.into()))?;
    serde_json::from_slice(&text).map_err(|error| wrong(error.into()))
}

/// The texts that stand for null.
#[derive(Debug)]
pub(crate) struct Nulls {
    /// What the text of a cell is compared with.
    texts: Vec<String>,
    /// Those with the escape character in them, such as the `\N` of `MySQL`: only a cell that is written so is null. One that
    /// is written `\\N` has the same text, and is not.
    pub(crate) written: Vec<String>,
    /// One bit for each length that a text has, modulo 64.
    lengths: u64,
}

impl Nulls {
    /// `escape` is the dialect's escape character.
    pub(crate) fn new(texts: &[String], escape: Option<u8>) -> Self {
        let lengths = texts
            .iter()
            .fold(0, |lengths, text| lengths | 1 << (text.len() % 64));
        let is_written = |text: &&String| escape.is_some_and(|escape| text.as_bytes().contains(&escape));
        let (written, texts) = texts.iter().partition::<Vec<_>, _>(is_written);
        Self {
            texts: texts.into_iter().cloned().collect(),
            written: written.into_iter().cloned().collect(),
            lengths,
        }
    }

    /// Whether a text of this length may stand for null.
    #[inline]
    pub(crate) fn have_length(&self, length: usize) -> bool {
        self.lengths >> (length % 64) & 1 == 1
    }

    /// Whether the cell stands for null.
    pub(crate) fn contain(&self, cell: &Cell<'_>) -> bool {
        let text = cell.text();
        let is_one_of = |nulls: &[String]| nulls.iter().any(|null| null == text);
        self.have_length(text.len())
            && (is_one_of(&self.texts) || (cell.is_as_written && is_one_of(&self.written)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_are_the_texts_named_and_no_others() {
        let long = "x".repeat(100);
        let contain = |nulls: &Nulls, text: &str, is_as_written| {
            let cell = Cell {
                around: text,
                start: 0,
                end: text.len(),
                plain: true,
                is_as_written,
            };
            nulls.contain(&cell)
        };
        let nulls = Nulls::new(&["NA".into(), String::new(), long.clone()], None);
        let has = |text: &str| contain(&nulls, text, false);
        assert!(has("NA") && has("") && has(&long));
        assert!(!has("na") && !has("N/A") && !has(&"y".repeat(100)));
        assert!(!contain(&Nulls::new(&[], None), "", true));
        let nulls = Nulls::new(&["\\N".into(), "NA".into()], Some(b'\\'));
        assert!(contain(&nulls, "\\N", true) && contain(&nulls, "NA", false));
        assert!(!contain(&nulls, "\\N", false) && !contain(&nulls, "N", true));
    }

    #[test]
    fn entries_come_from_either_place_and_are_checked() {
        let settings = |json: serde_json::Value| serde_json::from_value::<Config>(json).unwrap();
        let entry = serde_json::json!({"entity": "t", "path": "t.csv", "keys": []});
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), serde_json::json!([entry]).to_string()).unwrap();
        let all = Entry::all(&settings(
            serde_json::json!({"csv_files_definition": file.path()}),
        ))
        .unwrap();
        assert_eq!(all[0].settings.entity, "t");
        for (json, expected) in [
            (serde_json::json!({}), "at least one entry"),
            (serde_json::json!({"files": []}), "at least one entry"),
            (
                serde_json::json!({"files": [entry, entry]}),
                "entity t: is there twice",
            ),
            (
                serde_json::json!({"csv_files_definition": "/none.json"}),
                "csv_files_definition: /none.json",
            ),
            (
                serde_json::json!({"files": [{"entity": "t", "path": "x", "encoding": "no"}]}),
                "entity t: encoding",
            ),
        ] {
            let error = Entry::all(&settings(json)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
