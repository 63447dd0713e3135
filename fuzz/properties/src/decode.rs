//! The decoder, the rows, the Arrow columns and the JSON lines of a record, against the naive reader of JSON.
//!
//! The first two bytes choose the schema, whether records are checked, and what becomes of properties that the schema does
//! not declare; the rest are lines, each of which is one
//! record. The decoder sees them one after another, so that each is read in the expectation of the keys of the ones
//! before; a decoder of its own reads each as well, and the two must not differ.

use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use melisma_engine::columns::{ColumnOptions, Columns, Numbers};
use melisma_engine::decode::{DecodeOptions, Decoder, Undeclared};
use melisma_engine::encode::Encoder;
use melisma_engine::json::MAX_DEPTH;
use melisma_engine::rows::Rows;
use melisma_engine::schema::{DataType, Metadata, StreamSchema};
use melisma_sdk::files::Pool;
use melisma_sdk::{Cell, Row};
use target_jsonl::JsonlEncoder;

use crate::input::Input;
use crate::reference::{self, Json};

/// Lines of one input that are looked at.
const LINES: usize = 12;

static SCHEMAS: LazyLock<Vec<Arc<StreamSchema>>> = LazyLock::new(|| {
    let long = |n: usize| {
        format!(
            "\"key_{}{n}{}\":{{}}",
            "x".repeat(n % 5 * 7),
            "_end".repeat(n % 3)
        )
    };
    let many = (0..40).map(long).collect::<Vec<_>>().join(",");
    let schemas = [
        (r#"{"a":{},"b":{},"c":{}}"#.to_owned(), "", ""),
        (
            r#"{"id":{"type":"integer"},"name":{"type":["string","null"],"maxLength":5},"price":{"type":"number"},
                "ok":{"type":"boolean"},"at":{"type":"string","format":"date-time"},"day":{"type":"string","format":"date"},
                "clock":{"type":"string","format":"time"},"sum":{"type":["string","number"],"format":"singer.decimal",
                "precision":12,"scale":3},"list":{"type":"array","items":{"type":"integer"}},
                "inner":{"type":"object","properties":{"x":{"type":"string"}},"required":["x"]},
                "mixed":{"type":["string","integer","null"]}}"#
                .to_owned(),
            "id",
            r#","required":["name"],"additionalProperties":false"#,
        ),
        (
            r#"{"":{},"\"a":{},"é":{},"\\":{},"\u0000":{},"a":{},"aa":{},"ab":{}}"#.to_owned(),
            "a",
            "",
        ),
        (format!("{{{many}}}"), "", ""),
    ];
    let compile = |(properties, key, more): (String, &str, &str)| {
        let text = format!("{{\"properties\":{properties}{more}}}");
        let keys: Vec<&str> = [key].into_iter().filter(|key| !key.is_empty()).collect();
        Arc::new(StreamSchema::compile("s", &text, &keys, &[]).expect("a schema of this module"))
    };
    schemas.into_iter().map(compile).collect()
});

/// See the [module](self).
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let schema = &SCHEMAS[input.below(SCHEMAS.len())];
    let flags = input.byte();
    let options = DecodeOptions {
        validate: flags & 1 == 1,
        unescape: flags & 2 == 2,
        record_only: false,
        undeclared: [
            Undeclared::Drop,
            Undeclared::Keep,
            Undeclared::Collect,
            Undeclared::Refuse,
        ][usize::from(flags >> 2 & 3)],
    };
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let decoder = || Decoder::new(schema, options).expect("a decoder of this module");
    let mut warm = decoder();
    let mut encoders = Encoders::new(schema);
    let mut on_fast_path = OnFastPath::new(schema, options);
    let mut taken: Vec<(Json, Vec<bool>)> = Vec::new();
    for line in text.split('\n').take(LINES) {
        reference::agrees_with_serde_json(line);
        let mut row = Row::default();
        let found = warm.decode(line, 0, &mut row);
        on_fast_path.take(line, found.ok(), &warm, &row);
        let (mut alone, mut row_alone) = (decoder(), Row::default());
        assert_eq!(found, alone.decode(line, 0, &mut row_alone), "{line}");
        let oracle = reference::parse_at(line, 0, MAX_DEPTH as usize)
            .filter(|(value, _)| matches!(value, Json::Object(_)));
        assert_eq!(found.ok(), oracle.as_ref().map(|(_, end)| *end), "{line}");
        let Some((record, end)) = oracle else { continue };
        assert_eq!(row.cells, row_alone.cells, "{line}");
        assert_eq!(row.untouched, row_alone.untouched, "{line}");
        assert_eq!(warm.violations(), alone.violations(), "{line}");
        assert_eq!(row.record, &line[..end]);
        let closed = schema.closed && options.validate || options.undeclared == Undeclared::Refuse;
        let keeps = options.undeclared == Undeclared::Keep && !closed;
        assert_eq!(row.untouched, is_untouched(schema, &record, keeps), "{line}");
        let listed = !closed && options.undeclared != Undeclared::Drop;
        assert!(is_undeclared(schema, &record, &row.undeclared, listed), "{line}");
        for (column, cell) in schema.columns.iter().zip(&row.cells) {
            if let Cell::Text(text) = cell
                && let Some(found) = row.text(text)
            {
                assert_eq!(found, text.to_text(), "{line}");
            }
            let integer = matches!(column.data_type, DataType::Integer { .. });
            assert!(
                is_cell_of(cell, record.get(&column.name), integer),
                "{}: {cell:?} in {line}",
                column.name
            );
        }
        let refused = encoders.push(&row);
        taken.push((record, refused));
    }
    encoders.check(schema, &taken, &on_fast_path.columns.finish().expect("columns"));
}

/// A decoder that puts values right into columns, and one that wants only the record.
struct OnFastPath {
    decoder: Decoder,
    columns: Columns,
    checker: Decoder,
}

impl OnFastPath {
    fn new(schema: &Arc<StreamSchema>, options: DecodeOptions) -> Self {
        let decoder = |options| Decoder::new(schema, options).expect("a decoder of this module");
        Self {
            decoder: decoder(options),
            columns: Columns::new(schema, ColumnOptions::default()),
            checker: decoder(DecodeOptions {
                record_only: true,
                ..options
            }),
        }
    }

    /// Reads a line, of which another decoder has found the end, violations and row.
    fn take(&mut self, line: &str, found: Option<usize>, other: &Decoder, other_row: &Row<'_>) {
        // It looks at values only where more text follows.
        let line = format!("{line}{}", " ".repeat(64));
        let mut row = Row::default();
        let end = self.decoder.decode_into(&line, 0, &mut row, &mut self.columns);
        assert_eq!(end.ok(), found, "{line}");
        if found.is_some() {
            assert_eq!(self.decoder.violations(), other.violations(), "{line}");
            // Refused or not, the other columns do the same.
            let _ = self.columns.push(&row);
        }
        let end = self.checker.decode(&line, 0, &mut row);
        assert_eq!(end.ok(), found, "{line}");
        if found.is_some() {
            assert_eq!(self.checker.violations(), other.violations(), "{line}");
            assert_eq!(row.untouched, other_row.untouched, "{line}");
            assert!(
                row.untouched && row.cells.is_empty() || row.cells == other_row.cells,
                "{line}"
            );
        }
    }
}

/// Whether these members are the properties outside the schema, if they are listed, and of two with one name the last.
fn is_undeclared(schema: &StreamSchema, record: &Json, members: &[&str], listed: bool) -> bool {
    let text = format!("{{{}}}", members.join(","));
    let Some(Json::Object(found)) = reference::parse(&text, MAX_DEPTH as usize) else {
        return false;
    };
    let Json::Object(all) = record else {
        return false;
    };
    let mut outside: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    outside.retain(|name| listed && schema.column(name).is_none() && !is_metadata(name));
    outside.sort_unstable();
    outside.dedup();
    outside.len() == found.len() && found.iter().all(|(name, value)| record.get(name) == Some(value))
}

/// Whether a target has a column of its own for such a property.
fn is_metadata(name: &str) -> bool {
    Metadata::ALL.iter().any(|metadata| metadata.name() == name)
}

/// Whether a record may be passed on as it is: no property outside the schema, unless those are kept, and none twice.
fn is_untouched(schema: &StreamSchema, record: &Json, keeps: bool) -> bool {
    let Json::Object(members) = record else {
        return false;
    };
    let is_known = |name: &str| schema.column(name).is_some() || keeps && !is_metadata(name);
    let known = members.iter().all(|(name, _)| is_known(name));
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    known && names.windows(2).all(|pair| pair[0] != pair[1])
}

/// Whether a cell stands for a value; in a column of integers other spellings of one are turned into it.
pub fn is_cell_of(cell: &Cell<'_>, value: Option<&Json>, integer: bool) -> bool {
    match (cell, value) {
        (Cell::Absent, None) | (Cell::Null, Some(Json::Null)) => true,
        (Cell::Bool(found), Some(Json::Bool(expected))) => found == expected,
        (Cell::Int(found), Some(Json::Number(digits))) => {
            let plain = digits.parse::<i64>().ok().filter(|_| digits != "-0");
            plain.or_else(|| as_integer(digits).filter(|_| integer)) == Some(*found)
        }
        (Cell::Number(found), Some(Json::Number(digits))) => {
            let small = as_integer(digits).is_some_and(|_| integer && digits.len() < 30);
            *found == digits && !small && (digits == "-0" || digits.parse::<i64>().is_err())
        }
        (Cell::Text(found), Some(Json::Text(expected))) => found.to_text() == *expected,
        (Cell::Json(found), Some(expected @ (Json::Array(_) | Json::Object(_)))) => {
            reference::parse(found, MAX_DEPTH as usize).as_ref() == Some(expected)
        }
        _ => false,
    }
}

/// The integer that digits stand for, however they are spelled.
fn as_integer(digits: &str) -> Option<i64> {
    scaled(digits, 0).and_then(|value| i64::try_from(value).ok())
}

/// The number times ten to the `scale`, when that is an integer of 128 bits.
fn scaled(digits: &str, scale: i64) -> Option<i128> {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (negative, mantissa) = mantissa
        .strip_prefix('-')
        .map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let kept = all.trim_end_matches('0');
    if kept.is_empty() {
        return Some(0);
    }
    let power =
        exponent.parse::<i64>().ok()? - fraction.len() as i64 + (all.len() - kept.len()) as i64 + scale;
    let value: i128 = kept.trim_start_matches('0').parse().ok()?;
    let value = value.checked_mul(10_i128.checked_pow(u32::try_from(power).ok()?)?)?;
    Some(if negative { -value } else { value })
}

/// What makes something of rows.
struct Encoders {
    rows: Rows,
    lines: JsonlEncoder,
    columns: [Columns; 2],
}

impl Encoders {
    fn new(schema: &Arc<StreamSchema>) -> Self {
        let columns = |numbers| {
            let options = ColumnOptions {
                numbers,
                ..ColumnOptions::default()
            };
            Columns::new(schema, options)
        };
        Self {
            rows: Rows::new(schema),
            lines: JsonlEncoder::new(schema, &Arc::new(Pool::default())),
            columns: [columns(Numbers::Float), columns(Numbers::Digits)],
        }
    }

    /// Adds a row; says which of the columns refused it.
    fn push(&mut self, row: &Row<'_>) -> Vec<bool> {
        self.rows.push(row).expect("rows take all");
        self.lines.push(row).expect("lines take all");
        self.columns
            .iter_mut()
            .map(|columns| columns.push(row).is_err())
            .collect()
    }

    fn check(mut self, schema: &StreamSchema, records: &[(Json, Vec<bool>)], on_fast_path: &RecordBatch) {
        let rows = self.rows.finish().expect("rows");
        assert_eq!(rows.len(), records.len());
        let lines = self.lines.finish().expect("lines");
        let text = std::str::from_utf8(lines.bytes()).expect("UTF-8");
        for ((row, (record, _)), line) in rows.rows().zip(records).zip(text.lines()) {
            let written = reference::parse(line, MAX_DEPTH as usize).expect("JSON");
            for (column, cell) in schema.columns.iter().zip(row.cells()) {
                let value = record.get(&column.name);
                let integer = matches!(column.data_type, DataType::Integer { .. });
                assert!(is_cell_of(&cell, value, integer), "{}: {cell:?}", column.name);
                let again = written.get(&column.name);
                let same = again == value || integer && is_same_integer(again, value);
                assert!(same, "{}: {again:?} of {value:?}", column.name);
            }
            let Json::Object(members) = &written else {
                panic!("no object")
            };
            let of_record =
                |name: &str, value| schema.column(name).is_some() || record.get(name) == Some(value);
            assert!(members.iter().all(|(name, value)| of_record(name, value)));
        }
        assert_eq!(text.lines().count(), records.len());
        for (at, columns) in self.columns.iter_mut().enumerate() {
            let batch = columns.finish().expect("columns");
            let kept: Vec<&Json> = records
                .iter()
                .filter(|(_, refused)| !refused[at])
                .map(|(record, _)| record)
                .collect();
            check_batch(schema, &batch, &kept);
            if at == 0 {
                assert_eq!(&batch, on_fast_path);
            }
            let refused = records.iter().filter(|(_, refused)| refused[at]);
            for (record, _) in refused {
                assert!(is_refusable(schema, record, at == 0), "{record:?}");
            }
        }
    }
}

fn is_same_integer(a: Option<&Json>, b: Option<&Json>) -> bool {
    match (a, b) {
        (Some(Json::Number(a)), Some(Json::Number(b))) => {
            as_integer(a).is_some() && as_integer(a) == as_integer(b)
        }
        _ => false,
    }
}

/// Whether the columns have a reason to refuse a record: a value that is not of its column's type.
fn is_refusable(schema: &StreamSchema, record: &Json, floats: bool) -> bool {
    schema
        .columns
        .iter()
        .any(|column| match (column.data_type, record.get(&column.name)) {
            (_, None | Some(Json::Null)) => false,
            (DataType::Boolean, Some(value)) => !matches!(value, Json::Bool(_)),
            (DataType::Integer { .. }, Some(Json::Number(digits))) => {
                as_integer(digits).is_none() || digits.len() > 30
            }
            (DataType::Number, Some(Json::Number(digits))) => {
                floats && !digits.parse::<f64>().is_ok_and(f64::is_finite)
            }
            (DataType::Number, Some(_)) => floats,
            (DataType::Text { .. } | DataType::Uuid | DataType::Json, Some(_)) => false,
            _ => true,
        })
}

fn check_batch(schema: &StreamSchema, batch: &RecordBatch, records: &[&Json]) {
    assert_eq!(batch.num_rows(), records.len());
    for (column, array) in schema.columns.iter().zip(batch.columns()) {
        for (row, record) in records.iter().enumerate() {
            let value = record.get(&column.name).filter(|value| **value != Json::Null);
            assert_eq!(array.is_null(row), value.is_none(), "{}: {value:?}", column.name);
            if let Some(value) = value {
                let json = column.data_type == DataType::Json;
                assert!(is_in(array, row, value, json), "{}: {value:?}", column.name);
            }
        }
    }
}

/// Whether an array holds this value; one of JSON texts has strings with their quotes.
fn is_in(array: &dyn Array, row: usize, value: &Json, json: bool) -> bool {
    use arrow_array::types::Time64MicrosecondType;
    let digits = match value {
        Json::Number(digits) | Json::Text(digits) => digits.as_str(),
        _ => "",
    };
    if let Some(found) = array.as_boolean_opt() {
        return *value == Json::Bool(found.value(row));
    }
    if let Some(found) = array.as_primitive_opt::<Int64Type>() {
        return as_integer(digits) == Some(found.value(row));
    }
    if let Some(found) = array.as_primitive_opt::<Float64Type>() {
        return digits.parse::<f64>().is_ok_and(|value| value == found.value(row));
    }
    if let Some(found) = array.as_primitive_opt::<Decimal128Type>() {
        let expected = scaled(digits.trim_start_matches('+'), i64::from(found.scale()));
        return expected.is_none_or(|expected| expected == found.value(row));
    }
    if let Some(found) = array.as_string_opt::<i32>() {
        let found = found.value(row);
        return match value {
            Json::Text(text) if !json => found == text,
            other => reference::parse(found, MAX_DEPTH as usize).as_ref() == Some(other),
        };
    }
    if let Some(found) = array.as_primitive_opt::<Date32Type>() {
        let shown = found.value_as_date_text(row);
        return shown.is_none_or(|shown| digits.starts_with(&shown));
    }
    array.as_primitive_opt::<TimestampMicrosecondType>().is_some()
        || array.as_primitive_opt::<Time64MicrosecondType>().is_some()
}

/// A date as it is written, for the years that have four digits.
trait DateText {
    fn value_as_date_text(&self, row: usize) -> Option<String>;
}

impl DateText for arrow_array::Date32Array {
    fn value_as_date_text(&self, row: usize) -> Option<String> {
        // Howard Hinnant's civil_from_days.
        let z = i64::from(self.value(row)) + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (0..10_000)
            .contains(&year)
            .then(|| format!("{year:04}-{month:02}-{day:02}"))
    }
}
