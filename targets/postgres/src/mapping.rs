//! From JSON Schema to column types, as the two families of peers have it.

use melisma_sdk::schema::{Column, Metadata};
use melisma_sdk::{Error, Result, show};
use serde_json::Value;

use crate::config::NamingMode;
use crate::types::Type;

/// The rules of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapping {
    pub(crate) mode: NamingMode,
    /// `contentEncoding: base16` becomes bytea.
    pub(crate) content_encoding: bool,
}

impl Mapping {
    /// The type that a new column gets.
    pub(crate) fn column(self, column: &Column) -> Result<Type> {
        // Also where the tap sends it, and says what it is.
        if self.mode == NamingMode::Pipelinewise && *column.name == *Metadata::DeletedAt.name() {
            return Ok(Type::Varchar(None));
        }
        self.of(&column.schema)
            .map_err(|error| Error::input(format!("{}: {}", show(&column.name), error.message())))
    }

    fn of(self, schema: &Value) -> Result<Type> {
        if let Some(name) = schema.get("x-sql-datatype").and_then(Value::as_str) {
            return sql_type(name);
        }
        let mut all = Vec::new();
        self.collect(schema, &mut all)?;
        Ok(all.into_iter().reduce(unite).unwrap_or_else(|| self.text()))
    }

    /// The types of every branch but null.
    fn collect(self, schema: &Value, all: &mut Vec<Type>) -> Result<()> {
        if let Some(types) = schema.get("type") {
            let names = match types {
                Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                name => name.as_str().into_iter().collect::<Vec<_>>(),
            };
            for name in names.into_iter().filter(|name| *name != "null") {
                all.push(self.one(name, schema)?);
            }
            return Ok(());
        }
        for branch in ["anyOf", "oneOf"]
            .iter()
            .filter_map(|union| schema.get(union)?.as_array())
            .flatten()
        {
            match branch.get("x-sql-datatype").and_then(Value::as_str) {
                Some(name) => all.push(sql_type(name)?),
                None => self.collect(branch, all)?,
            }
        }
        Ok(())
    }

    fn one(self, name: &str, schema: &Value) -> Result<Type> {
        let format = schema.get("format").and_then(Value::as_str);
        let decimal = matches!(format, Some("singer.decimal" | "x-singer.decimal"));
        let pipelinewise = self.mode == NamingMode::Pipelinewise;
        Ok(match name {
            "number" | "string" if decimal => decimal_of(schema),
            "number" if pipelinewise => Type::Double,
            "number" => Type::Numeric(None),
            "integer" => self.integer(schema),
            "boolean" => Type::Boolean,
            "object" => Type::Jsonb,
            "array" => self.array(schema)?,
            // Taps that put the format among the types.
            "date-time" | "date" | "time" => self.string(Some(name), schema),
            _ => self.string(format, schema),
        })
    }

    fn string(self, format: Option<&str>, schema: &Value) -> Type {
        if self.content_encoding && schema.get("contentEncoding").and_then(Value::as_str) == Some("base16") {
            return Type::Bytea;
        }
        match (format, self.mode) {
            (Some("date-time"), _) => Type::Timestamp,
            (Some("date"), _) => Type::Date,
            (Some("time"), _) => Type::Time,
            (Some("uuid"), NamingMode::Meltanolabs) => Type::Uuid,
            _ => self.text(),
        }
    }

    fn text(self) -> Type {
        match self.mode {
            NamingMode::Meltanolabs => Type::Text,
            NamingMode::Pipelinewise => Type::Varchar(None),
        }
    }

    fn integer(self, schema: &Value) -> Type {
        let bound = |name| schema.get(name).and_then(Value::as_f64);
        let (minimum, maximum) = (bound("minimum"), bound("maximum"));
        let fits = |low: f64, high: f64| {
            minimum.is_some_and(|minimum| minimum >= low) && maximum.is_some_and(|maximum| maximum <= high)
        };
        // As floats both bounds of 64 bits are powers of two: what is at or beyond them does not fit.
        let beyond = minimum.is_some_and(|minimum| minimum < -9.3e18)
            || maximum.is_some_and(|maximum| maximum > 9.3e18);
        match (self.mode, maximum) {
            _ if beyond => Type::Numeric(None),
            (NamingMode::Meltanolabs, _) if fits(-32768.0, 32767.0) => Type::SmallInt,
            (NamingMode::Meltanolabs, _) if fits(-2_147_483_648.0, 2_147_483_647.0) => Type::Integer,
            (NamingMode::Meltanolabs, _) => Type::BigInt,
            (NamingMode::Pipelinewise, None) => Type::Numeric(None),
            (NamingMode::Pipelinewise, Some(maximum)) if maximum <= 32767.0 => Type::SmallInt,
            (NamingMode::Pipelinewise, Some(maximum)) if maximum <= 2_147_483_647.0 => Type::Integer,
            (NamingMode::Pipelinewise, Some(_)) => Type::BigInt,
        }
    }

    /// Without `items` JSON; items that are scalars make an array of theirs, formats left out; others an array of JSON.
    fn array(self, schema: &Value) -> Result<Type> {
        if self.mode == NamingMode::Pipelinewise {
            return Ok(Type::Jsonb);
        }
        let Some(items) = schema.get("items") else {
            return Ok(Type::Jsonb);
        };
        let mut bare = items.clone();
        if let Some(members) = bare.as_object_mut() {
            members.remove("format");
        }
        let mut all = Vec::new();
        self.collect(&bare, &mut all)?;
        let element = match bare.get("x-sql-datatype").and_then(Value::as_str) {
            Some(name) => Some(sql_type(name)?),
            None => all.into_iter().reduce(unite),
        };
        Ok(match element {
            None | Some(Type::Jsonb | Type::Array(_)) => Type::Array(Box::new(Type::Jsonb)),
            Some(element) => Type::Array(Box::new(element)),
        })
    }
}

/// The narrowest type for values of both; JSON for anything with JSON.
#[expect(clippy::needless_pass_by_value, reason = "for Iterator::reduce")]
fn unite(a: Type, b: Type) -> Type {
    if a == b {
        return a;
    }
    match (&a, &b) {
        (Type::Jsonb | Type::Array(_), _) | (_, Type::Jsonb | Type::Array(_)) => Type::Jsonb,
        (Type::Varchar(None), _) | (_, Type::Varchar(None)) => Type::Varchar(None),
        _ => a.join(&b).unwrap_or(Type::Text),
    }
}

fn decimal_of(schema: &Value) -> Type {
    let digits = |name| {
        schema
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| u16::try_from(n).ok())
    };
    match (digits("precision"), digits("scale")) {
        (Some(precision @ 1..=1000), scale) if scale.unwrap_or(0) <= precision => {
            Type::Numeric(Some((precision, scale.unwrap_or(0))))
        }
        _ => Type::Numeric(None),
    }
}

/// A type that a tap names. It becomes part of a statement: only what types are spelled with may be in it.
fn sql_type(name: &str) -> Result<Type> {
    let spelled = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '(' | ')' | ',' | '.' | '[' | ']');
    if name.is_empty() || name.len() > 200 || !name.chars().all(spelled) {
        return Err(Error::input(format!(
            "x-sql-datatype: expected the name of a PostgreSQL type, found \"{}\"",
            show(name)
        )));
    }
    Ok(match name.to_ascii_lowercase().as_str() {
        // The extension's type is `vector`.
        "pgvector" => Type::Other("vector".into()),
        _ => Type::named(name),
    })
}

#[cfg(test)]
mod tests;
