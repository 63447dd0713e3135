//! The header of a CSV file: reads and checks an existing one, writes a new one.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use csv_core::{ReadRecordResult, ReaderBuilder};
use melisma_sdk::{Error, Result, StreamSchema, show};

use crate::Form;
use crate::dialect::LineEnd;
use crate::encoding::{Encoding, MARK};

/// A longer header is none: the file was not made by us, and would take as much memory.
const LONGEST: u64 = 16 << 20;

/// The names of a file's columns, and what a schema may change about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    names: Vec<Box<str>>,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// New columns are added at the right, none is ever removed.
    Grow,
    /// Every schema has its own.
    Follow,
    /// The user has chosen them.
    Keep,
}

impl Header {
    /// No columns yet; each schema adds those that it has and the file has not.
    pub(crate) fn growing() -> Self {
        Self {
            names: Vec::new(),
            rule: Rule::Grow,
        }
    }

    /// Each schema's own columns.
    pub(crate) fn of_each_schema() -> Self {
        Self {
            names: Vec::new(),
            rule: Rule::Follow,
        }
    }

    /// These columns, whatever the schema.
    pub(crate) fn fixed(names: &[String]) -> Result<Self> {
        let names = names.iter().map(|name| name.as_str().into()).collect();
        Ok(Self {
            names: unique(names)?,
            rule: Rule::Keep,
        })
    }

    /// The header of a file that begins with these columns.
    pub(crate) fn after(self, found: Vec<Box<str>>) -> Result<Self> {
        if self.rule == Rule::Keep && !found.is_empty() && found != self.names {
            return Err(Error::config(format!(
                "fixed_headers are {}, but the file to append to has {}",
                show(&self.names.join(",")),
                show(&found.join(","))
            )));
        }
        if self.rule == Rule::Keep {
            Ok(self)
        } else {
            Ok(Self {
                names: unique(found)?,
                ..self
            })
        }
    }

    /// The header for rows of this schema.
    pub(crate) fn for_schema(self: &Arc<Self>, schema: &StreamSchema) -> Arc<Self> {
        let names = schema.columns.iter().map(|column| &column.name);
        match self.rule {
            Rule::Keep => Arc::clone(self),
            Rule::Follow => Arc::new(Self {
                names: names.cloned().collect(),
                rule: self.rule,
            }),
            Rule::Grow => {
                let known: HashSet<&str> = self.names.iter().map(|name| &**name).collect();
                let mut new = names.filter(|name| !known.contains(&***name)).peekable();
                if new.peek().is_none() {
                    return Arc::clone(self);
                }
                let names = self.names.iter().chain(new).cloned().collect();
                Arc::new(Self {
                    names,
                    rule: self.rule,
                })
            }
        }
    }

    /// The names, in their order.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// For each column the place of its cell in a row of this schema.
    pub(crate) fn places(&self, schema: &StreamSchema) -> Vec<Option<usize>> {
        let places: HashMap<&str, usize> = schema
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| (&*column.name, at))
            .collect();
        self.names
            .iter()
            .map(|name| places.get(&**name).copied())
            .collect()
    }

    /// The header as a line, as it stands at the start of a file.
    pub(crate) fn line(&self, form: &Form) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        if form.encoding == (Encoding::Utf8 { mark: true }) {
            line.extend_from_slice(MARK);
        }
        let start = line.len();
        let mut scratch = Vec::new();
        for (at, name) in self.names.iter().enumerate() {
            if at > 0 {
                line.push(form.dialect.delimiter);
            }
            let name = form.encoding.encode(name, &mut scratch).ok_or_else(|| {
                Error::config(format!(
                    "the name of the column \"{}\" cannot be written in {}",
                    show(name),
                    form.encoding.name()
                ))
            })?;
            form.dialect.write_text(&mut line, name);
        }
        form.dialect.end_line(&mut line, start);
        Ok(line)
    }
}

fn unique(names: Vec<Box<str>>) -> Result<Vec<Box<str>>> {
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(&***name)) {
        None => Ok(names),
        Some(twice) => Err(Error::config(format!(
            "the column \"{}\" is duplicated in the header",
            show(twice)
        ))),
    }
}

/// What a file begins with.
pub(crate) struct Found {
    /// None when the file has no rows at all.
    pub(crate) names: Vec<Box<str>>,
    /// How its first line ends.
    pub(crate) terminator: Option<LineEnd>,
    /// Whether it begins with a byte order mark.
    pub(crate) marked: bool,
}

impl Found {
    /// Whether rows of the stream can have been written below this header. One that has none of the stream's columns
    /// is more likely a row of a file without header, or has another delimiter or quote than the settings say.
    pub(crate) fn check(&self, schema: &StreamSchema, form: &Form) -> Result<()> {
        let names: HashSet<&str> = self.names.iter().map(|name| &**name).collect();
        let known = |column: &melisma_sdk::schema::Column| names.contains(&*column.name);
        if names.is_empty() || schema.columns.is_empty() || schema.columns.iter().any(known) {
            return Ok(());
        }
        let delimiter = char::from(form.dialect.delimiter).to_string();
        Err(Error::input(format!(
            "expected a header with a column of the stream (see the settings delimiter and quotechar), found \"{}\"",
            show(&self.names.join(&delimiter))
        )))
    }
}

/// Reads the header of a file, and sees whether the file can be in the encoding of the settings.
pub(crate) fn read(file: impl Read, form: &Form) -> Result<Found> {
    let dialect = &form.dialect;
    let mut reader = ReaderBuilder::new()
        .delimiter(dialect.delimiter)
        .quote(dialect.quote)
        .escape(dialect.escape)
        .double_quote(dialect.double_quote)
        .build();
    let mut file = file.take(LONGEST);
    let mut chunk = vec![0; 64 * 1024];
    let (mut text, mut ends) = (vec![0; 4096], vec![0; 128]);
    let (mut written, mut fields) = (0, 0);
    let cannot = |error| Error::io("cannot read the header", error);
    let (mut from, mut to) = (0, file.read(&mut chunk).map_err(cannot)?);
    check_encoding(&chunk[..to], form.encoding)?;
    let marked = chunk[..to].starts_with(MARK);
    // The byte before the one that was read last.
    let mut last = 0;
    loop {
        if from == to {
            to = file.read(&mut chunk).map_err(cannot)?;
            from = 0;
        }
        let (result, read, out, end) =
            reader.read_record(&chunk[from..to], &mut text[written..], &mut ends[fields..]);
        if read > 0 {
            last = if read > 1 { chunk[from + read - 2] } else { last };
        }
        (from, written, fields) = (from + read, written + out, fields + end);
        match result {
            ReadRecordResult::InputEmpty => last = if read > 0 { chunk[from - 1] } else { last },
            ReadRecordResult::OutputFull => text.resize(text.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::End => {
                return Ok(Found {
                    names: Vec::new(),
                    terminator: None,
                    marked,
                });
            }
            ReadRecordResult::Record => {
                let end = if read > 0 { chunk[from - 1] } else { 0 };
                if end == b'\r' && from == to {
                    to = file.read(&mut chunk).map_err(cannot)?;
                    from = 0;
                }
                let terminator = match (last, end, chunk[from..to].first()) {
                    (b'\r', b'\n', _) | (_, b'\r', Some(b'\n')) => Some(LineEnd::CrLf),
                    (_, b'\n', _) => Some(LineEnd::Lf),
                    (_, b'\r', _) => Some(LineEnd::Cr),
                    _ => None,
                };
                if terminator.is_none() && file.limit() == 0 {
                    return Err(Error::input(format!(
                        "expected a header of at most {LONGEST} bytes, found a longer first line"
                    )));
                }
                return Ok(Found {
                    names: names(&text, &ends[..fields], form),
                    terminator,
                    marked,
                });
            }
        }
    }
}

/// Refuses a file that is not text in the encoding of the settings: rows in another one would be added to it, and its
/// header could not be written again.
fn check_encoding(start: &[u8], encoding: Encoding) -> Result<()> {
    let found = if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") {
        "the byte order mark of UTF-16"
    } else if start.contains(&0) {
        "bytes that are no text"
    } else if start.starts_with(MARK) && !encoding.is_utf8() {
        "the byte order mark of UTF-8"
    } else if encoding.fits(start) {
        return Ok(());
    } else {
        "bytes of another encoding"
    };
    let header = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let below = found == "bytes of another encoding" && encoding.fits(header);
    let part = if below { "rows" } else { "a header" };
    Err(Error::input(format!(
        "expected {part} in {} (see the setting encoding), found {found}",
        encoding.name()
    )))
}

fn names(text: &[u8], ends: &[usize], form: &Form) -> Vec<Box<str>> {
    let mut start = 0;
    let mut names = Vec::with_capacity(ends.len());
    for &end in ends {
        let name = &text[start..end];
        let name = if start == 0 {
            name.strip_prefix(MARK).unwrap_or(name)
        } else {
            name
        };
        names.push(form.encoding.decode(name).into());
        start = end;
    }
    names
}
