//! The types of PostgreSQL: how a query casts those that its driver has no Arrow type for, and what they are then.

use std::collections::HashMap;

use adbc_driver_manager::ManagedConnection;
use melisma_adbc::Database;
use melisma_sdk::Result;
use melisma_sdk::arrow::schema::{DataType, Field};

use crate::kind::Kind;
use crate::query;
use crate::sql::literal;
use crate::table::{Cast, Table};

/// The most digits that a decimal has elsewhere.
const MAX_PRECISION: u8 = 38;

/// The type of each column, with its length and its digits, which the driver's list lacks.
pub(crate) fn names(
    database: &Database,
    connection: &mut ManagedConnection,
    table: &Table,
) -> Result<HashMap<String, String>> {
    let (schema, name) = (literal(&table.schema), literal(&table.name));
    let sql = format!(
        "SELECT CAST(a.attname AS text), pg_catalog.format_type(a.atttypid, a.atttypmod) \
         FROM pg_catalog.pg_attribute AS a \
         JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
         WHERE n.nspname = {schema} AND c.relname = {name} AND a.attnum > 0 AND NOT a.attisdropped"
    );
    query::pairs(database, connection, &sql)
}

/// What a column of this type is cast to, and the kind of its values where Arrow does not say it.
pub(crate) fn read_as(name: &str, sql_type: &str) -> (Cast, Option<Kind>) {
    let word = sql_type.split('(').next().unwrap_or_default();
    match word {
        _ if sql_type.ends_with("[]") => (Cast::Json, Some(Kind::json(name))),
        "json" | "jsonb" => (Cast::Text, Some(Kind::json(name))),
        "numeric" => (Cast::Text, Some(Kind::Numeric(digits(sql_type)))),
        "boolean" | "smallint" | "integer" | "bigint" | "real" | "double precision" | "text"
        | "character varying" | "character" | "bytea" | "date" => (Cast::None, None),
        // `time(3) without time zone`
        "time" | "time without time zone" if !sql_type.ends_with("with time zone") => (Cast::None, None),
        "timestamp" | "timestamp without time zone" | "timestamp with time zone" => (Cast::None, None),
        _ => (
            Cast::Text,
            Some(Kind::Arrow(Field::new(name, DataType::Utf8, true))),
        ),
    }
}

/// The precision and scale of `numeric(38,10)`, where others have such decimals.
fn digits(sql_type: &str) -> Option<(u8, u8)> {
    let digits = sql_type.strip_prefix("numeric(")?.strip_suffix(')')?;
    let (precision, scale) = digits.split_once(',')?;
    let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
    (precision <= MAX_PRECISION && scale <= precision).then_some((precision, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrow_has_no_type_for_is_cast() {
        let cast = |sql_type| read_as("c", sql_type).0;
        for as_it_is in [
            "integer",
            "character varying(10)",
            "time without time zone",
            "time(3) without time zone",
            "timestamp(3) with time zone",
            "bytea",
        ] {
            assert_eq!(cast(as_it_is), Cast::None, "{as_it_is}");
        }
        for text in ["numeric(10,2)", "time with time zone", "interval", "uuid", "inet"] {
            assert_eq!(cast(text), Cast::Text, "{text}");
        }
        assert_eq!(cast("integer[]"), Cast::Json);
        assert_eq!(digits("numeric(38,10)"), Some((38, 10)));
        for other in ["numeric", "numeric(50,2)", "numeric(2,-3)", "numeric(2,5)"] {
            assert_eq!(digits(other), None, "{other}");
        }
    }
}
