//! The types of DuckDB that Arrow has none for: how a query casts them, and what they are then.

use melisma_sdk::arrow::schema::{DataType, Field};

use crate::kind::Kind;
use crate::table::Cast;

/// What a column of this type is cast to, and the kind of its values where Arrow does not say it.
pub(crate) fn read_as(name: &str, sql_type: &str) -> (Cast, Option<Kind>) {
    let text = || Some(Kind::Arrow(Field::new(name, DataType::Utf8, true)));
    match sql_type {
        "JSON" => (Cast::None, Some(Kind::json(name))),
        // Arrow's decimals have 38 digits, and these integers 39.
        "HUGEINT" => (Cast::Text, Some(integer(-2_f64.powi(127), 2_f64.powi(127)))),
        "UHUGEINT" => (Cast::Text, Some(integer(0.0, 2_f64.powi(128)))),
        "BIGNUM" | "VARINT" => (Cast::Text, Some(Kind::Decimal)),
        // By Arrow, the zone would be lost, and bits would be bytes.
        "TIME WITH TIME ZONE" | "BIT" => (Cast::Text, text()),
        "VARIANT" => (Cast::Json, Some(Kind::json(name))),
        _ if sql_type.starts_with("UNION(") => (Cast::Json, Some(Kind::json(name))),
        _ if is_nested(sql_type) && has_other_types(sql_type) => (Cast::Json, Some(Kind::json(name))),
        _ => (Cast::None, None),
    }
}

fn integer(minimum: f64, maximum: f64) -> Kind {
    Kind::Integer { minimum, maximum }
}

fn is_nested(sql_type: &str) -> bool {
    sql_type.ends_with(']') || sql_type.starts_with("STRUCT(") || sql_type.starts_with("MAP(")
}

/// Whether a type inside is one of those above. A member of this name is taken for one: then the value is the same, by JSON.
fn has_other_types(sql_type: &str) -> bool {
    [
        "HUGEINT",
        "BIGNUM",
        "VARINT",
        "TIME WITH TIME ZONE",
        "BIT",
        "UNION(",
        "VARIANT",
        "JSON",
    ]
    .iter()
    .any(|other| sql_type.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrow_has_no_type_for_is_cast_wherever_it_is() {
        let cast = |sql_type| read_as("c", sql_type).0;
        assert_eq!(cast("INTEGER"), Cast::None);
        assert_eq!(cast("STRUCT(a INTEGER, b VARCHAR[])[]"), Cast::None);
        assert_eq!(cast("UHUGEINT"), Cast::Text);
        assert_eq!(cast("BIT"), Cast::Text);
        assert_eq!(cast("UNION(num INTEGER)"), Cast::Json);
        assert_eq!(cast("MAP(VARCHAR, BIT)"), Cast::Json);
        assert_eq!(cast("ENUM('BIT', 'JSON')"), Cast::None);
    }
}
