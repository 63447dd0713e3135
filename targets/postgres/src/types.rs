//! Types of columns: their names, their order by what holds what, and how cells are written for each.

use crate::copy::{Form, Moment};

/// A column's type, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    /// With precision and scale, or as many digits as come.
    Numeric(Option<(u16, u16)>),
    Real,
    Double,
    Text,
    /// `character varying`, at most so many characters.
    Varchar(Option<u32>),
    Date,
    Time,
    Timestamp,
    TimestampTz,
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
        let numbers: Option<Vec<u32>> = arguments.map(|text| {
            text.split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect()
        });
        match (word.as_str(), numbers.as_deref()) {
            ("boolean" | "bool", None) => Self::Boolean,
            ("smallint" | "int2", None) => Self::SmallInt,
            ("integer" | "int" | "int4", None) => Self::Integer,
            ("bigint" | "int8", None) => Self::BigInt,
            ("numeric" | "decimal", None) => Self::Numeric(None),
            ("numeric" | "decimal", Some([precision])) => Self::Numeric(Some((*precision as u16, 0))),
            ("numeric" | "decimal", Some([precision, scale])) => {
                Self::Numeric(Some((*precision as u16, *scale as u16)))
            }
            ("real" | "float4", None) => Self::Real,
            ("double precision" | "float8", None) => Self::Double,
            ("text", None) => Self::Text,
            ("character varying" | "varchar", None) => Self::Varchar(None),
            ("character varying" | "varchar", Some([length])) => Self::Varchar(Some(*length)),
            ("date", None) => Self::Date,
            ("time" | "time without time zone", _) => Self::Time,
            ("timestamp" | "timestamp without time zone", _) => Self::Timestamp,
            ("timestamptz" | "timestamp with time zone", _) => Self::TimestampTz,
            ("uuid", None) => Self::Uuid,
            ("jsonb", None) => Self::Jsonb,
            ("json", None) => Self::Json,
            ("bytea", None) => Self::Bytea,
            _ => Self::Other(name.into()),
        }
    }

    /// The name for DDL.
    pub(crate) fn sql(&self) -> String {
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
            Self::Date => "date".into(),
            Self::Time => "time without time zone".into(),
            Self::Timestamp => "timestamp without time zone".into(),
            Self::TimestampTz => "timestamp with time zone".into(),
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
            Self::SmallInt => Form::Integer(2),
            Self::Integer => Form::Integer(4),
            Self::BigInt => Form::Integer(8),
            Self::Numeric(_) => Form::Numeric,
            Self::Real | Self::Double => Form::Float,
            Self::Text | Self::Varchar(_) => Form::Text,
            Self::Date => Form::Moment(Moment::Date),
            Self::Time => Form::Moment(Moment::Time),
            Self::Timestamp => Form::Moment(Moment::Timestamp),
            Self::TimestampTz => Form::Moment(Moment::TimestampTz),
            Self::Uuid => Form::Uuid,
            Self::Jsonb | Self::Json => Form::Json,
            Self::Bytea => Form::Bytea,
            Self::Array(element) => Form::Array(Box::new(element.form())),
            Self::Other(_) => Form::Other,
        }
    }

    /// Whether two keys of this type are equal on the server exactly when the fields that are written for them are
    /// equal bytes. Of the other types (`interval`, `citext`, `jsonb`, `char(n)`, arrays, ...) only the server knows.
    pub(crate) fn is_exact(&self) -> bool {
        match self {
            Self::Boolean
            | Self::SmallInt
            | Self::Integer
            | Self::BigInt
            | Self::Numeric(_)
            | Self::Double
            | Self::Text
            | Self::Varchar(None)
            | Self::Date
            | Self::Time
            | Self::Timestamp
            | Self::TimestampTz
            | Self::Uuid
            | Self::Bytea => true,
            // Trailing blanks beyond its length are cut; a real is rounded.
            Self::Varchar(Some(_)) | Self::Real => false,
            Self::Jsonb | Self::Json | Self::Array(_) | Self::Other(_) => false,
        }
    }

    /// The digits behind the point that a column keeps of a number.
    pub(crate) fn scale(&self) -> Option<u16> {
        match self {
            Self::Numeric(Some((_, scale))) => Some(*scale),
            _ => None,
        }
    }

    /// Digits before and after the point that every value of an exact number type fits in.
    fn digits(&self) -> Option<(u16, u16)> {
        match self {
            Self::SmallInt => Some((5, 0)),
            Self::Integer => Some((10, 0)),
            Self::BigInt => Some((19, 0)),
            Self::Numeric(Some((precision, scale))) => Some((precision.saturating_sub(*scale), *scale)),
            _ => None,
        }
    }

    fn is_number(&self) -> bool {
        self.digits().is_some() || matches!(self, Self::Numeric(_) | Self::Real | Self::Double)
    }

    /// Whether a column of this type takes every value of `other`, as `other` has it.
    ///
    /// Text and JSON take anything. A floating column takes numbers as it can: that is what it was made for. A type
    /// that is not in the lattice is left to the server.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (a, b) if a == b => true,
            (Self::Text | Self::Varchar(_) | Self::Jsonb | Self::Json | Self::Other(_), _) => true,
            (Self::Real | Self::Double, b) => b.is_number(),
            (Self::Numeric(None), b) => b.is_number(),
            (Self::Numeric(Some(_)), b) => match (self.digits(), b.digits()) {
                (Some((whole, scale)), Some((other_whole, other_scale))) => {
                    whole >= other_whole && scale >= other_scale
                }
                _ => false,
            },
            (Self::Integer, Self::SmallInt) | (Self::BigInt, Self::SmallInt | Self::Integer) => true,
            (Self::Timestamp | Self::TimestampTz, Self::Date | Self::Timestamp | Self::TimestampTz) => true,
            (Self::Array(a), Self::Array(b)) => a.holds(b),
            _ => false,
        }
    }

    /// The least type above both: smallint, integer, bigint, numeric, text; date, timestamp, text. `None` where there
    /// is none: JSON, bytes and arrays do not become text.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        if self.holds(other) {
            return Some(self.clone());
        }
        if other.holds(self)
            && !matches!(other, Self::Jsonb | Self::Json | Self::Other(_))
            && self.is_scalar()
        {
            return Some(other.clone());
        }
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => a.join(b).map(|element| Self::Array(Box::new(element))),
            (a, b) if a.is_number() && b.is_number() => Some(match (a.digits(), b.digits()) {
                (Some((whole, scale)), Some((other_whole, other_scale))) => {
                    let (whole, scale) = (whole.max(other_whole), scale.max(other_scale));
                    Self::Numeric(Some((whole + scale, scale)))
                }
                _ => Self::Numeric(None),
            }),
            (a, b) if a.is_scalar() && b.is_scalar() => Some(Self::Text),
            _ => None,
        }
    }

    /// Whether its text says all that its value does.
    fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::Jsonb | Self::Json | Self::Bytea | Self::Array(_) | Self::Other(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Type::*;

    fn scalars() -> Vec<Type> {
        vec![
            Boolean,
            SmallInt,
            Integer,
            BigInt,
            Numeric(None),
            Numeric(Some((10, 2))),
            Numeric(Some((38, 0))),
            Double,
            Text,
            Varchar(None),
            Date,
            Time,
            Timestamp,
            TimestampTz,
            Uuid,
        ]
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let mut types = scalars();
        types.extend([
            Real,
            Varchar(Some(9)),
            Jsonb,
            Json,
            Bytea,
            Array(Box::new(Timestamp)),
        ]);
        types.push(Other("vector(3)".into()));
        for data_type in types {
            assert_eq!(Type::named(&data_type.sql()), data_type);
        }
        for (name, data_type) in [
            ("int8", BigInt),
            ("DECIMAL(9, 3)", Numeric(Some((9, 3)))),
            ("timestamp(3) without time zone", Timestamp),
            ("text[][]", Array(Box::new(Text))),
            ("public.Mood", Other("public.Mood".into())),
            ("bit(3)", Other("bit(3)".into())),
        ] {
            assert_eq!(Type::named(name), data_type, "{name}");
        }
    }

    #[test]
    fn widening_goes_up_the_lattice() {
        for (a, b, up) in [
            (SmallInt, Integer, Some(Integer)),
            (Integer, BigInt, Some(BigInt)),
            (BigInt, Integer, Some(BigInt)),
            (BigInt, Numeric(None), Some(Numeric(None))),
            (BigInt, Numeric(Some((10, 2))), Some(Numeric(Some((21, 2))))),
            (Numeric(None), Text, Some(Text)),
            (Date, Timestamp, Some(Timestamp)),
            (Timestamp, Text, Some(Text)),
            (Boolean, Integer, Some(Text)),
            (Time, Text, Some(Text)),
            (Uuid, Text, Some(Text)),
            (Varchar(None), Integer, Some(Varchar(None))),
            (Double, Numeric(None), Some(Double)),
            (Integer, Jsonb, None),
            (Jsonb, Text, Some(Jsonb)),
            (
                Array(Box::new(Integer)),
                Array(Box::new(BigInt)),
                Some(Array(Box::new(BigInt))),
            ),
            (Array(Box::new(Integer)), Integer, None),
            (Bytea, Text, None),
        ] {
            assert_eq!(a.join(&b), up, "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_is_joined_holds_both() {
        for a in scalars() {
            for b in scalars() {
                let up = a.join(&b).expect("scalars become text at the worst");
                assert!(up.holds(&a) && up.holds(&b), "{a:?} {b:?} {up:?}");
            }
        }
    }
}
