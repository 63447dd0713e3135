use std::io::Cursor as Bytes;

use proptest::prelude::*;

use super::*;
use crate::encoding::Charset;

type Rows = Vec<(u64, Vec<String>)>;

fn plain() -> Dialect {
    Dialect {
        delimiter: b',',
        quote: Some(b'"'),
        escape: None,
        double_quote: true,
        skip_initial_space: false,
        strict: false,
    }
}

fn read_with(input: &[u8], dialect: Dialect, window: usize, max_row: usize) -> Result<Rows> {
    let source = Source::new(Box::new(Bytes::new(input.to_vec())), Charset::Utf8).unwrap();
    let mut reader = Reader::with_window(Path::new("t.csv"), source, dialect, max_row, window);
    let mut rows = Vec::new();
    reader.read(|record| {
        rows.push((record.line, record.cells().map(str::to_owned).collect()));
        Ok(Flow::Next)
    })?;
    Ok(rows)
}

/// Reads with windows of several sizes, which must make no difference.
fn read(input: &str, dialect: Dialect) -> Result<Vec<Vec<String>>, String> {
    let whole = read_with(input.as_bytes(), dialect, 4096, 1 << 20).map_err(|error| error.to_string());
    for window in [17, 18, 19, 32, 65] {
        let parts = read_with(input.as_bytes(), dialect, window, 1 << 20).map_err(|error| error.to_string());
        assert_eq!(parts, whole, "{input:?} in windows of {window}");
    }
    whole.map(|rows| rows.into_iter().map(|(_, cells)| cells).collect())
}

fn rows(input: &str, dialect: Dialect) -> Vec<Vec<String>> {
    read(input, dialect).unwrap()
}

/// What Python's csv module makes of the same text, which is what the peers read.
#[test]
fn dialects_mean_what_python_means() {
    let p = plain();
    let escape = Dialect {
        escape: Some(b'\\'),
        ..p
    };
    let single = Dialect {
        double_quote: false,
        ..p
    };
    let cases: &[(&str, Dialect, &[&[&str]])] = &[
        ("a,b\n1,2\n", p, &[&["a", "b"], &["1", "2"]]),
        ("a,b\r\n1,2", p, &[&["a", "b"], &["1", "2"]]),
        ("a,b\r1,2\r", p, &[&["a", "b"], &["1", "2"]]),
        ("a,,\n,,\n", p, &[&["a", "", ""], &["", "", ""]]),
        ("\n\r\n\ra\n\n\"\"\n", p, &[&["a"], &[""]]),
        ("\"a,b\",\"c\"\"d\"\"\",\"\"", p, &[&["a,b", "c\"d\"", ""]]),
        ("\"a\nb\r\nc\",d\n", p, &[&["a\nb\r\nc", "d"]]),
        ("a\"b\",c\"\n", p, &[&["a\"b\"", "c\""]]),
        ("\"a\"b\"c\",\"x\" \n", p, &[&["ab\"c\"", "x "]]),
        ("\"a\"\"\"b,c", p, &[&["a\"b", "c"]]),
        ("a, b, \"c, d\"\n", p, &[&["a", " b", " \"c", " d\""]]),
        (
            "a, b,  \"c, d\"\n  \n",
            Dialect {
                skip_initial_space: true,
                ..p
            },
            &[&["a", "b", "c, d"], &[""]],
        ),
        ("a;b|c\n", Dialect { delimiter: b';', ..p }, &[&["a", "b|c"]]),
        (
            "a\tb,c\n",
            Dialect {
                delimiter: b'\t',
                ..p
            },
            &[&["a", "b,c"]],
        ),
        (
            "'a,''b',\"c\n",
            Dialect {
                quote: Some(b'\''),
                ..p
            },
            &[&["a,'b", "\"c"]],
        ),
        (
            "\"a,b\",c\n",
            Dialect { quote: None, ..p },
            &[&["\"a", "b\"", "c"]],
        ),
        ("a\\,b,c\\\\d,\\\"e\n", escape, &[&["a,b", "c\\d", "\"e"]]),
        (
            "\"a\\\"b\",\"c\\\nd\",e\\\nf\n",
            escape,
            &[&["a\"b", "c\nd", "e\nf"]],
        ),
        ("a\\\r\nb,c\n", escape, &[&["a\r\nb", "c"]]),
        ("\"a\\é\",\\ß\n", escape, &[&["aé", "ß"]]),
        ("a\\", escape, &[&["a"]]),
        ("\"a\"\"b\",c\n", single, &[&["a\"b\"", "c"]]),
        (
            "\"a\\\"b\",c\n",
            Dialect {
                escape: Some(b'\\'),
                ..single
            },
            &[&["a\"b", "c"]],
        ),
        ("", p, &[]),
        ("\n", p, &[]),
        (",", p, &[&["", ""]]),
    ];
    for (input, dialect, expected) in cases {
        assert_eq!(&rows(input, *dialect), expected, "{input:?}");
    }
}

#[test]
fn strict_refuses_text_after_a_closing_quote() {
    let strict = Dialect {
        strict: true,
        ..plain()
    };
    assert_eq!(rows("\"a\",\"b\"\n", strict), [["a", "b"]]);
    let error = read("x,y\nx,\"a\nb\"c\n", strict).unwrap_err();
    assert_eq!(
        error,
        "line 3, byte 11: t.csv: expected a delimiter or a line end after the closing quote"
    );
}

#[test]
fn a_quote_that_is_never_closed_is_told_where_it_opens() {
    let error = read("a,b\n1,\"2\n3,4\n", plain()).unwrap_err();
    assert_eq!(
        error,
        "line 2, byte 6: t.csv: expected a closing quote for the one that opens here, found the end of the file"
    );
}

#[test]
fn lines_are_those_on_which_records_start() {
    let rows = read_with(b"a\n\n\"b\nb\r\nb\rb\"\r\n\r\n\"c\\\n\"\n\"d\n", plain(), 17, 100);
    assert!(rows.is_err());
    let escape = Dialect {
        escape: Some(b'\\'),
        ..plain()
    };
    let rows = read_with(
        b"a\n\n\"b\nb\r\nb\rb\"\r\n\r\n\"c\\\n\"\nd\\\r\nd\ne\rf",
        escape,
        17,
        100,
    )
    .unwrap();
    let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 3, 8, 10, 12, 13]);
}

#[test]
fn a_row_may_be_as_long_as_the_limit_and_no_longer() {
    for window in [20, 50, 100, 200, 4096] {
        let row = format!("x\n\"{}\"\n", "y".repeat(97));
        let rows = read_with(row.as_bytes(), plain(), window, 100).unwrap();
        assert_eq!(rows[1].1[0].len(), 97);
        let error = read_with(row.as_bytes(), plain(), window, 99)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("line 2, byte 2: t.csv: a row of more than 99 bytes"),
            "{error}"
        );
        let error = read_with(
            format!("x\n\"{}", "y\n".repeat(9000)).as_bytes(),
            plain(),
            window,
            99,
        )
        .unwrap_err();
        assert!(error.to_string().contains("max_row_bytes"), "{error}");
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_told_by_line_and_byte() {
    for window in [17, 40, 4096] {
        let error = read_with(
            b"\xef\xbb\xbfa,b\n1,\"2\n\xc3\xa9\"\n3,\xff4\n",
            plain(),
            window,
            4096,
        )
        .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("line 4, byte 18: t.csv: expected UTF-8"),
            "{error}"
        );
        let error = read_with(b"a\n\xc3", plain(), window, 4096).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("line 2, byte 2: t.csv: expected UTF-8"),
            "{error}"
        );
    }
}

#[test]
fn skipped_lines_count() {
    for (input, skip, expected) in [
        ("x\n\"y\r\na,b\n", 2, Some((3, "a"))),
        ("x\r\ry\n", 2, Some((3, "y"))),
        ("x\ny", 2, None),
        ("x\n", 5, None),
    ] {
        for window in [17, 64] {
            let source = Source::new(Box::new(Bytes::new(input.as_bytes())), Charset::Utf8).unwrap();
            let mut reader = Reader::with_window(Path::new("t.csv"), source, plain(), 100, window);
            reader.skip_lines(skip).unwrap();
            let mut first = None;
            reader
                .read(|record| {
                    first = Some((record.line, record.get(0).unwrap().to_owned()));
                    Ok(Flow::Stop)
                })
                .unwrap();
            assert_eq!(
                first.as_ref().map(|(line, text)| (*line, text.as_str())),
                expected,
                "{input:?}"
            );
        }
    }
}

#[test]
fn stops_after_or_before_a_record() {
    let source = Source::new(Box::new(Bytes::new("a\nb\nc\n")), Charset::Utf8).unwrap();
    let mut reader = Reader::with_window(Path::new("t.csv"), source, plain(), 100, 64);
    let mut seen = Vec::new();
    for flow in [Flow::Stop, Flow::StopBefore, Flow::StopBefore, Flow::Next] {
        reader
            .read(|record| {
                seen.push(format!("{}{}", record.get(0).unwrap(), record.line));
                Ok(flow)
            })
            .unwrap();
    }
    assert_eq!(seen, ["a1", "b2", "b2", "b2", "c3"]);
}

proptest! {
    /// The csv crate is the judge of the default dialect; it takes an open quote at the end, which is refused here.
    #[test]
    fn reads_what_the_csv_crate_reads(input in "[ab,\"\n\ré]{0,80}") {
        let mut judge = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input.as_bytes());
        let expected: Vec<Vec<String>> =
            judge.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        match read(&input, plain()) {
            Ok(found) => prop_assert_eq!(found, expected),
            Err(error) => prop_assert!(error.contains("closing quote"), "{}", error),
        }
    }

    /// What is written by rule comes back, in every dialect.
    #[test]
    fn written_cells_come_back(
        cells in prop::collection::vec(prop::collection::vec("[ab;,'\"\n\r\\\\é ]{0,20}", 2..5), 1..6),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        quote in prop::sample::select(vec![b'"', b'\'']),
        double_quote: bool,
    ) {
        let escape = (!double_quote).then_some(b'\\');
        let dialect = Dialect { delimiter, quote: Some(quote), escape, double_quote, ..plain() };
        let (quote, delimiter) = (char::from(quote), char::from(delimiter));
        let mut input = String::new();
        for row in &cells {
            for (i, cell) in row.iter().enumerate() {
                if i > 0 { input.push(delimiter); }
                let inner = if double_quote {
                    cell.replace(quote, &format!("{quote}{quote}"))
                } else {
                    cell.replace('\\', "\\\\").replace(quote, &format!("\\{quote}"))
                };
                input.extend([&quote.to_string(), &inner, &quote.to_string()].map(String::as_str));
            }
            input.push('\n');
        }
        prop_assert_eq!(rows(&input, dialect), cells);
    }
}

proptest! {
    /// A cell that is said to be plain holds nothing that JSON escapes.
    #[test]
    fn plain_cells_are_plain(
        input in "[abé\t,;\"'\n\r\\\\\u{1}]{0,300}",
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        quote in prop::sample::select(vec![Some(b'"'), Some(b'\''), None]),
        escape in prop::sample::select(vec![Some(b'\\'), None]),
    ) {
        let dialect = Dialect { delimiter, quote, escape, ..plain() };
        let source = Source::new(Box::new(Bytes::new(input.clone().into_bytes())), Charset::Utf8).unwrap();
        let mut reader = Reader::with_window(Path::new("t.csv"), source, dialect, 1 << 20, 100);
        let mut wrong = Vec::new();
        let _ = reader.read(|record| {
            for at in 0..record.len() {
                let cell = record.cell(at).unwrap();
                let (text, plain) = (cell.text(), cell.plain);
                if plain && text.bytes().any(crate::marks::is_escaped) {
                    wrong.push(text.to_owned());
                }
            }
            Ok(Flow::Next)
        });
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
    }
}

#[test]
fn a_bad_byte_is_on_the_line_that_its_carriage_returns_say() {
    let text = b"a,b\r1,\r\nx,\xb4";
    for window in [17, 4096] {
        let error = read_with(text, plain(), window, 1 << 20).expect_err("not UTF-8");
        assert!(error.to_string().starts_with("line 3, byte 10: "), "{error}");
    }
}
