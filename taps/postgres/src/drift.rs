//! Catalogs that are older than their tables: columns whose values may no longer fit the schema in the catalog.
//!
//! Meltano keeps catalogs between runs, so this is the normal case after `ALTER TABLE`. A schema of the catalog stays as
//! long as every value that the column may hold fits it: it may be the user's, or that of another tap. Where one may not
//! fit (an `integer` that is a `bigint` now, a `varchar(5)` that is text), the table's own schema takes its place.

use melisma_sdk::internal::nullable::{nullable, takes_null, types};
use melisma_sdk::{Entry, Stream, show};
use serde_json::Value;

use crate::config::Values;
use crate::discovery::{Column, Table};
use crate::kind::Kind;
use crate::schema;

/// The stream with corrections for what is no longer as the catalog says.
pub(crate) fn corrected<'t>(
    mut stream: Stream<'t>,
    table: &Table,
    entry: Entry<'_>,
    values: &Values,
) -> Stream<'t> {
    let properties = entry
        .schema()
        .and_then(|schema| schema.get("properties")?.as_object());
    let Some(properties) = properties else {
        return stream;
    };
    let types = entry.of_properties("sql-datatype");
    for column in &table.columns {
        let Some(given) = properties.get(&column.name) else {
            continue;
        };
        let given_type = types.get(column.name.as_str()).and_then(|value| value.as_str());
        let live = Live {
            kind: &column.kind,
            values,
            unchanged: given_type == Some(column.sql_type.as_str()),
        };
        if !live.fits(given) {
            let was = given_type.map_or_else(|| show(&given.to_string()), str::to_owned);
            let now = &column.sql_type;
            let why =
                format!("its type is {now}, and the catalog says {was}: its schema is now that of the table");
            stream = stream.corrects(&column.name, own_schema(table, column, values), why);
        } else if column.nullable && !table.is_view() && !takes_null(given) {
            let why = "it may be null, and the catalog says that it is not: its schema now says so";
            stream = stream.corrects(&column.name, nullable(given), why);
        }
    }
    stream
}

/// The schema that discovery gives the column.
pub(crate) fn own_schema(table: &Table, column: &Column, values: &Values) -> Value {
    let nullable = !table.key.contains(&column.name) || column.nullable;
    let mut schema = schema::of(&column.kind, nullable, values);
    if let Some(comment) = &column.comment {
        schema.insert("description".into(), comment.as_str().into());
    }
    schema.into()
}

/// What a column holds.
#[derive(Clone, Copy)]
struct Live<'a> {
    kind: &'a Kind,
    values: &'a Values,
    /// The catalog was made of this very type: where its schema is narrower, somebody wanted it so.
    unchanged: bool,
}

impl Live<'_> {
    /// Whether all its values, but null, are valid by a schema.
    fn fits(self, schema: &Value) -> bool {
        for union in ["anyOf", "oneOf"] {
            if let Some(branches) = schema.get(union).and_then(Value::as_array) {
                return branches.iter().any(|branch| self.fits(branch));
            }
        }
        let Some(types) = types(schema) else {
            return true;
        };
        let is = |name: &str| types.contains(&name);
        match self.kind {
            Kind::Bool => is("boolean"),
            Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Oid => {
                (is("integer") || is("number")) && self.within(schema)
            }
            Kind::Numeric { limits } if self.values.use_singer_decimal => {
                is("string") && fits_digits(*limits, schema)
            }
            Kind::Float4 | Kind::Float8 | Kind::Numeric { .. } => is("number") && self.within(schema),
            // What it holds, only the application knows.
            Kind::Json | Kind::Jsonb => is("object"),
            Kind::Hstore => is("object"),
            Kind::Array(item, _) => {
                let item = Self { kind: item, ..self };
                is("array") && schema.get("items").is_none_or(|items| item.fits_items(items))
            }
            _ => is("string") && self.text(schema),
        }
    }

    /// Items, at any depth: how deep an array is shows in its values alone.
    fn fits_items(self, items: &Value) -> bool {
        let only_lists = |names: Vec<&str>| names.iter().all(|name| matches!(*name, "array" | "null"));
        if !matches!(self.kind, Kind::Array(..)) && types(items).is_some_and(only_lists) {
            return items.get("items").is_none_or(|items| self.fits_items(items));
        }
        self.fits(items)
    }

    /// Whether the numbers of the column are within the bounds of the schema.
    fn within(self, schema: &Value) -> bool {
        if self.unchanged {
            return true;
        }
        let range = match self.kind {
            Kind::Int2 => Some((f64::from(i16::MIN), f64::from(i16::MAX))),
            Kind::Int4 => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            Kind::Int8 => Some((-2_f64.powi(63), 2_f64.powi(63))),
            Kind::Oid => Some((0.0, f64::from(u32::MAX))),
            Kind::Numeric {
                limits: Some((precision, scale)),
            } => {
                let beyond = 10_f64.powi((precision - scale).cast_signed());
                Some((-beyond, beyond))
            }
            _ => None,
        };
        let bound = |names: [&str; 2]| names.iter().find_map(|name| schema.get(*name)?.as_f64());
        let low = bound(["minimum", "exclusiveMinimum"]);
        let high = bound(["maximum", "exclusiveMaximum"]);
        let (least, most) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let step = schema.get("multipleOf").and_then(Value::as_f64);
        low.is_none_or(|low| low <= least)
            && high.is_none_or(|high| high >= most)
            && step.is_none_or(|step| step <= self.step() * 1.000_001)
    }

    /// What every number of the column is a multiple of.
    fn step(self) -> f64 {
        match self.kind {
            Kind::Numeric {
                limits: Some((_, scale)),
            } => 10_f64.powi(-scale.cast_signed()),
            Kind::Numeric { limits: None } | Kind::Float4 | Kind::Float8 => 0.0,
            _ => 1.0,
        }
    }

    fn text(self, schema: &Value) -> bool {
        let length = schema.get("maxLength").and_then(Value::as_u64);
        let fits_length = match (length, self.kind) {
            _ if self.unchanged => true,
            (None, _) => true,
            (Some(most), Kind::Text { length: Some(length) }) => u64::from(*length) <= most,
            _ => false,
        };
        let format = schema.get("format").and_then(Value::as_str);
        fits_length && format.is_none_or(|format| self.format(format))
    }

    fn format(self, format: &str) -> bool {
        let iso = !self.values.dates_as_string;
        match (self.kind, format) {
            (Kind::Date, "date") | (Kind::Timestamp | Kind::TimestampTz, "date-time") => iso,
            (Kind::Time | Kind::TimeTz, "time") | (Kind::Uuid, "uuid") => true,
            (Kind::Date | Kind::Timestamp | Kind::TimestampTz | Kind::Time | Kind::TimeTz, _) => false,
            (_, "date" | "date-time" | "time" | "uuid" | "singer.decimal" | "x-singer.decimal") => {
                self.unchanged
            }
            _ => true,
        }
    }
}

/// Whether the digits of a numeric are among those of a decimal schema.
fn fits_digits(limits: Option<(u32, u32)>, schema: &Value) -> bool {
    let number = |name: &str| schema.get(name).and_then(Value::as_u64);
    let (precision, scale) = (number("precision"), number("scale").unwrap_or(0));
    match (precision, limits) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(precision), Some((own_precision, own_scale))) => {
            scale >= own_scale.into() && precision.saturating_sub(scale) >= (own_precision - own_scale).into()
        }
    }
}

#[cfg(test)]
mod tests;
