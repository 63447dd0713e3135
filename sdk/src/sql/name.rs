//! Names of tables and columns, made of the names of streams and properties.

use melisma_engine::Result;

use super::dialect::{Dialect, TableName};
use crate::internal::names;

impl TableName {
    /// The table of a stream: `orders` of `shop-orders`, in the schema `schema`, or else in `shop`, if it is known that the
    /// database has schemas. These are the rules of Meltano's SDK.
    pub fn of_stream(stream: &str, schema: Option<&str>, dialect: &dyn Dialect) -> Result<Self> {
        let stream = dialect.stream_name(stream);
        let mut parts = stream.rsplit('-').filter(|part| !part.is_empty());
        let table = parts.next().unwrap_or(&stream);
        let source = parts.next();
        let own = dialect.default_schema();
        let schema = schema
            .filter(|schema| !schema.is_empty())
            .or_else(|| own.map(|own| source.unwrap_or(own)));
        Ok(Self {
            schema: schema.map(|schema| fit(schema, dialect)).transpose()?,
            table: fit(table, dialect)?,
        })
    }
}

/// The columns of these properties, in their order.
///
/// # Errors
/// Two properties that would be one column.
pub(super) fn column_names<'a>(
    properties: impl Iterator<Item = &'a str>,
    dialect: &dyn Dialect,
) -> Result<Vec<String>> {
    names::columns(
        properties,
        |property| fit(&dialect.column_name(property), dialect),
        |name| dialect.fold(name),
        |name| dialect.quote(name),
    )
}

/// The name as the dialect's identifiers have room for it.
pub(super) fn fit(name: &str, dialect: &dyn Dialect) -> Result<String> {
    names::fit(name, dialect.identifier_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::SqlType;

    /// Eighteen bytes, and case does not count.
    #[derive(Debug)]
    struct Short;

    impl Dialect for Short {
        fn name(&self) -> &'static str {
            "short"
        }

        fn fold(&self, name: &str) -> String {
            name.to_lowercase()
        }

        fn identifier_bytes(&self) -> usize {
            18
        }

        fn default_schema(&self) -> Option<&str> {
            Some("main")
        }

        fn sql_type(&self, _: &SqlType) -> Option<String> {
            None
        }

        fn parse_type(&self, declared: &str) -> SqlType {
            SqlType::Other(declared.to_owned())
        }
    }

    #[test]
    fn a_stream_names_its_table_and_its_schema() {
        let name = |stream, schema| {
            TableName::of_stream(stream, schema, &Short)
                .expect("a name")
                .sql(&Short)
        };
        assert_eq!(name("orders", None), r#""main"."orders""#);
        assert_eq!(name("shop-orders", None), r#""shop"."orders""#);
        assert_eq!(name("db-shop-orders", Some("raw")), r#""raw"."orders""#);
        assert_eq!(name("shop-", None), r#""main"."shop""#);
        assert_eq!(name(r#"a"b"#, None), r#""main"."a""b""#);
        assert_eq!(
            name("a_name_of_a_table_that_is_long", None),
            r#""main"."a_name_of_7adb96d5""#
        );
    }

    #[test]
    fn two_properties_are_never_one_column() {
        let names = |properties: &[&str]| column_names(properties.iter().copied(), &Short);
        assert_eq!(names(&["id", "Name"]).expect("names"), ["id", "Name"]);
        let error = names(&["id", "ID"]).expect_err("one column").to_string();
        assert!(
            error.contains(r#""id" and "ID" are both the column "ID""#),
            "{error}"
        );
        assert!(names(&[""]).is_err());
    }
}
