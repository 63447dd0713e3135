//! What commands answer: text on stdout.

use std::io::{self, ErrorKind, Read};

use melisma_sdk::internal::protocol;
use melisma_sdk::{Error, Result};

/// Writes a text with a line break. A reader that wants no more of it, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<()> {
    copy(&mut format!("{text}\n").as_bytes())
}

/// Writes what `from` has, in the same way.
pub(super) fn copy(from: &mut impl Read) -> Result<()> {
    match io::copy(from, &mut protocol::stdout()?) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::io("cannot write to stdout", error))
        }
        _ => Ok(()),
    }
}

/// Rows under a header, in columns as wide as their widest cell.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(header[column].chars().count())
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let lines: Vec<String> = std::iter::once(line(&header))
        .chain(rows.iter().map(|row| line(row)))
        .collect();
    lines.join("\n")
}
