//! Arrays with another number of dimensions than their column declares.
//!
//! `int[]` may hold `{{1,2},{3,4}}`, whatever was declared, and a view, a materialized view and CREATE TABLE AS forget
//! what was. Declared is one dimension in nearly all columns, and held is what is declared: so the SCHEMA says that, which
//! gives native arrays in targets, and says otherwise when the first value of another depth comes, before its record.

use std::cell::Cell;

use melisma_sdk::{Output, Result};
use serde_json::{Map, Value, json};

use crate::config::Values;
use crate::copy::Tuple;
use crate::kind::Kind;
use crate::schema;

/// An array column whose SCHEMA says how deep its values are.
#[derive(Debug)]
pub(crate) struct Depth {
    /// Where it is among the values of a row.
    place: usize,
    name: Box<str>,
    /// `None` when the SCHEMA takes any depth.
    declared: Cell<Option<u32>>,
    /// The column's schema for values of any depth.
    any: Value,
}

impl Depth {
    /// Of the column at `place`, when it is an array with this schema in the SCHEMA.
    pub(crate) fn of(place: usize, name: &str, kind: &Kind, schema: &Value, values: &Values) -> Option<Self> {
        let Kind::Array(item, depth) = kind else {
            return None;
        };
        Some(Self {
            place,
            name: name.into(),
            declared: Cell::new(Some(declared(schema)?)),
            any: any_depth(item, *depth, schema, values),
        })
    }
}

/// Writes another SCHEMA when a value of the row is deeper, or less deep, than the last one said.
pub(crate) fn admit(depths: &[Depth], tuple: Tuple<'_>, output: &mut Output<'_>) -> Result<()> {
    for depth in depths {
        // The binary form begins with the number of dimensions; an empty array has none.
        let found = tuple.nth(depth.place).and_then(|value| value.first_chunk());
        let found = found.map_or(0, |bytes| u32::from_be_bytes(*bytes));
        if found != 0 && depth.declared.get().is_some_and(|declared| declared != found) {
            depth.declared.set(None);
            change(depth, output)?;
        }
    }
    Ok(())
}

#[cold]
fn change(depth: &Depth, output: &mut Output<'_>) -> Result<()> {
    log::warn!(
        "stream {}: column {} has arrays of another depth than is declared: its schema now takes any depth",
        output.stream(),
        depth.name
    );
    let own = |name: &str, schema: &Value| {
        if *name == *depth.name {
            depth.any.clone()
        } else {
            schema.clone()
        }
    };
    let columns = output.columns().iter();
    let properties: Map<String, Value> = columns
        .map(|column| (column.name.to_string(), own(&column.name, &column.schema)))
        .collect();
    let mut schema = output.schema().clone();
    schema["properties"] = properties.into();
    output.change_schema(schema)
}

/// How deep the arrays of a schema are; `None` when it does not say.
fn declared(schema: &Value) -> Option<u32> {
    let is_array = |schema: &Value| {
        let names = schema.get("type")?;
        let names: Vec<&str> = match names {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let array = names.contains(&"array");
        // Of a union, any depth.
        (!array || names.iter().all(|name| matches!(*name, "array" | "null"))).then_some(array)
    };
    if !is_array(schema)? {
        return None;
    }
    let mut items = schema.get("items")?;
    let mut depth = 1;
    while is_array(items)? {
        items = items.get("items")?;
        depth += 1;
    }
    Some(depth)
}

/// The schema of a column whose arrays have up to six dimensions, the most that PostgreSQL has.
fn any_depth(item: &Kind, depth: u32, schema: &Value, values: &Values) -> Value {
    const DEEPEST: usize = 6;
    let scalar = Value::Object(schema::of(item, true, values));
    let mut items = scalar.clone();
    for _ in 1..DEEPEST {
        let mut outer = scalar.clone();
        if let Some(Value::Array(types)) = outer.get_mut("type") {
            types.push("array".into());
        }
        outer["items"] = items;
        items = outer;
    }
    if matches!(item, Kind::Array(..)) {
        // A domain over arrays: where one ends and the other begins, only the database knows.
        items = json!({});
    }
    let mut any = schema.clone();
    any["items"] = items;
    // The type that a database target gave the column when it was as deep as declared, and which takes every depth.
    any["x-sql-datatype"] = if depth > 1 {
        "jsonb[]"
    } else {
        sql_array(item, values)
    }
    .into();
    any
}

fn sql_array(item: &Kind, values: &Values) -> &'static str {
    match item {
        Kind::Bool => "boolean[]",
        Kind::Int2 => "smallint[]",
        Kind::Int4 => "integer[]",
        Kind::Int8 | Kind::Oid => "bigint[]",
        Kind::Numeric { .. } if values.use_singer_decimal => "text[]",
        Kind::Float4 | Kind::Float8 | Kind::Numeric { .. } => "numeric[]",
        Kind::TimeTz => "timetz[]",
        Kind::Json | Kind::Jsonb | Kind::Hstore | Kind::Array(..) => "jsonb[]",
        _ => "text[]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_how_deep_its_arrays_are_or_not() {
        let integers = json!({"type": ["integer", "null"]});
        let one = json!({"type": ["array", "null"], "items": integers});
        assert_eq!(declared(&one), Some(1));
        assert_eq!(declared(&json!({"type": "array", "items": one})), Some(2));
        assert_eq!(declared(&json!({"type": "array"})), None);
        assert_eq!(declared(&json!({"type": "array", "items": {}})), None);
        assert_eq!(
            declared(&json!({"type": "array", "items": {"$ref": "#/definitions/x"}})),
            None
        );
        assert_eq!(
            declared(&json!({"type": ["array", "string"], "items": one})),
            None
        );
        assert_eq!(declared(&integers), None);
    }

    #[test]
    fn the_schema_for_any_depth_takes_six_and_says_its_type() {
        let schema = json!({"type": ["array", "null"], "items": {"type": ["integer", "null"]}});
        let any = any_depth(&Kind::Int8, 1, &schema, &Values::default());
        assert_eq!(any["x-sql-datatype"], "bigint[]");
        assert_eq!(any["type"], json!(["array", "null"]));
        let mut items = &any["items"];
        for _ in 1..6 {
            assert_eq!(items["type"], json!(["integer", "null", "array"]));
            items = &items["items"];
        }
        assert_eq!(*items, json!({"type": ["integer", "null"]}));
        assert_eq!(declared(&any), None);
    }
}
