//! The reader of CSV, for `fuzz/properties`.

use std::io::Read;
use std::path::Path;

use melisma_sdk::Result;

use crate::dialect::Dialect;
use crate::encoding::Charset;
use crate::reader::{Flow, Reader};
use crate::source::Source;

/// How the CSV is written; see [`FileConfig`](crate::FileConfig).
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// `delimiter`
    pub delimiter: u8,
    /// `quotechar`
    pub quote: Option<u8>,
    /// `escapechar`
    pub escape: Option<u8>,
    /// `doublequote`
    pub double_quote: bool,
}

/// A record: the line it starts on, and its cells.
pub type Row = (u64, Vec<String>);

/// All records of UTF-8 text, read through a buffer of `window` bytes, which grows when it must.
pub fn rows(
    input: impl Read + 'static,
    shape: Shape,
    window: usize,
    max_row_bytes: usize,
) -> Result<Vec<Row>> {
    let dialect = Dialect {
        delimiter: shape.delimiter,
        quote: shape.quote,
        escape: shape.escape,
        double_quote: shape.double_quote,
        skip_initial_space: false,
        strict: false,
    };
    let source = Source::new(input, Charset::Utf8)
        .map_err(|error| melisma_sdk::Error::io("t.csv: cannot be read", error))?;
    let mut reader = Reader::with_window(Path::new("t.csv"), source, dialect, max_row_bytes, window);
    let mut rows = Vec::new();
    reader.read(|record| {
        rows.push((record.line, record.cells().map(str::to_owned).collect()));
        Ok(Flow::Next)
    })?;
    Ok(rows)
}
