//! Maps the names of streams and properties to names of schemas, tables and columns.

use std::collections::HashMap;

use melisma_postgres::identifier;
use melisma_sdk::internal::names;
use melisma_sdk::{Error, Result, show};

use crate::config::{NamingMode, SchemaMapping};

/// A table's place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: Box<str>,
    pub(crate) table: Box<str>,
}

impl TableName {
    /// `"melty"."orders"`
    pub(crate) fn sql(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.table))
    }
}

/// The rules of a run.
#[derive(Clone, Debug)]
pub(crate) struct Naming {
    pub(crate) mode: NamingMode,
    pub(crate) default_schema: Box<str>,
    pub(crate) mapping: HashMap<String, SchemaMapping>,
    /// The longest name in bytes.
    pub(crate) limit: usize,
}

impl Naming {
    /// The table of a stream.
    pub(crate) fn table(&self, stream: &str) -> Result<TableName> {
        let parts: Vec<&str> = stream.split('-').collect();
        let table = match (self.mode, parts.as_slice()) {
            (NamingMode::Meltanolabs, [.., last]) => (*last).to_owned(),
            (NamingMode::Pipelinewise, [_, table]) => (*table).to_owned(),
            (NamingMode::Pipelinewise, [_, _, more @ ..]) if !more.is_empty() => more.join("_"),
            _ => stream.to_owned(),
        };
        let table = match self.mode {
            NamingMode::Meltanolabs => table,
            NamingMode::Pipelinewise => table.replace(['.', '-'], "_").to_lowercase(),
        };
        let source = self.source_schema(&parts);
        let schema = match source.and_then(|source| self.mapping.get(source)) {
            Some(SchemaMapping {
                target_schema: Some(schema),
                ..
            }) => schema,
            _ if !self.default_schema.is_empty() => &*self.default_schema,
            _ => match (self.mode, source) {
                (NamingMode::Meltanolabs, Some(source)) => source,
                (NamingMode::Meltanolabs, None) => "public",
                (NamingMode::Pipelinewise, _) => {
                    return Err(Error::config(format!(
                        "config: default_target_schema: expected a schema for the stream {}, which schema_mapping \
                         does not name, found none",
                        show(stream)
                    )));
                }
            },
        };
        Ok(TableName {
            schema: self.fit(schema)?.into(),
            table: self.fit(&table)?.into(),
        })
    }

    /// What `schema_mapping` says about the stream's source.
    pub(crate) fn mapped(&self, stream: &str) -> Option<&SchemaMapping> {
        let parts: Vec<&str> = stream.split('-').collect();
        self.mapping.get(self.source_schema(&parts)?)
    }

    fn source_schema<'a>(&self, parts: &[&'a str]) -> Option<&'a str> {
        match (self.mode, parts) {
            (NamingMode::Meltanolabs, [.., schema, _]) if parts.len() <= 3 => Some(schema),
            (NamingMode::Pipelinewise, [schema, _]) => Some(schema),
            (NamingMode::Pipelinewise, [_, schema, _, ..]) => Some(schema),
            _ => None,
        }
    }

    /// The columns of these properties, in their order.
    ///
    /// # Errors
    /// Two properties that would be one column.
    pub(crate) fn columns<'a>(&self, properties: impl Iterator<Item = &'a str>) -> Result<Vec<Box<str>>> {
        let name = |property: &str| match self.mode {
            NamingMode::Meltanolabs => self.fit(property),
            NamingMode::Pipelinewise => self.fit(&property.to_lowercase()),
        };
        let columns = names::columns(properties, name, str::to_owned, identifier)?;
        Ok(columns.into_iter().map(String::into_boxed_str).collect())
    }

    /// The name as PostgreSQL has room for it.
    pub(crate) fn fit(&self, name: &str) -> Result<String> {
        names::fit(name, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(mode: NamingMode, default_schema: &str) -> Naming {
        let shop = SchemaMapping {
            target_schema: Some("mapped".to_owned()),
            ..SchemaMapping::default()
        };
        Naming {
            mode,
            default_schema: default_schema.into(),
            mapping: [("shop".to_owned(), shop)].into(),
            limit: 63,
        }
    }

    fn table(mode: NamingMode, default_schema: &str, stream: &str) -> String {
        naming(mode, default_schema)
            .table(stream)
            .map_or_else(|error| error.to_string(), |table| table.sql())
    }

    #[test]
    fn meltanolabs_names() {
        for (default, stream, expected) in [
            ("melty", "orders", r#""melty"."orders""#),
            ("melty", "public-Orders", r#""melty"."Orders""#),
            ("melty", "a-b-c", r#""melty"."c""#),
            ("melty", "a-b-c-d", r#""melty"."d""#),
            ("", "public-orders", r#""public"."orders""#),
            ("", "db-sales-orders", r#""sales"."orders""#),
            ("", "orders", r#""public"."orders""#),
            ("melty", "shop-orders", r#""mapped"."orders""#),
            ("melty", "od\"d", r#""melty"."od""d""#),
        ] {
            assert_eq!(table(NamingMode::Meltanolabs, default, stream), expected);
        }
    }

    #[test]
    fn pipelinewise_names() {
        for (default, stream, expected) in [
            ("dwh", "orders", r#""dwh"."orders""#),
            ("dwh", "public-Orders", r#""dwh"."orders""#),
            ("dwh", "cat-schema-tbl-more", r#""dwh"."tbl_more""#),
            ("dwh", "public-a.b", r#""dwh"."a_b""#),
            ("", "cat-shop-orders", r#""mapped"."orders""#),
        ] {
            assert_eq!(table(NamingMode::Pipelinewise, default, stream), expected);
        }
        assert!(table(NamingMode::Pipelinewise, "", "orders").contains("default_target_schema"));
    }

    #[test]
    fn properties_that_would_be_one_column_are_an_error() {
        let columns = |mode, names: &[&str]| naming(mode, "x").columns(names.iter().copied());
        assert_eq!(
            columns(NamingMode::Meltanolabs, &["Id", "id"])
                .expect("two")
                .len(),
            2
        );
        let error = columns(NamingMode::Pipelinewise, &["Id", "id"]).expect_err("one");
        assert_eq!(
            error.to_string(),
            "expected a column for each property, found that \"Id\" and \"id\" are both the column \"id\""
        );
    }
}
