//! What columns of SQLite are declared as, and what that makes of their values.
//!
//! SQLite keeps a value of any type in any column; a declared type is a preference. Its driver gives a column the type of the
//! values in the first batch, and fails at a later value of another one. So each column is selected as what its declaration
//! says, in one type throughout ([`Declared::expression`]), and a value that cannot be that ends the run by the name of its
//! column. Dates, moments and times are text, which is checked here.

use melisma_sdk::arrow::{InvalidDates, ValueOptions};
use melisma_sdk::internal::time::{parse_date, parse_date_time, parse_time};
use melisma_sdk::internal::write_string;
use melisma_sdk::show;
use serde_json::{Value, json};

/// What a column is declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    Boolean,
    Integer,
    Real,
    /// Decimals and all other numbers, which SQLite keeps as integers, floats or text.
    Numeric,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    Json,
    /// Nothing, as columns of views that are computed.
    Any,
}

/// Why a value cannot be written.
pub(crate) type Wrong = String;

impl Declared {
    /// By the words of SQLite's own rules of affinity, and by those that applications use.
    pub(crate) fn of(sql_type: &str) -> Self {
        let name = sql_type.to_ascii_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match name.trim() {
            "" | "ANY" => Self::Any,
            "DATE" => Self::Date,
            "JSON" => Self::Json,
            _ if has(&["BOOL"]) => Self::Boolean,
            _ if has(&["DATETIME", "TIMESTAMP"]) => Self::Timestamp,
            time if time.split([' ', '(']).next() == Some("TIME") => Self::Time,
            _ if has(&["INT"]) => Self::Integer,
            _ if has(&["CHAR", "CLOB", "TEXT"]) => Self::Text,
            _ if has(&["BLOB"]) => Self::Bytes,
            _ if has(&["REAL", "FLOA", "DOUB"]) => Self::Real,
            _ => Self::Numeric,
        }
    }

    pub(crate) fn schema(self, options: ValueOptions) -> Value {
        let time = |format: &str| {
            if options.dates_as_strings {
                json!({"type": ["string"]})
            } else {
                json!({"type": ["string"], "format": format})
            }
        };
        match self {
            Self::Boolean => json!({"type": ["boolean"]}),
            Self::Integer => json!({"type": ["integer"]}),
            Self::Real | Self::Numeric => json!({"type": ["number"]}),
            Self::Text | Self::Any => json!({"type": ["string"]}),
            Self::Bytes => json!({"type": ["string"], "contentEncoding": "base16"}),
            Self::Date => time("date"),
            Self::Time => time("time"),
            Self::Timestamp => time("date-time"),
            Self::Json => json!({
                "type": ["string", "number", "integer", "array", "object", "boolean"], "additionalProperties": true,
            }),
        }
    }

    /// The column as SQL, in one type throughout.
    pub(crate) fn expression(self, column: &str) -> String {
        match self {
            Self::Integer | Self::Real | Self::Text | Self::Date | Self::Time | Self::Timestamp => {
                column.to_owned()
            }
            Self::Boolean => format!(
                "CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE CAST({column} AS TEXT) END"
            ),
            Self::Bytes => format!("CAST({column} AS BLOB)"),
            // Fifteen digits, or where they are another number, seventeen.
            Self::Numeric | Self::Json => format!(
                "CASE typeof({column}) WHEN 'real' THEN CASE WHEN CAST(CAST({column} AS TEXT) AS REAL) = {column} \
                 THEN CAST({column} AS TEXT) ELSE printf('%!.17g', {column}) END ELSE CAST({column} AS TEXT) END"
            ),
            Self::Any => format!(
                "CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) WHEN 'real' THEN \
                 CASE WHEN CAST(CAST({column} AS TEXT) AS REAL) = {column} THEN CAST({column} AS TEXT) \
                 ELSE printf('%!.17g', {column}) END ELSE CAST({column} AS TEXT) END"
            ),
        }
    }

    /// A value of the type in which the column is selected.
    pub(crate) fn sample(self) -> &'static str {
        match self {
            Self::Integer => "0",
            Self::Real => "0.5",
            Self::Bytes => "x''",
            _ => "''",
        }
    }

    pub(crate) fn has_order(self) -> bool {
        !matches!(self, Self::Json | Self::Any)
    }

    /// Whether its values come as text that is looked at here.
    pub(crate) fn is_checked_text(self) -> bool {
        !matches!(
            self,
            Self::Integer | Self::Real | Self::Text | Self::Bytes | Self::Any
        )
    }

    /// Appends a text as what the column is declared as.
    pub(crate) fn append(self, text: &str, options: ValueOptions, out: &mut Vec<u8>) -> Result<(), Wrong> {
        match self {
            Self::Boolean => match text {
                "true" | "false" => out.extend_from_slice(text.as_bytes()),
                _ => return Err(format!("expected 0 or 1, found {}", show(text))),
            },
            Self::Numeric => number(text, out)?,
            Self::Json => json_text(text, out)?,
            Self::Date | Self::Time | Self::Timestamp if options.dates_as_strings => write_string(out, text),
            Self::Date if parse_date(text).is_some() => write_string(out, text),
            Self::Time if parse_time(text).is_some() => {
                let seconds = if text.len() == "00:00".len() { ":00" } else { "" };
                write_string(out, &format!("{text}{seconds}"));
            }
            Self::Timestamp if parse_date_time(text).is_some() => timestamp(text, out),
            Self::Date => invalid("a date, as 2024-02-29", text, options, out)?,
            Self::Time => invalid("a time of day, as 23:59:59", text, options, out)?,
            Self::Timestamp => {
                invalid("a date and a time, as 2024-02-29 23:59:59", text, options, out)?;
            }
            _ => write_string(out, text),
        }
        Ok(())
    }
}

/// A number by its digits; null for the infinities.
fn number(text: &str, out: &mut Vec<u8>) -> Result<(), Wrong> {
    let is_number = |text: &str| {
        text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    };
    match text {
        "Inf" | "-Inf" => out.extend_from_slice(b"null"),
        _ if is_number(text) => out.extend_from_slice(text.as_bytes()),
        _ => return Err(format!("expected a number, found {}", show(text))),
    }
    Ok(())
}

fn json_text(text: &str, out: &mut Vec<u8>) -> Result<(), Wrong> {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return Err(format!("expected JSON, found {}", show(text)));
    }
    // Inside a string line ends are escaped, so these stand between tokens.
    out.extend_from_slice(text.replace(['\n', '\r'], " ").as_bytes());
    Ok(())
}

/// Date and time as RFC 3339 has them, each digit as it is: a space becomes a T, and what is not there is zero, in UTC.
fn timestamp(text: &str, out: &mut Vec<u8>) {
    let (date, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let time = rest.get(1..).unwrap_or_default();
    let (clock, zone) = match time.find(['Z', 'z', '+', '-', ' ']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let clock = match clock.len() {
        0 => "00:00:00".to_owned(),
        5 => format!("{clock}:00"),
        _ => clock.replace(',', "."),
    };
    let zone = match zone.trim_start() {
        "" => "+00:00".to_owned(),
        "z" => "Z".to_owned(),
        zone if zone.len() == 3 => format!("{zone}:00"),
        zone if zone.len() == 5 => format!("{}:{}", &zone[..3], &zone[3..]),
        zone => zone.to_owned(),
    };
    write_string(out, &format!("{date}T{clock}{zone}"));
}

fn invalid(expected: &str, text: &str, options: ValueOptions, out: &mut Vec<u8>) -> Result<(), Wrong> {
    match options.invalid_dates {
        InvalidDates::Error | InvalidDates::Clamp => Err(format!(
            "expected {expected}, found {} (see the settings invalid_date_handling and dates_as_string)",
            show(text)
        )),
        InvalidDates::Null => {
            out.extend_from_slice(b"null");
            Ok(())
        }
        InvalidDates::Text => {
            write_string(out, text);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read_as_sqlite_and_applications_mean_them() {
        for (sql_type, expected) in [
            ("INTEGER", Declared::Integer),
            ("unsigned big int", Declared::Integer),
            ("varchar(5)", Declared::Text),
            ("NVARCHAR(70)", Declared::Text),
            ("DECIMAL(10,2)", Declared::Numeric),
            ("number", Declared::Numeric),
            ("double precision", Declared::Real),
            ("FLOAT", Declared::Real),
            ("BLOB", Declared::Bytes),
            ("boolean", Declared::Boolean),
            ("date", Declared::Date),
            ("DATETIME", Declared::Timestamp),
            ("TIMESTAMP WITH TIME ZONE", Declared::Timestamp),
            ("TIME", Declared::Time),
            ("time(6)", Declared::Time),
            ("JSON", Declared::Json),
            ("", Declared::Any),
        ] {
            assert_eq!(Declared::of(sql_type), expected, "{sql_type}");
        }
    }

    #[test]
    fn texts_are_values_of_their_declaration_or_refused() {
        let read = |declared: Declared, text: &str| {
            let mut out = Vec::new();
            declared
                .append(text, ValueOptions::default(), &mut out)
                .map(|()| String::from_utf8(out).expect("UTF-8"))
        };
        for (declared, text, expected) in [
            (
                Declared::Timestamp,
                "2024-02-29 10:00",
                "\"2024-02-29T10:00:00+00:00\"",
            ),
            (
                Declared::Timestamp,
                "2024-02-29T10:00:00.5Z",
                "\"2024-02-29T10:00:00.5Z\"",
            ),
            (
                Declared::Timestamp,
                "2024-02-29 10:00:00.123456789 +02",
                "\"2024-02-29T10:00:00.123456789+02:00\"",
            ),
            (
                Declared::Timestamp,
                "2024-02-29 10:00:00-0330",
                "\"2024-02-29T10:00:00-03:30\"",
            ),
            (Declared::Timestamp, "2024-02-29", "\"2024-02-29T00:00:00+00:00\""),
            (Declared::Date, "2024-02-29", "\"2024-02-29\""),
            (Declared::Time, "10:00", "\"10:00:00\""),
            (Declared::Time, "10:00:00.5", "\"10:00:00.5\""),
            (Declared::Numeric, "1.10", "1.10"),
            (Declared::Numeric, "-Inf", "null"),
            (Declared::Json, "{\"a\":\n1}", "{\"a\": 1}"),
        ] {
            assert_eq!(read(declared, text).as_deref(), Ok(expected));
        }
        for (declared, text) in [
            (Declared::Timestamp, "1709200800"),
            (Declared::Date, "2024-02-30"),
            (Declared::Time, "25:00"),
            (Declared::Boolean, "2"),
            (Declared::Numeric, "1,5"),
            (Declared::Numeric, "true"),
            (Declared::Json, "{"),
        ] {
            let wrong = read(declared, text).expect_err("refused");
            assert!(wrong.contains("expected ") && wrong.contains(text), "{wrong}");
        }
    }
}
