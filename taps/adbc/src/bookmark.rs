//! Bookmarks as values of SQL.

use melisma_sdk::arrow::schema::DataType;
use melisma_sdk::arrow::write_date;
use melisma_sdk::{Error, Result, show};

use crate::declared::Declared;
use crate::kind::Kind;
use crate::sql::{Sql, literal as text_literal};
use crate::table::Column;

const DAY_MICROS: i64 = 86_400_000_000;

/// Whether the key is a date, a time or a moment that the database keeps as text.
pub(crate) fn is_text_of_sqlite(column: &Column) -> bool {
    matches!(
        column.kind,
        Kind::Declared(Declared::Date | Declared::Time | Declared::Timestamp)
    )
}

/// A bookmark, which is JSON, as a value to compare a column with: `CAST('7' AS BIGINT)`.
pub(crate) fn literal(sql: Sql, column: &Column, json: &str) -> Result<String> {
    let text: String = if json.starts_with('"') {
        serde_json::from_str(json)
            .map_err(|error| Error::config("the bookmark is not JSON").with_source(error))?
    } else {
        json.to_owned()
    };
    match sql {
        Sql::Sqlite => of_sqlite(column, &text),
        Sql::DuckDb => Ok(match &column.kind {
            Kind::Arrow(field) if is_binary(field.data_type()) => {
                format!("from_hex({})", text_literal(&text))
            }
            _ => cast(&text, &column.sql_type),
        }),
        Sql::Postgresql => Ok(match &column.kind {
            Kind::Arrow(field) if is_binary(field.data_type()) => {
                format!("decode({}, 'hex')", text_literal(&text))
            }
            _ => cast(&text, &column.sql_type),
        }),
        Sql::Snowflake => of_ansi(column, &text.replace('\\', "\\\\")),
        Sql::Ansi => of_ansi(column, &text),
    }
}

fn cast(text: &str, sql_type: &str) -> String {
    format!("CAST({} AS {sql_type})", text_literal(text))
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

fn of_sqlite(column: &Column, text: &str) -> Result<String> {
    let Kind::Declared(declared) = column.kind else {
        return Ok(text_literal(text));
    };
    Ok(match declared {
        Declared::Integer => cast(number(text)?, "INTEGER"),
        Declared::Real => cast(number(text)?, "REAL"),
        Declared::Numeric => cast(number(text)?, "NUMERIC"),
        Declared::Boolean => u8::from(text == "true").to_string(),
        Declared::Bytes if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => format!("x'{text}'"),
        Declared::Bytes => return Err(unexpected("hexadecimal digits", text)),
        _ => text_literal(text),
    })
}

/// The types that ANSI SQL names.
fn of_ansi(column: &Column, text: &str) -> Result<String> {
    let Kind::Arrow(field) = &column.kind else {
        return Ok(text_literal(text));
    };
    Ok(match field.data_type() {
        other if other.is_numeric() || matches!(other, DataType::Float16) => number(text)?.to_owned(),
        DataType::Boolean => text.to_uppercase(),
        DataType::Date32 | DataType::Date64 => cast(text, "DATE"),
        DataType::Time32(_) | DataType::Time64(_) => cast(text, "TIME"),
        DataType::Timestamp(_, None) => {
            let plain = text.trim_end_matches("+00:00").replace('T', " ");
            cast(&plain, "TIMESTAMP")
        }
        DataType::Timestamp(_, Some(_)) => cast(&text.replace('T', " "), "TIMESTAMP WITH TIME ZONE"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            text_literal(text)
        }
        other => {
            return Err(Error::config(format!(
                "expected a number, a text, a date or a moment, found the type {other}, whose values this SQL has no form for"
            )));
        }
    })
}

/// A number as SQL has it. A bookmark is a part of a file that others write.
fn number(text: &str) -> Result<&str> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
    if plain && text.parse::<f64>().is_ok() {
        Ok(text)
    } else {
        Err(unexpected("a number", text))
    }
}

#[cold]
fn unexpected(expected: &str, text: &str) -> Error {
    Error::config(format!(
        "expected {expected} as the bookmark, found {}",
        show(text)
    ))
}

/// The condition that a column is not before a moment: of SQLite by its own reading of texts that are moments, and true of those
/// that it does not read.
pub(crate) fn not_before(sql: Sql, column: &Column, name: &str, micros: i64) -> Result<String> {
    let (days, clock) = (micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
    let mut date = Vec::new();
    write_date(days, &mut date);
    let date = String::from_utf8_lossy(&date).into_owned();
    let (seconds, part) = (clock / 1_000_000, clock % 1_000_000);
    let moment = format!(
        "{date}T{:02}:{:02}:{:02}.{part:06}+00:00",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if sql == Sql::Sqlite {
        let moment = text_literal(&moment);
        return Ok(format!(
            "(julianday({name}) >= julianday({moment}) OR julianday({name}) IS NULL AND {name} IS NOT NULL)"
        ));
    }
    let is_date = match &column.kind {
        Kind::Arrow(field) => matches!(field.data_type(), DataType::Date32 | DataType::Date64),
        _ => false,
    };
    let value = literal(sql, column, &text_json(if is_date { &date } else { &moment }))?;
    Ok(format!("{name} >= {value}"))
}

fn text_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use melisma_sdk::arrow::schema::{Field, TimeUnit};

    use super::*;
    use crate::table::Cast;

    fn column(sql_type: &str, kind: Kind) -> Column {
        Column {
            name: "c".into(),
            quoted: "\"c\"".into(),
            sql_type: sql_type.into(),
            nullable: true,
            comment: None,
            kind,
            cast: Cast::None,
        }
    }

    fn arrow(sql_type: &str, data_type: DataType) -> Column {
        column(sql_type, Kind::Arrow(Field::new("c", data_type, true)))
    }

    #[test]
    fn bookmarks_are_values_of_their_column() {
        let is = |sql, column: &Column, json: &str, expected: &str| {
            assert_eq!(literal(sql, column, json).expect("a value"), expected);
        };
        let bigint = arrow("BIGINT", DataType::Int64);
        is(Sql::DuckDb, &bigint, "7", "CAST('7' AS BIGINT)");
        is(
            Sql::DuckDb,
            &bigint,
            "\"9007199254740993\"",
            "CAST('9007199254740993' AS BIGINT)",
        );
        is(Sql::Ansi, &bigint, "\"9007199254740993\"", "9007199254740993");
        is(
            Sql::DuckDb,
            &arrow("VARCHAR", DataType::Utf8),
            "\"it's\"",
            "CAST('it''s' AS VARCHAR)",
        );
        is(
            Sql::DuckDb,
            &arrow("BLOB", DataType::Binary),
            "\"00ff\"",
            "from_hex('00ff')",
        );
        let moment = arrow("x", DataType::Timestamp(TimeUnit::Microsecond, None));
        is(
            Sql::Ansi,
            &moment,
            "\"2024-02-29T10:00:00.000000+00:00\"",
            "CAST('2024-02-29 10:00:00.000000' AS TIMESTAMP)",
        );
        is(
            Sql::Sqlite,
            &column("INT", Kind::Declared(Declared::Integer)),
            "-5",
            "CAST('-5' AS INTEGER)",
        );
        is(
            Sql::Sqlite,
            &column("BLOB", Kind::Declared(Declared::Bytes)),
            "\"00ff\"",
            "x'00ff'",
        );
        for json in ["\"1 OR 1=1\"", "\"nan\"", "\"\""] {
            let error = literal(Sql::Ansi, &bigint, json).expect_err("refused");
            assert!(
                error.message().contains("expected a number as the bookmark"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_start_date_is_a_date_or_a_moment_as_the_column_is() {
        let micros = 1_709_200_800_500_000;
        let of = |sql, column: &Column| not_before(sql, column, "t.\"c\"", micros).expect("a condition");
        assert_eq!(
            of(Sql::DuckDb, &arrow("DATE", DataType::Date32)),
            "t.\"c\" >= CAST('2024-02-29' AS DATE)"
        );
        let moment = arrow("TIMESTAMP", DataType::Timestamp(TimeUnit::Microsecond, None));
        assert_eq!(
            of(Sql::DuckDb, &moment),
            "t.\"c\" >= CAST('2024-02-29T10:00:00.500000+00:00' AS TIMESTAMP)"
        );
        assert!(
            of(Sql::Sqlite, &column("DATE", Kind::Declared(Declared::Date)))
                .contains("julianday('2024-02-29T10")
        );
    }
}
