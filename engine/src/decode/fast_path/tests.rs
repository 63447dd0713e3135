use std::fmt::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use proptest::prelude::*;

use super::*;
use crate::columns::ColumnOptions;
use crate::decode::DecodeOptions;
use crate::encode::Encoder;
use crate::schema::StreamSchema;

const SCHEMA: &str = r#"{"properties": {
    "id": {"type": "integer"}, "price": {"type": ["number", "null"]}, "name": {"type": ["string", "null"]},
    "day": {"type": ["string", "null"], "format": "date"}, "short": {"type": ["string", "null"], "maxLength": 3},
    "ok": {"type": ["boolean", "null"]}, "at": {"type": ["string", "null"], "format": "date-time"},
    "any": {}, "never": {"type": ["string", "null"]}
}, "required": ["name"], "additionalProperties": OPEN}"#;

fn schema(open: bool) -> Arc<StreamSchema> {
    let text = SCHEMA.replace("OPEN", &open.to_string());
    Arc::new(StreamSchema::compile("s", &text, &["id"], &[]).expect("a schema"))
}

/// The keys in their usual order, each with values that are usual for it.
const USUAL: [(&str, &[&str]); 8] = [
    ("id", &["0", "7", "-12", "12345678", "123456789012345"]),
    ("price", &["0.5", "-0.25", "21168.23", "17", "12345678.25", "-3"]),
    (
        "name",
        &[
            r#""""#,
            r#""a""#,
            r#""é漢""#,
            r#""exactly sixteen!""#,
            r#""of thirty-two bytes, not one more""#,
        ],
    ),
    ("day", &[r#""2026-01-02""#, r#""1970-01-01""#]),
    ("short", &[r#""abc""#, r#""é""#]),
    ("ok", &["true", "false"]),
    ("at", &[r#""2026-01-02T03:04:05Z""#]),
    ("any", &["1", r#""x""#, "{\"a\": [1]}"]),
];

/// Values that are rare, wrong for some columns, or no JSON.
const RARE: &[&str] = &[
    "null",
    "1.0",
    "1e2",
    "-0",
    "-0.0",
    "0.0",
    "007",
    "-",
    "1.",
    "1.5e3",
    "12345678901234567",
    "99999999999999999999",
    "123456789.123456",
    r#""long enough that no window has its end, which it does not""#,
    r#""\n\u00e9""#,
    r#""\ud83d\ude00""#,
    r#""2026-02-30""#,
    r#""2026-1-2  ""#,
    r#""\"026-01-0""#,
    r#""abcd""#,
    "[]",
    "tru",
    r#""open"#,
    " 5",
];

#[derive(Clone, Debug)]
struct Line {
    text: String,
    /// Not pushed though it was decoded: what follows the record was wrong, say.
    dropped: bool,
    /// The batch ends after it.
    ends: bool,
}

prop_compose! {
    fn line()(
        values in prop::collection::vec((0..100_u8, any::<prop::sample::Index>()), USUAL.len()),
        change in 0..30_u8,
        (a, b) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        compact in 0..20_u8,
        cut in 0..40_u8,
        tail in 0..90_usize,
        fate in 0..20_u8,
    ) -> Line {
        let mut members: Vec<(&str, &str)> = Vec::new();
        for ((name, usual), (dice, pick)) in USUAL.iter().zip(&values) {
            match dice {
                0..90 => members.push((name, *pick.get(usual))),
                90..97 => members.push((name, *pick.get(RARE))),
                _ => {}
            }
        }
        let (count, between) = (members.len(), a.index(members.len() + 1));
        match change {
            0 if count > 0 => members.swap(a.index(count), b.index(count)),
            1 if count > 0 => members.push(members[a.index(count)]),
            2 => members.insert(between, ("extra", *b.get(RARE))),
            3 => members.insert(between, ("a_key_longer_than_any_window_can_look_at", "1")),
            _ => {}
        }
        let (comma, colon) = if compact == 0 { (",", ":") } else { (", ", ": ") };
        let mut text = String::from("{");
        for (at, (name, value)) in members.iter().enumerate() {
            let comma = if at == 0 { "" } else { comma };
            write!(text, "{comma}\"{name}\"{colon}{value}").expect("a String");
        }
        text.push('}');
        if cut == 0 {
            let at = a.index(text.len());
            text.truncate((0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
        }
        if cut == 1 {
            text = b.get(&["}", "", "{}", "]", "{"]).to_string();
        }
        text.extend(std::iter::repeat_n(' ', tail));
        Line { text, dropped: fate == 0, ends: fate == 1 }
    }
}

/// The log of what became of each line, and the batches.
fn run(
    schema: &Arc<StreamSchema>,
    lines: &[Line],
    validate: bool,
    fast: bool,
    undeclared: Undeclared,
) -> (Vec<String>, Vec<RecordBatch>, usize) {
    let options = DecodeOptions {
        validate,
        unescape: true,
        undeclared,
        ..DecodeOptions::default()
    };
    let mut decoder = Decoder::new(schema, options).expect("a decoder");
    let options = ColumnOptions {
        absent: true,
        ..ColumnOptions::default()
    };
    let mut columns = Columns::new(schema, options);
    let mut row = Row::default();
    let (mut log, mut batches, mut taken) = (Vec::new(), Vec::new(), 0);
    for line in lines {
        // The row may come from another stream.
        row.cells.fill(Cell::Int(99));
        let end = if fast {
            decoder.decode_into(&line.text, 0, &mut row, &mut columns)
        } else {
            decoder.decode(&line.text, 0, &mut row)
        };
        assert_eq!(end.is_ok(), is_json(&line.text), "{}", line.text);
        log.push(format!("{end:?} {:?}", decoder.violations()));
        if end.is_ok() && decoder.violations().is_empty() && !line.dropped {
            taken += usize::from(row.taken.0);
            let untouched = row.untouched;
            let pushed = columns.push(&row).map_err(|error| error.to_string());
            log.push(format!("{untouched} {} {pushed:?}", row.record));
            if undeclared == Undeclared::Collect {
                log.push(row.undeclared.join(","));
            }
        }
        log.push(format!("{:?} {}", decoder.take_unknown(), columns.rows()));
        if line.ends {
            batches.push(columns.finish().expect("a batch"));
        }
    }
    batches.push(columns.finish().expect("a batch"));
    (log, batches, taken)
}

fn undeclared() -> impl Strategy<Value = Undeclared> {
    let all = [
        Undeclared::Drop,
        Undeclared::Keep,
        Undeclared::Collect,
        Undeclared::Refuse,
    ];
    prop::sample::select(all.to_vec())
}

/// Whether a line starts with an object, and nothing is wrong with it.
fn is_json(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    matches!(values.next(), Some(Ok(serde_json::Value::Object(_))))
}

proptest! {
    /// Whether or not columns take values before the record is known to be right, the outcome is the same.
    #[test]
    fn columns_get_the_same_as_from_rows(
        lines in prop::collection::vec(line(), 1..40),
        validate: bool,
        open: bool,
        undeclared in undeclared(),
    ) {
        let (log, batches, _) = run(&schema(open), &lines, validate, true, undeclared);
        let (expected, expected_batches, _) = run(&schema(open), &lines, validate, false, undeclared);
        prop_assert_eq!(log, expected);
        prop_assert_eq!(batches, expected_batches);
    }
}

proptest! {
    /// Whoever wants only the record gets the same log of it, and has the cells of one that cannot be passed on.
    #[test]
    fn records_are_checked_the_same_without_cells(
        lines in prop::collection::vec(line(), 1..40),
        validate: bool,
        open: bool,
        undeclared in undeclared(),
    ) {
        let decoder = |record_only| {
            let options = DecodeOptions { validate, record_only, undeclared, ..DecodeOptions::default() };
            Decoder::new(&schema(open), options).expect("a decoder")
        };
        let (mut only, mut full) = (decoder(true), decoder(false));
        let (mut row, mut full_row) = (Row::default(), Row::default());
        for line in &lines {
            let end = only.decode(&line.text, 0, &mut row);
            prop_assert_eq!(end, full.decode(&line.text, 0, &mut full_row), "{}", &line.text);
            prop_assert_eq!(only.violations(), full.violations(), "{}", &line.text);
            prop_assert_eq!(only.take_unknown(), full.take_unknown());
            if end.is_ok() {
                prop_assert_eq!((row.untouched, row.record), (full_row.untouched, full_row.record));
                if !row.cells.is_empty() || !row.untouched {
                    prop_assert_eq!(&row.cells, &full_row.cells);
                    prop_assert_eq!(&row.undeclared, &full_row.undeclared);
                }
            }
        }
    }
}

#[test]
fn a_record_alone_has_no_cells_but_metadata_has() {
    let with_metadata = StreamSchema::clone(&schema(true)).with_metadata();
    let options = DecodeOptions {
        record_only: true,
        ..DecodeOptions::default()
    };
    for (schema, cells) in [(schema(true), 0), (Arc::new(with_metadata), 16)] {
        let mut decoder = Decoder::new(&schema, options).expect("a decoder");
        let text = format!(r#"{{"id": 1, "price": 0.5, "name": "x"}}{}"#, " ".repeat(64));
        let mut row = Row::default();
        for _ in 0..3 {
            decoder.decode(&text, 0, &mut row).expect("JSON");
        }
        assert_eq!((row.cells.len(), row.untouched), (cells, true));
    }
}

fn lines(texts: &[String]) -> Vec<Line> {
    let line = |text: &String| Line {
        text: text.clone(),
        dropped: false,
        ends: false,
    };
    texts.iter().map(line).collect()
}

#[test]
fn records_like_those_before_take_the_fast_path() {
    let tail = " ".repeat(64);
    let record =
        |n: usize| format!(r#"{{"id": {n}, "name": "n{n}", "price": {n}.25, "day": "2026-01-02"}}{tail}"#);
    let (_, batches, taken) = run(
        &schema(true),
        &lines(&(0..100).map(record).collect::<Vec<_>>()),
        true,
        true,
        Undeclared::Drop,
    );
    assert_eq!((batches[0].num_rows(), taken), (100, 99));
}

#[test]
fn records_in_ever_other_orders_are_seldom_tried() {
    let keys = ["id", "price", "name"];
    let record = |n: usize| {
        let mut keys = keys.to_vec();
        keys.rotate_left(n % 3);
        let members = keys.iter().map(|key| match *key {
            "name" => r#""name": "x""#.to_owned(),
            key => format!("\"{key}\": {n}"),
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    };
    let texts: Vec<String> = (0..3000).map(record).collect();
    let (_, batches, taken) = run(&schema(true), &lines(&texts), true, true, Undeclared::Drop);
    assert_eq!(batches[0].num_rows(), 3000);
    assert!(taken < 100, "{taken}");
}

#[test]
fn records_that_are_spelled_otherwise_from_here_on_take_the_fast_path_again() {
    let tail = " ".repeat(64);
    let compact = format!(r#"{{"id":1,"price":0.5,"name":"x"}}{tail}"#);
    let spaced = format!(r#"{{"id": 1, "price": 0.5, "name": "x"}}{tail}"#);
    let texts = [vec![spaced; 100], vec![compact; 100]].concat();
    let (_, _, taken) = run(&schema(true), &lines(&texts), true, true, Undeclared::Drop);
    assert!(taken > 190, "{taken}");
}

#[test]
fn a_row_keeps_no_text_of_those_before() {
    let schema = schema(true);
    let options = DecodeOptions {
        unescape: true,
        ..DecodeOptions::default()
    };
    let mut decoder = Decoder::new(&schema, options).expect("a decoder");
    let mut columns = Columns::new(&schema, ColumnOptions::default());
    let text = format!(r#"{{"id": 1, "price": 0.5, "name": "\u00e9"}}{}"#, " ".repeat(64));
    let mut row = Row::default();
    for _ in 0..100 {
        decoder
            .decode_into(&text, 0, &mut row, &mut columns)
            .expect("JSON");
        columns.push(&row).expect("a row");
    }
    assert!(row.taken.0);
    let one = format!("{:?}", row.unescaped);
    assert_eq!(one.matches('é').count(), 1, "{one}");
}

#[test]
fn what_lacks_its_brace_is_no_record() {
    let tail = " ".repeat(64);
    let texts = [
        r#"{"name": "x", "id": 1}"#,
        r#"{"name": "x", "id": 2}"#,
        "}",
        r#""name": "x", "id": 3}"#,
    ];
    let texts = texts.map(|text| format!("{text}{tail}"));
    let (_, batches, taken) = run(&schema(true), &lines(&texts), false, true, Undeclared::Drop);
    assert_eq!((batches[0].num_rows(), taken), (2, 1));
}

#[test]
fn an_unknown_property_that_came_first_in_a_bad_record_is_named_with_the_next() {
    let tail = " ".repeat(64);
    let texts = [
        r#""name": "x"}"#,
        r#""name": "x", "extra": -}"#,
        r#""name": "x", "extra": 1}"#,
    ]
    .map(|rest| format!(r#"{{"id": 1, {rest}{tail}"#));
    let log = |fast| run(&schema(true), &lines(&texts), true, fast, Undeclared::Drop).0;
    assert!(
        log(true).iter().any(|line| line.contains("extra\"]")),
        "{:?}",
        log(true)
    );
    assert_eq!(log(true), log(false));
}

#[test]
fn a_row_of_other_columns_is_refused() {
    let schema = schema(true);
    let mut decoder = Decoder::new(&schema, DecodeOptions::default()).expect("a decoder");
    let columns = || Columns::new(&schema, ColumnOptions::default());
    let (mut mine, mut other, mut row) = (columns(), columns(), Row::default());
    for _ in 0..2 {
        decoder
            .decode_into(r#"{"id": 1, "name": "x"}"#, 0, &mut row, &mut mine)
            .expect("JSON");
    }
    other.push(&row).expect_err("it has only a part of the row");
    mine.push(&row).expect("a row");
    mine.push(&row).expect_err("it has been pushed");
    assert_eq!(mine.finish().expect("a batch").num_rows(), 1);
}
