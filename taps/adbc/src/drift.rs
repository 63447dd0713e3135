//! Catalogs that are older than their tables: columns whose values may no longer fit the schema in the catalog.
//!
//! Meltano keeps catalogs between runs, so this is the normal case after `ALTER TABLE`. A schema of the catalog stays as long as
//! every value that the column may hold fits it: it may be the user's, or that of another tap. Where one may not fit, the
//! table's own schema takes its place.

use melisma_sdk::arrow::ValueOptions;
use melisma_sdk::internal::nullable::{nullable, takes_null, types};
use melisma_sdk::{Entry, Result, Stream, show};
use serde_json::{Value, json};

use crate::kind::Kind;
use crate::stream::own_schema;
use crate::table::Table;

/// The stream with corrections for what is no longer as the catalog says.
pub(crate) fn corrected<'t>(
    mut stream: Stream<'t>,
    table: &Table,
    entry: Entry<'_>,
    options: ValueOptions,
) -> Result<Stream<'t>> {
    let properties = entry
        .schema()
        .and_then(|schema| schema.get("properties")?.as_object());
    let Some(properties) = properties else {
        return Ok(stream);
    };
    let types = entry.of_properties("sql-datatype");
    for column in &table.columns {
        let Some(given) = properties.get(&column.name) else {
            continue;
        };
        if matches!(column.kind, Kind::Unsupported) {
            continue;
        }
        let given_type = types.get(column.name.as_str()).and_then(|value| value.as_str());
        let own = own_schema(table, column, options)?;
        // The catalog was made of this very type: where its schema is narrower, the user wanted it so.
        let unchanged = given_type == Some(column.sql_type.as_str());
        if !fits(&own, given, unchanged) {
            let was = given_type.map_or_else(|| show(&given.to_string()), str::to_owned);
            let now = &column.sql_type;
            let why =
                format!("its type is {now}, and the catalog says {was}: its schema is now that of the table");
            stream = stream.corrects(&column.name, own, why);
        } else if column.nullable && !table.is_view && !table.is_key(&column.name) && !takes_null(given) {
            let why = "it may be null, and the catalog says that it is not: its schema now says so";
            stream = stream.corrects(&column.name, nullable(given), why);
        }
    }
    Ok(stream)
}

/// Whether all values of one schema, but null, are valid by another.
fn fits(own: &Value, given: &Value, unchanged: bool) -> bool {
    for union in ["anyOf", "oneOf"] {
        if let Some(branches) = given.get(union).and_then(Value::as_array) {
            return branches.iter().any(|branch| fits(own, branch, unchanged));
        }
    }
    let (Some(own_types), Some(given_types)) = (types(own), types(given)) else {
        return types(given).is_none();
    };
    let takes = |name: &str| {
        name == "null" || given_types.contains(&name) || name == "integer" && given_types.contains(&"number")
    };
    if !own_types.iter().all(|name| takes(name)) {
        return false;
    }
    unchanged && own.get("format") == given.get("format")
        || bounds_fit(own, given)
            && format_fits(own, given)
            && given.get("items").is_none_or(|items| {
                let own = own.get("items").cloned().unwrap_or_else(|| json!({}));
                fits(&own, items, unchanged)
            })
}

fn bounds_fit(own: &Value, given: &Value) -> bool {
    let number = |schema: &Value, names: [&str; 2]| names.iter().find_map(|name| schema.get(*name)?.as_f64());
    let is_integer = types(own).is_some_and(|types| types.contains(&"integer") && !types.contains(&"number"));
    let widest = if is_integer { 2_f64.powi(63) } else { f64::INFINITY };
    let (low, high) = (["minimum", "exclusiveMinimum"], ["maximum", "exclusiveMaximum"]);
    let length = |schema: &Value| schema.get("maxLength").and_then(Value::as_u64);
    number(given, low).is_none_or(|low_given| low_given <= number(own, low).unwrap_or(-widest))
        && number(given, high).is_none_or(|high_given| high_given >= number(own, high).unwrap_or(widest))
        && length(given).is_none_or(|most| length(own).is_some_and(|own| own <= most))
        && given
            .get("multipleOf")
            .and_then(Value::as_f64)
            .is_none_or(|step| is_integer && step <= 1.0)
}

fn format_fits(own: &Value, given: &Value) -> bool {
    let Some(format) = given.get("format").and_then(Value::as_str) else {
        return true;
    };
    if own.get("format").and_then(Value::as_str) != Some(format) {
        // Formats that say nothing about values of text.
        return !matches!(
            format,
            "date" | "date-time" | "time" | "uuid" | "singer.decimal" | "x-singer.decimal"
        );
    }
    let digits = |schema: &Value, name: &str| schema.get(name).and_then(Value::as_u64);
    match (digits(given, "precision"), digits(own, "precision")) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(precision), Some(own_precision)) => {
            let (scale, own_scale) = (
                digits(given, "scale").unwrap_or(0),
                digits(own, "scale").unwrap_or(0),
            );
            scale >= own_scale && precision.saturating_sub(scale) >= own_precision.saturating_sub(own_scale)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_stays_as_long_as_every_value_fits_it() {
        let small = json!({"type": ["integer"], "minimum": -128, "maximum": 127});
        let big = json!({"type": ["integer", "null"]});
        let decimal = |precision, scale| json!({"type": ["string"], "format": "singer.decimal", "precision": precision, "scale": scale});
        for (own, given, expected) in [
            (&small, &big, true),
            (&big, &small, false),
            (&big, &json!({"type": "number"}), true),
            (&big, &json!({"type": "string"}), false),
            (&big, &json!({}), true),
            (
                &json!({"type": ["string"]}),
                &json!({"type": "string", "maxLength": 5}),
                false,
            ),
            (
                &json!({"type": ["string"]}),
                &json!({"type": "string", "format": "email"}),
                true,
            ),
            (
                &json!({"type": ["string"]}),
                &json!({"type": "string", "format": "date"}),
                false,
            ),
            (
                &json!({"type": ["string"], "format": "date"}),
                &json!({"type": "string", "format": "date-time"}),
                false,
            ),
            (&decimal(10, 2), &decimal(12, 4), true),
            (&decimal(10, 2), &decimal(10, 4), false),
            (
                &small,
                &json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
                true,
            ),
            (
                &json!({"type": ["array"], "items": big}),
                &json!({"type": "array", "items": small}),
                false,
            ),
        ] {
            assert_eq!(fits(own, given, false), expected, "{own} in {given}");
        }
        assert!(fits(&big, &small, true), "the user narrowed the catalog");
    }
}
