//! Maps JSON Schema to column types, as MeltanoLabs' and pipelinewise's targets do.
//!
//! A schema that allows several types has two answers: the type that a peer gives the column ([`Wanted::usual`]), and
//! the one that holds whatever the schema allows ([`Wanted::all`]). MeltanoLabs' target makes a `timestamp` of
//! `anyOf: [date-time, string]`, which most records fit; the column becomes `text` when one comes that does not.

use std::sync::Arc;

use melisma_sdk::schema::{Column, Metadata};
use melisma_sdk::{Error, Result, show};
use serde_json::Value;

use crate::config::NamingMode;
use crate::sql_types::SqlTypes;
use crate::types::Type;

/// The rules of a run.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) mode: NamingMode,
    /// `contentEncoding: base16` becomes bytea.
    pub(crate) content_encoding: bool,
    /// The types that `x-sql-datatype` names.
    pub(crate) sql_types: Arc<SqlTypes>,
}

/// The types that a schema asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Wanted {
    /// The type that the peer gives a new column.
    pub(crate) usual: Type,
    /// The narrowest type that holds whatever the schema allows.
    pub(crate) all: Type,
    /// The type of each branch but null.
    branches: Vec<Type>,
    /// Whether a branch is an array, which may be JSON for want of `items`.
    list: bool,
}

impl Wanted {
    /// A column of this type and no other.
    pub(crate) fn only(data_type: Type) -> Self {
        Self {
            usual: data_type.clone(),
            branches: vec![data_type.clone()],
            list: matches!(data_type, Type::Array(_)),
            all: data_type,
        }
    }

    /// Whether some values that the schema allows fit a column of that type.
    pub(crate) fn some_fit(&self, column: &Type) -> bool {
        let list = self.list && matches!(column, Type::Array(_));
        list || self.branches.iter().any(|branch| column.takes_some(branch))
    }
}

impl Mapping {
    /// The types that a column's schema asks for.
    pub(crate) fn column(&self, column: &Column) -> Result<Wanted> {
        // Also where the tap sends it, and says what it is.
        if self.mode == NamingMode::Pipelinewise && *column.name == *Metadata::DeletedAt.name() {
            return Ok(Wanted::only(Type::Varchar(None)));
        }
        self.of(&column.schema)
            .map_err(|error| Error::input(format!("{}: {}", show(&column.name), error.message())))
    }

    fn of(&self, schema: &Value) -> Result<Wanted> {
        if let Some(named) = self.named(schema)? {
            return Ok(Wanted::only(named));
        }
        let mut branches = Vec::new();
        let mut list = false;
        self.collect(schema, &mut branches, &mut list)?;
        let all = branches
            .iter()
            .cloned()
            .reduce(unite)
            .unwrap_or_else(|| self.text());
        let usual = match self.usual(schema)? {
            Some(usual) => usual,
            None => all.clone(),
        };
        if branches.is_empty() {
            branches.push(all.clone());
        }
        Ok(Wanted {
            usual,
            all,
            branches,
            list,
        })
    }

    /// The type that `x-sql-datatype` names, when the server has it.
    fn named(&self, schema: &Value) -> Result<Option<Type>> {
        match schema.get("x-sql-datatype").and_then(Value::as_str) {
            Some(name) => self.sql_types.named(name),
            None => Ok(None),
        }
    }

    /// The types of every branch but null.
    fn collect(&self, schema: &Value, all: &mut Vec<Type>, list: &mut bool) -> Result<()> {
        if let Some(named) = self.named(schema)? {
            all.push(named);
            return Ok(());
        }
        if schema.get("type").is_some() {
            for name in types(schema) {
                all.push(self.one(name, schema)?);
                *list |= name == "array";
            }
            return Ok(());
        }
        for branch in ["anyOf", "oneOf"]
            .iter()
            .flat_map(|union| branches(schema, union))
        {
            self.collect(branch, all, list)?;
        }
        Ok(())
    }

    /// The type that the peer gives a column with this schema; `None` where we know better.
    fn usual(&self, schema: &Value) -> Result<Option<Type>> {
        match self.mode {
            NamingMode::Meltanolabs => self.usual_of_meltanolabs(schema),
            NamingMode::Pipelinewise => self.usual_of_pipelinewise(schema),
        }
    }

    /// Of several types each counts by its name alone, formats and items left out. Of `anyOf` the first counts.
    fn usual_of_meltanolabs(&self, schema: &Value) -> Result<Option<Type>> {
        if let Some(named) = self.named(schema)? {
            return Ok(Some(named));
        }
        if is_decimal(schema) {
            return Ok(None);
        }
        match types(schema).as_slice() {
            [] => {}
            [name] => return self.one(name, schema).map(Some),
            names => {
                let has = |name: &&str| names.contains(name);
                return Ok(if ["object", "array"].iter().any(has) {
                    Some(Type::Jsonb)
                } else if has(&"string") {
                    Some(Type::Text)
                } else if ["date-time", "date", "time"].iter().any(has) {
                    None
                } else if has(&"number") {
                    Some(Type::Numeric(None))
                } else if has(&"integer") {
                    Some(self.integer(schema))
                } else {
                    None
                });
            }
        }
        for branch in branches(schema, "anyOf") {
            if is_decimal(branch) {
                return Ok(None);
            }
            if !types(branch).is_empty()
                && let Some(usual) = self.usual_of_meltanolabs(branch)?
            {
                return Ok(Some(usual));
            }
        }
        Ok(Some(Type::Text))
    }

    /// A format counts before the types, numbers before texts; of `anyOf` the first branch when it is of one type.
    fn usual_of_pipelinewise(&self, schema: &Value) -> Result<Option<Type>> {
        let names = types(schema);
        if names.is_empty() {
            let first = ["anyOf", "oneOf"]
                .iter()
                .flat_map(|union| branches(schema, union))
                .next();
            return match first {
                Some(branch) if branch.get("type").is_some_and(Value::is_string) && !is_decimal(branch) => {
                    self.usual_of_pipelinewise(branch)
                }
                _ => Ok(None),
            };
        }
        let has = |name: &str| names.contains(&name);
        Ok(if is_decimal(schema) || has("object") || has("array") {
            None
        } else if has("string") && matches!(format(schema), Some("date-time" | "time")) {
            Some(self.string(format(schema), schema))
        } else if has("number") {
            Some(Type::Double)
        } else if has("integer") && has("string") {
            Some(self.text())
        } else if has("boolean") {
            Some(Type::Boolean)
        } else {
            None
        })
    }

    fn one(&self, name: &str, schema: &Value) -> Result<Type> {
        let pipelinewise = self.mode == NamingMode::Pipelinewise;
        Ok(match name {
            "number" | "string" if is_decimal(schema) => decimal_of(schema),
            "number" if pipelinewise => Type::Double,
            "number" => Type::Numeric(None),
            "integer" => self.integer(schema),
            "boolean" => Type::Boolean,
            "object" => Type::Jsonb,
            "array" => self.array(schema)?,
            // Taps that put the format among the types.
            "date-time" | "date" | "time" => self.string(Some(name), schema),
            _ => self.string(format(schema), schema),
        })
    }

    fn string(&self, format: Option<&str>, schema: &Value) -> Type {
        if self.content_encoding && schema.get("contentEncoding").and_then(Value::as_str) == Some("base16") {
            return Type::Bytea;
        }
        match (format, self.mode) {
            (Some("date-time"), _) => Type::Timestamp(None),
            (Some("date"), _) => Type::Date,
            (Some("time"), _) => Type::Time(None),
            (Some("uuid"), NamingMode::Meltanolabs) => Type::Uuid,
            _ => self.text(),
        }
    }

    fn text(&self) -> Type {
        match self.mode {
            NamingMode::Meltanolabs => Type::Text,
            NamingMode::Pipelinewise => Type::Varchar(None),
        }
    }

    fn integer(&self, schema: &Value) -> Type {
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
    fn array(&self, schema: &Value) -> Result<Type> {
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
        let element = match self.named(&bare)? {
            Some(named) => Some(named),
            // Branches are not looked into.
            None if bare.get("type").is_none() => None,
            None => self.element(&bare)?,
        };
        Ok(match element {
            None | Some(Type::Jsonb | Type::Array(_)) => Type::Array(Box::new(Type::Jsonb)),
            Some(element) => Type::Array(Box::new(element)),
        })
    }

    /// What holds every item.
    fn element(&self, items: &Value) -> Result<Option<Type>> {
        let mut all = Vec::new();
        self.collect(items, &mut all, &mut false)?;
        Ok(all.into_iter().reduce(unite))
    }
}

/// The names of the types that a schema allows, but null.
fn types(schema: &Value) -> Vec<&str> {
    let names = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(name) => name.as_str().into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    names.into_iter().filter(|name| *name != "null").collect()
}

/// The branches of `anyOf` or `oneOf`.
fn branches<'s>(schema: &'s Value, union: &str) -> impl Iterator<Item = &'s Value> + use<'s> {
    schema.get(union).and_then(Value::as_array).into_iter().flatten()
}

fn format(schema: &Value) -> Option<&str> {
    schema.get("format").and_then(Value::as_str)
}

fn is_decimal(schema: &Value) -> bool {
    matches!(format(schema), Some("singer.decimal" | "x-singer.decimal"))
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
            Type::Numeric(Some((precision, scale.unwrap_or(0).cast_signed())))
        }
        _ => Type::Numeric(None),
    }
}

#[cfg(test)]
mod tests;
