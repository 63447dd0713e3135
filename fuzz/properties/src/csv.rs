//! tap-csv's rows, whatever the pieces that the file comes in and the size of the buffer; and in the usual dialect
//! against the `csv` crate.
//!
//! The first byte chooses the dialect, the second the buffer, the next four how much each read gives; then the file.

use tap_csv::fuzzing::{Row, Shape, rows};

use crate::input::Input;
use crate::lines::Pieces;

const MAX_ROW: usize = 1 << 16;

/// See the [module](self).
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let shape = Shape {
        delimiter: [b',', b';', b'\t', b'|'][usize::from(flags & 3)],
        quote: [Some(b'"'), Some(b'\''), None, Some(b'"')][usize::from(flags >> 2 & 3)],
        escape: [None, None, Some(b'\\'), None][usize::from(flags >> 4 & 3)],
        double_quote: flags & 64 == 0,
    };
    let window = 17 + input.below(100);
    let plan = input.take(4);
    let text = input.rest();
    let read =
        |pieces: Pieces, window| rows(pieces, shape, window, MAX_ROW).map_err(|error| error.to_string());
    let whole = read(Pieces::new(text, &[255]), 1 << 12);
    assert_eq!(
        read(Pieces::new(text, plan), window),
        whole,
        "in windows of {window}"
    );
    let Ok(text) = std::str::from_utf8(text) else {
        let utf16 = text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]);
        assert!(whole.is_err() || utf16, "bytes that are not UTF-8 were taken");
        return;
    };
    match whole {
        Ok(rows) => {
            check_lines(text, &rows);
            if shape.double_quote && shape.escape.is_none() {
                assert_eq!(cells(&rows), by_the_csv_crate(text, shape));
            }
        }
        Err(error) => assert!(
            error.contains("closing quote") && shape.quote.is_some()
                || error.contains("max_row_bytes") && text.len() > MAX_ROW,
            "{error}"
        ),
    }
}

fn cells(rows: &[Row]) -> Vec<Vec<String>> {
    rows.iter().map(|(_, cells)| cells.clone()).collect()
}

fn by_the_csv_crate(text: &str, shape: Shape) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(shape.delimiter)
        .quote(shape.quote.unwrap_or(b'"'))
        .quoting(shape.quote.is_some())
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|record| {
            let record = record.expect("UTF-8, of any length");
            record.iter().map(str::to_owned).collect()
        })
        .collect()
}

/// Each row starts on a line of its own, after the ones before.
fn check_lines(text: &str, rows: &[Row]) {
    let ends = text.matches(['\n', '\r']).count() as u64 - text.matches("\r\n").count() as u64;
    let mut last = 0;
    for (line, _) in rows {
        assert!(
            *line > last && *line <= ends + 1,
            "line {line} after {last} of {ends}"
        );
        last = *line;
    }
}
