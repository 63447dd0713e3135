use proptest::prelude::*;

use super::*;
use crate::marks::{Cursor, is_escaped};
use crate::parse::Parser;

fn dialect(quote: Option<u8>) -> Dialect {
    Dialect {
        delimiter: b',',
        quote,
        escape: None,
        double_quote: true,
        skip_initial_space: false,
        strict: false,
    }
}

/// Rows as they are written, and some that are not right.
fn any_text() -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        6 => "[a-z0-9é]{0,12}",
        3 => "\"[a-z,\n 漢]{0,30}\"",
        1 => "\"[a,\r\t\\\\\"]{0,9}\"",
        1 => "[a\"'\r\t\\\\]{0,3}",
    ];
    let end = prop_oneof![6 => Just(","), 3 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")];
    prop::collection::vec((cell, end), 0..40)
        .prop_map(|cells| cells.into_iter().map(|(cell, end)| cell + end).collect())
}

proptest! {
    /// What is taken for a plain row is what the parser makes of it.
    #[test]
    fn plain_rows_are_those_of_the_parser(
        text in any_text(),
        quote in prop::sample::select(vec![Some(b'"'), Some(b'\''), None]),
    ) {
        let dialect = dialect(quote);
        let mut rows = PlainRows::new(text.as_bytes(), dialect);
        let (mut fast, mut slow) = (Parser::new(dialect), Parser::new(dialect));
        let mut start = 0;
        loop {
            let mut cursor = Cursor::new(text.as_bytes(), dialect.marks(), start);
            let step = slow.step(&text, &mut cursor, start, true);
            if let Some(row) = fast.plain_row(&mut rows, start) {
                prop_assert_eq!(row.step(), step);
                if let Step::Record(_) = step {
                    let record = fast.record(&text, row.plain, 1, 0);
                    let cells: Vec<_> = record.cells().collect();
                    let expected: Vec<_> = slow.record(&text, false, 1, 0).cells().collect();
                    prop_assert_eq!(fast.lines(), slow.lines());
                    prop_assert_eq!(row.plain, !cells.concat().bytes().any(is_escaped));
                    prop_assert_eq!(cells, expected);
                }
            }
            match step {
                Step::Record(end) | Step::Blank(end) => start = end,
                _ => break,
            }
        }
    }
}

#[test]
fn only_what_is_unusual_is_left_to_the_parser() {
    let usual = "1,\"a, b\",é\r\n,,\n\n\"two\nlines\",\"\"\n\\,\t,x\n";
    let text = usual.repeat(9);
    let mut rows = PlainRows::new(text.as_bytes(), dialect(Some(b'"')));
    let (mut start, mut ends) = (0, Vec::new());
    while let Some(row) = rows.row(start, &mut ends) {
        start = row.next;
    }
    assert!(
        text.len() - start < usual.len() + BLOCK,
        "{start} of {}",
        text.len()
    );
    for odd in ["a\"b,c\n", "\"a\"\"b\"\n", "\"a\" ,b\n", "a\rb\n", "\"a\rb\"\n"] {
        let text = odd.to_owned() + &text;
        let mut rows = PlainRows::new(text.as_bytes(), dialect(Some(b'"')));
        assert_eq!(rows.row(0, &mut ends), None, "{odd:?}");
        assert!(rows.row(odd.len(), &mut ends).is_some(), "{odd:?}");
    }
}
