//! CSV: rows of texts, each an object with the names of the header.

use std::str;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use simd_json::{Node, StaticNode};

use super::{decode, encoding};

/// How lines are cut into values.
#[derive(Clone, Debug)]
pub struct Csv {
    delimiter: u8,
    quote: u8,
    columns: Option<Vec<String>>,
    nulls: Vec<String>,
    encoding: Option<String>,
}

impl Default for Csv {
    /// Commas, double quotes, UTF-8, and a header in the first line.
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: b'"',
            columns: None,
            nulls: Vec::new(),
            encoding: None,
        }
    }
}

impl Csv {
    /// What stands between two values.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// What values with a delimiter in them stand in.
    #[must_use]
    pub fn quote(mut self, quote: u8) -> Self {
        self.quote = quote;
        self
    }

    /// The names of the columns, where the first line is no header.
    #[must_use]
    pub fn columns<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.columns = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Texts that mean null.
    #[must_use]
    pub fn nulls<N: Into<String>>(mut self, texts: impl IntoIterator<Item = N>) -> Self {
        self.nulls = texts.into_iter().map(Into::into).collect();
        self
    }

    /// The encoding, by its name on the web: `windows-1252`.
    #[must_use]
    pub fn encoding(mut self, name: impl Into<String>) -> Self {
        self.encoding = Some(name.into());
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.delimiter == self.quote
            || [self.delimiter, self.quote]
                .iter()
                .any(|byte| b"\r\n".contains(byte))
        {
            return Err(Error::config(
                "csv: delimiter and quote are two letters, and none is a line end",
            ));
        }
        if let Some(names) = &self.columns {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            check_header(&names).map_err(|error| Error::config(format!("csv: {}", error.message())))?;
        }
        self.encoding
            .as_deref()
            .map_or(Ok(()), |label| encoding(label).map(|_| ()))
    }

    /// A tape of all rows.
    pub(super) fn parse<'b>(&'b self, body: &'b mut Vec<u8>) -> Result<Vec<Node<'b>>> {
        let cut = Cut::of(self, body)?;
        *body = cut.bytes;
        let text = str::from_utf8(body).map_err(|error| Error::bug("CSV of UTF-8").with_source(error))?;
        let mut rows = Fields {
            text,
            ends: &cut.ends,
            start: 0,
        };
        let mut counts = cut.rows.iter();
        let header: Vec<&str> = match &self.columns {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => match counts.next() {
                Some((_, fields)) => rows.take(*fields).collect::<Result<_>>()?,
                None => Vec::new(),
            },
        };
        check_header(&header)?;
        let mut nodes = Vec::with_capacity(cut.rows.len() * (2 * header.len() + 1) + 1);
        nodes.push(Node::Array { len: 0, count: 0 });
        let mut length = 0;
        for (line, fields) in counts {
            if *fields != header.len() {
                let expected = header.len();
                return Err(Error::input(format!(
                    "line {line}: expected {expected} values, as the header has, found {fields}"
                )));
            }
            nodes.push(Node::Object {
                len: *fields,
                count: 2 * fields,
            });
            for (name, field) in header.iter().zip(rows.take(*fields)) {
                let field = field?;
                nodes.push(Node::String(name));
                nodes.push(if self.nulls.iter().any(|null| null == field) {
                    Node::Static(StaticNode::Null)
                } else {
                    Node::String(field)
                });
            }
            length += 1;
        }
        let count = nodes.len() - 1;
        nodes[0] = Node::Array { len: length, count };
        Ok(nodes)
    }
}

/// Names that are there once, or a record would have one twice.
fn check_header(header: &[&str]) -> Result<()> {
    for (at, name) in header.iter().enumerate() {
        if header[..at].contains(name) {
            return Err(Error::input(format!(
                "two columns have the name {}; say their names (columns)",
                show(name)
            )));
        }
    }
    Ok(())
}

/// The values of all rows, one behind the other.
struct Cut {
    bytes: Vec<u8>,
    /// Where each value ends.
    ends: Vec<usize>,
    /// The line that each row begins in, and how many values it has.
    rows: Vec<(u64, usize)>,
}

impl Cut {
    fn of(csv: &Csv, body: &[u8]) -> Result<Self> {
        let text = decode(body, csv.encoding.as_deref())?;
        let mut reader = ReaderBuilder::new()
            .delimiter(csv.delimiter)
            .quote(csv.quote)
            .build();
        let mut cut = Self {
            // No value is longer than it is written.
            bytes: vec![0; text.len() + 1],
            ends: Vec::new(),
            rows: Vec::new(),
        };
        cut.read(&mut reader, text.as_bytes())?;
        Ok(cut)
    }

    fn read(&mut self, reader: &mut Reader, text: &[u8]) -> Result<()> {
        let mut ends = vec![0; 64];
        let (mut read, mut written, mut row, mut fields) = (0, 0, 0, 0);
        let (mut line, mut counted) = (1, 0);
        loop {
            if fields == 0 {
                // Empty lines are no rows.
                let empty = text[read..].iter().take_while(|byte| b"\r\n".contains(byte));
                read += empty.count();
                line += lines(&text[counted..read]);
                counted = read;
            }
            let (result, used, out, ended) =
                reader.read_record(&text[read..], &mut self.bytes[written..], &mut ends[fields..]);
            read += used;
            written += out;
            fields += ended;
            match result {
                // The next call has no input, which is the end.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputEndsFull => ends.resize(2 * ends.len(), 0),
                ReadRecordResult::OutputFull => return Err(Error::bug("CSV that grows")),
                ReadRecordResult::Record => {
                    self.ends.extend(ends[..fields].iter().map(|end| row + end));
                    self.rows.push((line, fields));
                    (row, fields) = (written, 0);
                }
                ReadRecordResult::End => {
                    self.bytes.truncate(written);
                    return Ok(());
                }
            }
        }
    }
}

fn lines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Walks through the values.
struct Fields<'b, 'e> {
    text: &'b str,
    ends: &'e [usize],
    start: usize,
}

impl<'b> Fields<'b, '_> {
    fn take(&mut self, fields: usize) -> impl Iterator<Item = Result<&'b str>> {
        (0..fields).map(move |_| {
            let (end, rest) = self
                .ends
                .split_first()
                .ok_or_else(|| Error::bug("a row without its values"))?;
            let field = self.text.get(self.start..*end);
            (self.ends, self.start) = (rest, *end);
            field.ok_or_else(|| Error::input("a delimiter is within a letter"))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::json::Json;
    use super::*;

    fn parsed(csv: &Csv, body: &[u8]) -> Result<Value> {
        let mut body = body.to_vec();
        let nodes = csv.parse(&mut body)?;
        Ok(Json::root(&nodes).to_value())
    }

    #[test]
    fn rows_are_objects_of_texts() {
        let body = "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n\r\n,é\n".as_bytes();
        assert_eq!(
            parsed(&Csv::default(), body).expect("CSV"),
            json!([{"a": "1", "b": "x, \"y\"\nz"}, {"a": "", "b": "é"}])
        );
        for empty in ["", "a,b\n", "\n\n"] {
            assert_eq!(parsed(&Csv::default(), empty.as_bytes()).expect("CSV"), json!([]));
        }
        let many: Vec<String> = (0..200).map(|n| format!("c{n}")).collect();
        let wide = many.join(",");
        let page = parsed(&Csv::default(), format!("{wide}\n{wide}").as_bytes()).expect("CSV");
        assert_eq!(page[0]["c199"], "c199");
    }

    #[test]
    fn delimiters_quotes_names_nulls_and_encodings_may_be_others() {
        let csv = Csv::default()
            .delimiter(b';')
            .quote(b'\'')
            .columns(["a", "b"])
            .nulls(["-"])
            .encoding("windows-1252");
        assert_eq!(
            parsed(&csv, b"1;'x;y'\n-;\xe9\n").expect("CSV"),
            json!([{"a": "1", "b": "x;y"}, {"a": null, "b": "é"}])
        );
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for (body, says) in [
            (
                "a,b\n1,2\n\n3\n".as_bytes(),
                "line 4: expected 2 values, as the header has, found 1",
            ),
            (b"a,a\n", "two columns have the name a"),
            (b"a\n\xff\n", "it is not UTF-8"),
        ] {
            let error = parsed(&Csv::default(), body).expect_err("no table").to_string();
            assert!(error.contains(says), "{error}");
        }
        for wrong in [
            Csv::default().encoding("utf-99"),
            Csv::default().delimiter(b'"'),
            Csv::default().columns(["a", "a"]),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
