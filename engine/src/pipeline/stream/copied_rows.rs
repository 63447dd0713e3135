//! Rows of a stream that come in forms of COPY ([`copied`]): handed to the encoder, or turned back into records.

use super::{Stream, Trouble};
use crate::copied::{self, Column, Records};
use crate::decode::MetadataValues;
use crate::encode::Encoder;
use crate::error::Error;
use crate::line::Line;
use crate::message::Record;
use crate::sink::Destination;

/// How the rows of a stream are read that come in forms of COPY.
pub(super) struct CopiedRows {
    columns: Box<[Column]>,
    /// The encoder takes the lines.
    direct: bool,
    /// The encoder takes the tuples.
    takes_tuples: bool,
    /// Makes the records of those that it does not take.
    records: Records,
    /// The memory of the record that a line is turned back into.
    record: Vec<u8>,
}

impl<D: Destination> Stream<D> {
    /// Rows may come in forms of COPY from here on.
    pub(in crate::pipeline) fn announce_copied(&mut self, columns: &[Column]) {
        self.copied = Some(CopiedRows {
            direct: self.encoder.takes_copied(columns),
            takes_tuples: self.encoder.takes_tuples(columns),
            columns: columns.into(),
            // Whether its key is null is asked of a record.
            records: Records::new(columns, &[""; 0]),
            record: Vec::new(),
        });
    }

    /// Hands such a row to the encoder.
    #[inline]
    pub(in crate::pipeline) fn push_copied(
        &mut self,
        line: &Line<'_>,
        record: &Record<'_>,
        extracted: &str,
        metadata: Option<MetadataValues<'_>>,
    ) -> Result<(), Trouble> {
        let fields = line.text.get(record.body..).unwrap_or_default();
        let Some(copied) = &self.copied else {
            return Err(Trouble::Line(Error::bug("a row came before its columns")));
        };
        if copied.direct {
            self.unmeasured += fields.len();
            if self.pass_on(extracted, metadata, |encoder, row| {
                encoder.push_copied(fields, row)
            })? {
                return Ok(());
            }
        }
        self.turn_back(line, record, extracted, metadata)
    }

    /// Hands a tuple to the encoder; `false` when it is to come as a line instead.
    #[inline]
    pub(in crate::pipeline) fn push_tuple(
        &mut self,
        tuple: &[u8],
        extracted: &str,
        metadata: Option<MetadataValues<'_>>,
    ) -> Result<bool, Trouble> {
        if !self.copied.as_ref().is_some_and(|copied| copied.takes_tuples) {
            return Ok(false);
        }
        let taken = self.pass_on(extracted, metadata, |encoder, row| encoder.push_tuple(tuple, row))?;
        if taken {
            self.unmeasured += tuple.len();
        }
        Ok(taken)
    }

    /// The line of the text format for a tuple; `None` when the bytes are no row of the stream.
    pub(in crate::pipeline) fn line_of_tuple(&self, tuple: &[u8]) -> Option<String> {
        let mut line = copied::head(copied::ROW, self.name());
        copied::write_fields(&self.copied.as_ref()?.columns, tuple, &mut line)?;
        String::from_utf8(line).ok()
    }

    /// Turns a row back into a record, and takes its usual way.
    fn turn_back(
        &mut self,
        line: &Line<'_>,
        record: &Record<'_>,
        extracted: &str,
        metadata: Option<MetadataValues<'_>>,
    ) -> Result<(), Trouble> {
        let Some(copied) = &mut self.copied else {
            return Ok(());
        };
        let mut text = std::mem::take(&mut copied.record);
        text.clear();
        let written = line
            .text
            .get(record.body..)
            .and_then(|fields| copied.records.write(fields, &mut text))
            .and_then(|()| String::from_utf8(text).ok());
        let Some(text) = written else {
            return Err(Trouble::Line(Error::input(
                "expected a row with the announced columns",
            )));
        };
        let at = line.at;
        let whole = Line { text: &text, at };
        let mut row = std::mem::take(&mut self.spare).recycle();
        let pushed = self.push(
            &whole,
            &Record::of_row(record.stream, extracted),
            &mut row,
            metadata,
        );
        self.spare = row.recycle();
        if let Some(copied) = &mut self.copied {
            copied.record = text.into_bytes();
        }
        pushed
    }

    /// The RECORD message for such a row, for the file of dead letters; `None` for any other line.
    #[cold]
    pub(in crate::pipeline) fn as_record(&self, line: &Line<'_>) -> Option<String> {
        let fields = line.text.strip_prefix(char::from(copied::ROW))?;
        let name = String::from_utf8(copied::head(copied::ROW, self.name())).ok()?;
        let fields = fields.strip_prefix(name.get(1..)?)?;
        let mut message = b"{\"type\":\"RECORD\",\"stream\":".to_vec();
        crate::json::write_string(&mut message, self.name());
        message.extend_from_slice(b",\"record\":");
        self.copied.as_ref()?.records.write(fields, &mut message)?;
        message.push(b'}');
        String::from_utf8(message).ok()
    }
}
