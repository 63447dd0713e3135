//! Names of tables and columns, made of the names of streams and properties.

use std::collections::HashMap;

use melisma_engine::{Error, Result, error::show};

use super::dialect::{Dialect, TableName};

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
    let mut taken: HashMap<String, &str> = HashMap::new();
    properties
        .map(|property| {
            let name = fit(&dialect.column_name(property), dialect)?;
            match taken.insert(dialect.fold(&name), property) {
                None => Ok(name),
                Some(other) => Err(Error::input(format!(
                    "expected a column for each property, found that \"{}\" and \"{}\" are both the column {}",
                    show(other),
                    show(property),
                    dialect.quote(&name)
                ))),
            }
        })
        .collect()
}

/// The name when it is short enough; else its front and a hash of all of it, the same in every run.
pub(super) fn fit(name: &str, dialect: &dyn Dialect) -> Result<String> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::input(format!(
            "expected a name that a table or column can have, found \"{}\"",
            show(name)
        )));
    }
    let limit = dialect.identifier_bytes();
    if name.len() <= limit {
        return Ok(name.to_owned());
    }
    let mut end = limit - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // FNV-1a: the same in every version and on every machine.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    Ok(format!("{}_{hash:08x}", &name[..end]))
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
            r#""main"."a_name_of_d5241607""#
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
