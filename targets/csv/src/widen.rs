//! Adding columns at the right of a file.

use std::io::{Read, Write};

use melisma_sdk::{Error, Result};

use crate::Form;
use crate::dialect::Dialect;
use crate::encoding::MARK;

/// Copies a file with another header, and every row filled up with nulls to `width` fields.
///
/// # Errors
/// A row with more fields or in another encoding, or a quoted field without end.
pub(crate) fn widen(
    read: &mut dyn Read,
    write: &mut dyn Write,
    form: &Form,
    header: &[u8],
    width: usize,
) -> Result<()> {
    let cannot = |error| Error::io("cannot add columns to the file", error);
    write.write_all(header).map_err(cannot)?;
    let mut copy = Copy {
        dialect: &form.dialect,
        width,
        place: Place::Start,
        fields: 1,
        row: 0,
        empty: true,
        out: Vec::new(),
    };
    let mut chunk = vec![0; 64 * 1024];
    let mut first = true;
    // The first bytes of a character whose others come with the next chunk.
    let mut begun = Vec::new();
    loop {
        let length = read.read(&mut chunk).map_err(cannot)?;
        if length == 0 {
            break;
        }
        let mut bytes = &chunk[..length];
        begun.extend_from_slice(bytes);
        if !form.encoding.fits(&begun) {
            return Err(Error::input(format!(
                "expected rows in {} (see the setting encoding), found bytes of another encoding behind row {}",
                form.encoding.name(),
                copy.row
            )));
        }
        let whole = std::str::from_utf8(&begun).map_or_else(|error| error.valid_up_to(), str::len);
        begun.drain(
            ..if form.encoding.is_utf8() {
                whole
            } else {
                begun.len()
            },
        );
        if std::mem::take(&mut first) {
            bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
        }
        for &byte in bytes {
            copy.byte(byte)?;
        }
        write.write_all(&copy.out).map_err(cannot)?;
        copy.out.clear();
    }
    copy.end()?;
    write.write_all(&copy.out).map_err(cannot)
}

/// Whether a file ends inside a quoted field, so that whatever is added would become a part of that field.
pub(crate) fn ends_in_quotes(mut read: impl Read, dialect: &Dialect) -> Result<bool> {
    let cannot = |error| Error::io("cannot read the file", error);
    let mut chunk = vec![0; 64 * 1024];
    let mut place = Place::Start;
    let mut first = true;
    loop {
        let length = read.read(&mut chunk).map_err(cannot)?;
        if length == 0 {
            return Ok(matches!(place, Place::Quoted | Place::Escaped { quoted: true }));
        }
        let mut bytes = &chunk[..length];
        if std::mem::take(&mut first) {
            bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
        }
        for &byte in bytes {
            let ends_row = matches!(byte, b'\n' | b'\r') && place.ends_field();
            place = if ends_row {
                Place::Start
            } else {
                place.after(byte, dialect)
            };
        }
    }
}

/// Where in a row the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of a field.
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside a quoted field: its end, or the first of two.
    Quote,
    /// Behind an escape, in a quoted field or in a plain one.
    Escaped {
        quoted: bool,
    },
    /// Behind a carriage return that ends a row; a line feed may belong to it.
    Return,
}

impl Place {
    /// Whether a delimiter here ends the field.
    fn ends_field(self) -> bool {
        matches!(self, Self::Start | Self::Plain | Self::Quote)
    }

    /// Where the byte after this one stands, which ends no row.
    fn after(self, byte: u8, dialect: &Dialect) -> Self {
        match (self, byte) {
            (_, byte) if self.ends_field() && byte == dialect.delimiter => Self::Start,
            (Self::Start, byte) if byte == dialect.quote => Self::Quoted,
            (Self::Quoted, byte) if byte == dialect.quote => Self::Quote,
            (Self::Quote, byte) if byte == dialect.quote && dialect.double_quote => Self::Quoted,
            (Self::Quoted, byte) if Some(byte) == dialect.escape => Self::Escaped { quoted: true },
            (Self::Start | Self::Plain, byte) if Some(byte) == dialect.escape => {
                Self::Escaped { quoted: false }
            }
            (Self::Quoted | Self::Escaped { quoted: true }, _) => Self::Quoted,
            _ => Self::Plain,
        }
    }
}

struct Copy<'a> {
    dialect: &'a Dialect,
    width: usize,
    place: Place,
    /// Fields of this row so far, the one at hand included.
    fields: usize,
    /// Rows before this one; row 0 is the old header, which is not copied.
    row: u64,
    /// Whether this line has no bytes so far.
    empty: bool,
    out: Vec<u8>,
}

impl Copy<'_> {
    fn byte(&mut self, byte: u8) -> Result<()> {
        if self.place == Place::Return {
            self.place = Place::Start;
            if byte == b'\n' {
                return self.end_row(b"\r\n");
            }
            self.end_row(b"\r")?;
        }
        let ends_field = self.place.ends_field();
        match byte {
            b'\n' if ends_field => return self.end_row(b"\n"),
            b'\r' if ends_field => {
                self.place = Place::Return;
                return Ok(());
            }
            byte if ends_field && byte == self.dialect.delimiter => self.fields += 1,
            _ => {}
        }
        self.place = self.place.after(byte, self.dialect);
        self.empty = false;
        if self.row > 0 {
            self.out.push(byte);
        }
        Ok(())
    }

    fn end_row(&mut self, terminator: &[u8]) -> Result<()> {
        let (empty, fields) = (self.empty, self.fields);
        (self.place, self.fields, self.empty) = (Place::Start, 1, true);
        if empty {
            // Readers skip it.
            return Ok(());
        }
        self.row += 1;
        if fields > self.width {
            return Err(Error::input(format!(
                "row {} of the file has {fields} fields, more than the {} columns of the new header",
                self.row, self.width
            )));
        }
        if self.row > 1 {
            for _ in fields..self.width {
                self.out.push(self.dialect.delimiter);
                self.dialect.write_null(&mut self.out);
            }
            self.out.extend_from_slice(terminator);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        match self.place {
            Place::Return => self.end_row(b"\r"),
            Place::Quoted | Place::Escaped { .. } => Err(Error::input(format!(
                "row {} of the file has a quoted field without end",
                self.row + 1
            ))),
            _ => self.end_row(self.dialect.terminator.bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::LineEnd;
    use crate::encoding::Encoding;

    fn widened(text: &str, null: &str, width: usize) -> Result<String> {
        let form = Form {
            dialect: Dialect::new(b',', b'"', None, true, LineEnd::Lf, null),
            encoding: Encoding::Utf8 { mark: false },
        };
        let mut out = Vec::new();
        widen(&mut text.as_bytes(), &mut out, &form, b"HEAD\n", width)?;
        Ok(String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn pads_every_row_to_the_width() {
        let rows = "a,b\n1,2\r\n\"x\n\"\"y\",\"\r\n\"\n\n3\n,\n5\" pipe,6";
        assert_eq!(
            widened(rows, "", 4).expect("padded"),
            "HEAD\n1,2,,\r\n\"x\n\"\"y\",\"\r\n\",,\n3,,,\n,,,\n5\" pipe,6,,\n"
        );
        assert_eq!(
            widened("\u{feff}\"a\nb\",c\n1,2\n", "\\N", 3).expect("padded"),
            "HEAD\n1,2,\\N\n"
        );
        assert_eq!(widened("", "", 3).expect("empty"), "HEAD\n");
        assert_eq!(widened("a\n1\r2\r", "", 2).expect("padded"), "HEAD\n1,\r2,\r");
    }

    #[test]
    fn refuses_what_it_can_not_align() {
        assert!(
            widened("a,b\n1,2,3\n", "", 2)
                .expect_err("too wide")
                .to_string()
                .contains("row 2 of the file")
        );
        assert!(
            widened("a,b\n1,\"2\n", "", 3)
                .expect_err("no end")
                .to_string()
                .contains("without end")
        );
    }

    #[test]
    fn a_quoted_field_without_end_is_seen() {
        let dialect = Dialect::new(b',', b'"', Some(b'!'), true, LineEnd::Lf, "");
        for (text, inside) in [
            ("", false),
            ("a,b\n1,\"x\n\"\"y\"", false),
            ("a,b\n1,\"x\ny", true),
            ("\u{feff}\"a", true),
            ("a\n\"x!\"", true),
            ("a\nx\"", false),
        ] {
            assert_eq!(
                ends_in_quotes(text.as_bytes(), &dialect).expect("readable"),
                inside,
                "{text}"
            );
        }
    }

    /// A character may stand across two reads.
    #[test]
    fn rows_in_another_encoding_are_refused() {
        let text = format!("a\n{}é\n", "x".repeat(64 * 1024 - 3));
        assert!(widened(&text, "", 2).is_ok());
        let form = Form {
            dialect: Dialect::new(b',', b'"', None, true, LineEnd::Lf, ""),
            encoding: Encoding::Utf8 { mark: false },
        };
        let error = widen(&mut &b"a\n1\ncaf\xe9\n"[..], &mut Vec::new(), &form, b"a,b\n", 2);
        let error = error.expect_err("Latin-1").to_string();
        assert!(error.contains("the setting encoding"), "{error}");
    }
}
