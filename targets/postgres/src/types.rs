//! Column types: their names, which values they hold, and how cells are written for each.

mod lattice;
mod spelled;

use crate::copy::{Binary, Form, Moment};

pub(crate) use spelled::Spelled;

/// A column's type, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    /// With precision and scale, or without limits. Since PostgreSQL 15 the scale may be negative.
    Numeric(Option<(u16, i16)>),
    Real,
    Double,
    Text,
    /// `character varying`, with the largest number of characters.
    Varchar(Option<u32>),
    /// `character(n)`, padded with spaces.
    Char(u32),
    Date,
    /// `time without time zone`, with the digits of the second's fraction that it keeps; six when there is no number.
    Time(Option<u8>),
    TimeTz(Option<u8>),
    Timestamp(Option<u8>),
    TimestampTz(Option<u8>),
    Uuid,
    Jsonb,
    Json,
    Bytea,
    Array(Box<Type>),
    /// Any other, by its name as the server says it: enums, `inet`, `vector(3)`.
    Other(Box<str>),
}

impl Type {
    /// The type of this name, as `format_type` says it or as people write it.
    pub(crate) fn named(name: &str) -> Self {
        let name = name.trim();
        if let Some(element) = name.strip_suffix("[]") {
            // PostgreSQL does not tell dimensions apart.
            return match Self::named(element) {
                array @ Self::Array(_) => array,
                element => Self::Array(Box::new(element)),
            };
        }
        let lower = name.to_ascii_lowercase();
        let (word, arguments) = match (lower.find('('), lower.rfind(')')) {
            (Some(open), Some(close)) if open < close => {
                let word = format!("{} {}", lower[..open].trim(), lower[close + 1..].trim());
                (word.trim().to_owned(), lower.get(open + 1..close))
            }
            _ => (lower.clone(), None),
        };
        let numbers = match arguments {
            None => Some(Vec::new()),
            Some(text) => text.split(',').map(|number| number.trim().parse().ok()).collect(),
        };
        numbers
            .and_then(|numbers: Vec<i64>| Self::of(&word, &numbers))
            .unwrap_or_else(|| Self::Other(name.into()))
    }

    /// The type of this word with these numbers behind it, when it is one of those that are known here.
    fn of(word: &str, numbers: &[i64]) -> Option<Self> {
        let length = |number: &i64| u32::try_from(*number).ok();
        let digits = match numbers {
            [] => Some(None),
            [digits] => u8::try_from(*digits).ok().map(Some),
            _ => None,
        };
        Some(match (word, numbers) {
            ("boolean" | "bool", []) => Self::Boolean,
            ("smallint" | "int2", []) => Self::SmallInt,
            ("integer" | "int" | "int4", []) => Self::Integer,
            ("bigint" | "int8", []) => Self::BigInt,
            ("numeric" | "decimal" | "dec", []) => Self::Numeric(None),
            ("numeric" | "decimal" | "dec", [precision]) => {
                Self::Numeric(Some((u16::try_from(*precision).ok()?, 0)))
            }
            ("numeric" | "decimal" | "dec", [precision, scale]) => Self::Numeric(Some((
                u16::try_from(*precision).ok()?,
                i16::try_from(*scale).ok()?,
            ))),
            ("real" | "float4", []) => Self::Real,
            ("double precision" | "float8" | "float", []) => Self::Double,
            ("text", []) => Self::Text,
            ("character varying" | "varchar", []) => Self::Varchar(None),
            ("character varying" | "varchar", [most]) => Self::Varchar(Some(length(most)?)),
            ("character" | "char", []) => Self::Char(1),
            ("character" | "char", [most]) => Self::Char(length(most)?),
            ("date", []) => Self::Date,
            ("time" | "time without time zone", _) => Self::Time(digits?),
            ("timetz" | "time with time zone", _) => Self::TimeTz(digits?),
            ("timestamp" | "timestamp without time zone", _) => Self::Timestamp(digits?),
            ("timestamptz" | "timestamp with time zone", _) => Self::TimestampTz(digits?),
            ("uuid", []) => Self::Uuid,
            ("jsonb", []) => Self::Jsonb,
            ("json", []) => Self::Json,
            ("bytea", []) => Self::Bytea,
            _ => return None,
        })
    }

    /// The name for DDL.
    pub(crate) fn sql(&self) -> String {
        let fraction = |word: &str, digits: &Option<u8>, zone: &str| match digits {
            Some(digits) => format!("{word}({digits}) {zone} time zone"),
            None => format!("{word} {zone} time zone"),
        };
        match self {
            Self::Boolean => "boolean".into(),
            Self::SmallInt => "smallint".into(),
            Self::Integer => "integer".into(),
            Self::BigInt => "bigint".into(),
            Self::Numeric(None) => "numeric".into(),
            Self::Numeric(Some((precision, scale))) => format!("numeric({precision},{scale})"),
            Self::Real => "real".into(),
            Self::Double => "double precision".into(),
            Self::Text => "text".into(),
            Self::Varchar(None) => "character varying".into(),
            Self::Varchar(Some(length)) => format!("character varying({length})"),
            Self::Char(length) => format!("character({length})"),
            Self::Date => "date".into(),
            Self::Time(digits) => fraction("time", digits, "without"),
            Self::TimeTz(digits) => fraction("time", digits, "with"),
            Self::Timestamp(digits) => fraction("timestamp", digits, "without"),
            Self::TimestampTz(digits) => fraction("timestamp", digits, "with"),
            Self::Uuid => "uuid".into(),
            Self::Jsonb => "jsonb".into(),
            Self::Json => "json".into(),
            Self::Bytea => "bytea".into(),
            Self::Array(element) => format!("{}[]", element.sql()),
            Self::Other(name) => name.to_string(),
        }
    }

    /// How cells are written for it.
    pub(crate) fn form(&self) -> Form {
        match self {
            Self::Boolean => Form::Boolean,
            Self::SmallInt => Form::Integer { bytes: 2 },
            Self::Integer => Form::Integer { bytes: 4 },
            Self::BigInt => Form::Integer { bytes: 8 },
            Self::Numeric(None) => Form::Numeric,
            Self::Numeric(Some((precision, scale))) => Form::Decimal {
                precision: *precision,
                scale: *scale,
            },
            Self::Real => Form::Real,
            Self::Double => Form::Float,
            Self::Text | Self::Varchar(None) => Form::Text,
            Self::Varchar(Some(most)) | Self::Char(most) => Form::Characters { most: *most },
            Self::Date => Form::Moment(Moment::Date),
            Self::Time(_) => Form::Moment(Moment::Time),
            Self::TimeTz(_) => Form::Moment(Moment::TimeTz),
            Self::Timestamp(_) => Form::Moment(Moment::Timestamp),
            Self::TimestampTz(_) => Form::Moment(Moment::TimestampTz),
            Self::Uuid => Form::Uuid,
            Self::Jsonb | Self::Json => Form::Json,
            Self::Bytea => Form::Bytea,
            Self::Array(element) => Form::Array(Box::new(element.form())),
            Self::Other(_) => Form::Other,
        }
    }

    /// The binary form of its values. The others are few, and go as text.
    pub(crate) fn binary(&self) -> Option<Binary> {
        Some(match self {
            Self::Boolean => Binary::Boolean,
            Self::SmallInt => Binary::Int2,
            Self::Integer => Binary::Int4,
            Self::BigInt => Binary::Int8,
            Self::Numeric(_) => Binary::Numeric,
            Self::Real => Binary::Float4,
            Self::Double => Binary::Float8,
            Self::Text | Self::Varchar(_) | Self::Char(_) => Binary::Text,
            Self::Date => Binary::Date,
            Self::Time(_) => Binary::Time,
            Self::Timestamp(_) => Binary::Timestamp,
            Self::TimestampTz(_) => Binary::TimestampTz,
            Self::Uuid => Binary::Uuid,
            Self::Jsonb => Binary::Jsonb,
            Self::Json => Binary::Json,
            Self::Bytea => Binary::Bytea,
            Self::TimeTz(_) | Self::Array(_) | Self::Other(_) => return None,
        })
    }

    /// Whether two keys of this type are equal on the server exactly when the fields that are written for them are
    /// equal bytes. Of the other types (`interval`, `citext`, `jsonb`, `char(n)`, arrays, ...) only the server knows.
    pub(crate) fn is_exact(&self) -> bool {
        match self {
            Self::Boolean
            | Self::SmallInt
            | Self::Integer
            | Self::BigInt
            | Self::Double
            | Self::Text
            | Self::Varchar(None)
            | Self::Date
            | Self::Time(None)
            | Self::Timestamp(None)
            | Self::TimestampTz(None)
            | Self::Uuid
            | Self::Bytea => true,
            Self::Numeric(limits) => limits.is_none_or(|(_, scale)| scale >= 0),
            // Trailing blanks beyond its length are cut; a real is rounded, and so are fractions of a second.
            Self::Varchar(Some(_)) | Self::Char(_) | Self::Real => false,
            Self::Time(Some(_)) | Self::Timestamp(Some(_)) | Self::TimestampTz(Some(_)) | Self::TimeTz(_) => {
                false
            }
            Self::Jsonb | Self::Json | Self::Array(_) | Self::Other(_) => false,
        }
    }

    /// The digits behind the point that a column keeps of a number.
    pub(crate) fn scale(&self) -> Option<u16> {
        match self {
            Self::Numeric(Some((_, scale))) => u16::try_from(*scale).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
