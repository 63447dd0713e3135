//! The JSON types that a schema allows, with unions resolved.

use serde_json::Value;

use super::DataType;
use crate::error::{Error, Result, show};

/// A set of JSON types; `integer` is a type of its own, and part of `number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const BOOLEAN: Self = Self(2);
    pub(crate) const INTEGER: Self = Self(4);
    /// Numbers, integers among them.
    pub(crate) const NUMBER: Self = Self(8 | 4);
    /// A number that is not spelled as an integer.
    pub(crate) const FRACTION: Self = Self(8);
    pub(crate) const STRING: Self = Self(16);
    pub(crate) const OBJECT: Self = Self(32);
    pub(crate) const ARRAY: Self = Self(64);
    pub(crate) const ANY: Self = Self(127);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The types of `type`, of `anyOf`, `oneOf` and `allOf`, and of the values of `enum` and `const`.
    pub(crate) fn of(schema: &Value) -> Result<Self> {
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(true) => return Ok(Self::ANY),
            Value::Bool(false) => return Ok(Self::NONE),
            other => {
                let found = other.to_string();
                return Err(Error::input(format!(
                    "schema: expected a schema, an object, found {}",
                    show(&found)
                )));
            }
        };
        let mut types = match members.get("type") {
            Some(names) => Self::named(names)?,
            None => Self::ANY,
        };
        for union in ["anyOf", "oneOf"] {
            if let Some(branches) = members.get(union) {
                let mut any = Self::NONE;
                for branch in branches_of(union, branches)? {
                    any = any.or(Self::of(branch)?);
                }
                types = types.and(any);
            }
        }
        if let Some(branches) = members.get("allOf") {
            for branch in branches_of("allOf", branches)? {
                types = types.and(Self::of(branch)?);
            }
        }
        // pipelinewise and others write `"type": "string", "enum": [...]` with a null among the values.
        if let (None, Some(Value::Array(values))) = (members.get("type"), members.get("enum")) {
            types = types.and(
                values
                    .iter()
                    .fold(Self::NONE, |all, value| all.or(Self::of_value(value))),
            );
        }
        if let (None, Some(value)) = (members.get("type"), members.get("const")) {
            types = types.and(Self::of_value(value));
        }
        Ok(types)
    }

    fn named(names: &Value) -> Result<Self> {
        let one = |name: &Value| match name.as_str() {
            Some("null") => Ok(Self::NULL),
            Some("boolean") => Ok(Self::BOOLEAN),
            Some("integer") => Ok(Self::INTEGER),
            Some("number") => Ok(Self::NUMBER),
            Some("string") => Ok(Self::STRING),
            Some("object") => Ok(Self::OBJECT),
            Some("array") => Ok(Self::ARRAY),
            _ => {
                let found = name.to_string();
                Err(Error::input(format!(
                    "schema: expected the name of a JSON type, found {}",
                    show(&found)
                )))
            }
        };
        match names {
            Value::Array(names) => names
                .iter()
                .try_fold(Self::NONE, |all, name| Ok(all.or(one(name)?))),
            name => one(name),
        }
    }

    /// The type of a value.
    pub(crate) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(number) if number.is_f64() => Self::NUMBER,
            Value::Number(_) => Self::INTEGER,
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    /// The narrowest column type that holds every allowed value but null.
    pub(crate) fn data_type(self, schema: &Value) -> DataType {
        let types = self.without(Self::NULL);
        if types == Self::ANY.without(Self::NULL) || types.meets(Self::OBJECT.or(Self::ARRAY)) {
            return DataType::Json;
        }
        let format = format_of(schema);
        if matches!(format, Some("singer.decimal" | "x-singer.decimal")) && !types.meets(Self::BOOLEAN) {
            let digits = |name| {
                schema
                    .get(name)
                    .and_then(Value::as_u64)
                    .and_then(|n| u16::try_from(n).ok())
            };
            return DataType::Decimal {
                precision: digits("precision"),
                scale: digits("scale"),
            };
        }
        if types == Self::BOOLEAN {
            DataType::Boolean
        } else if types == Self::INTEGER {
            let (minimum, maximum) = bounds(schema);
            DataType::Integer { minimum, maximum }
        } else if types == Self::NUMBER {
            DataType::Number
        } else if types == Self::STRING {
            match format {
                Some("date") => DataType::Date,
                Some("time") => DataType::Time,
                Some("date-time") => DataType::DateTime,
                Some("uuid") => DataType::Uuid,
                _ => DataType::Text {
                    max_length: max_length(schema),
                },
            }
        } else {
            DataType::Text { max_length: None }
        }
    }

    /// How an error says what was expected.
    pub(crate) fn describe(self) -> String {
        const NAMES: [(Types, &str); 6] = [
            (Types::BOOLEAN, "a boolean"),
            (Types::NUMBER, "a number"),
            (Types::STRING, "a string"),
            (Types::OBJECT, "an object"),
            (Types::ARRAY, "an array"),
            (Types::NULL, "null"),
        ];
        let mut names: Vec<&str> = NAMES
            .iter()
            .filter(|(types, _)| self.has(*types))
            .map(|(_, name)| *name)
            .collect();
        if self.has(Self::INTEGER) && !self.has(Self::NUMBER) {
            names.insert(0, "an integer");
        }
        match names.as_slice() {
            [] => "nothing (the schema allows no value)".to_owned(),
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        }
    }
}

/// Whether the bounds of a schema allow integers that 64 bits do not hold: `MySQL`'s unsigned `bigint`, for one.
pub(crate) fn is_beyond_64_bits(schema: &Value) -> bool {
    let has = |names: [&str; 2], is_beyond: fn(f64) -> bool| {
        names.iter().any(|name| {
            let bound = schema.get(*name).filter(|bound| !bound.is_i64());
            bound.and_then(Value::as_f64).is_some_and(is_beyond)
        })
    };
    // The doubles nearest to the least and the greatest integer of 64 bits.
    let own = has(["minimum", "exclusiveMinimum"], |bound| {
        bound <= -9_223_372_036_854_775_808.0
    }) || has(["maximum", "exclusiveMaximum"], |bound| {
        bound >= 9_223_372_036_854_775_808.0
    });
    own || ["anyOf", "oneOf", "allOf"].iter().any(|union| {
        let branches = schema.get(*union).and_then(Value::as_array);
        branches.is_some_and(|branches| branches.iter().any(is_beyond_64_bits))
    })
}

fn branches_of<'a>(keyword: &str, branches: &'a Value) -> Result<&'a Vec<Value>> {
    branches.as_array().ok_or_else(|| {
        Error::input(format!(
            "schema: {keyword}: expected a list of schemas, found {}",
            show(&branches.to_string())
        ))
    })
}

/// The one format that every branch for strings has.
fn format_of(schema: &Value) -> Option<&str> {
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        return Some(format);
    }
    let branches = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Value::as_array)?;
    let mut formats = branches
        .iter()
        .filter(|branch| Types::of(branch).is_ok_and(|types| types.meets(Types::STRING)))
        .map(format_of);
    let first = formats.next()?;
    if formats.all(|format| format == first) {
        first
    } else {
        None
    }
}

fn max_length(schema: &Value) -> Option<u32> {
    schema
        .get("maxLength")
        .and_then(Value::as_u64)
        .and_then(|n| u32::try_from(n).ok())
}

/// The bounds of an integer as inclusive ones.
fn bounds(schema: &Value) -> (Option<i64>, Option<i64>) {
    let integer = |name: &str| schema.get(name).and_then(Value::as_i64);
    let above = integer("exclusiveMinimum").and_then(|bound| bound.checked_add(1));
    let below = integer("exclusiveMaximum").and_then(|bound| bound.checked_sub(1));
    let minimum = integer("minimum").into_iter().chain(above).max();
    let maximum = integer("maximum").into_iter().chain(below).min();
    (minimum, maximum)
}
