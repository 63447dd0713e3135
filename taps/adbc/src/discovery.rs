//! Which tables and views a database has, and what their columns are.

use std::collections::{HashMap, HashSet};

use adbc_core::options::{ObjectDepth, OptionConnection};
use adbc_core::{Connection as _, Optionable as _};
use adbc_driver_manager::ManagedConnection;
use melisma_adbc::Database;
use melisma_sdk::arrow::schema::{Field, Schema};
use melisma_sdk::arrow::{ValueOptions, json_schema};
use melisma_sdk::config::Names;
use melisma_sdk::tap::Refused;
use melisma_sdk::{Error, Kind as ErrorKind, Result, show};

use crate::declared::Declared;
use crate::duckdb_types;
use crate::kind::Kind;
use crate::objects::{self, Object, ObjectColumn};
use crate::postgresql_types;
use crate::query;
use crate::sql::{Sql, identifier};
use crate::table::{Cast, Column, Table};

const DOING: &str = "cannot read the catalog of the database";

/// Which tables are looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) schemas: Option<&'a Names>,
    pub(crate) tables: Option<&'a Names>,
    /// Streams by name.
    pub(crate) streams: Option<HashSet<&'a str>>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In the order of their names.
    pub(crate) tables: Vec<Table>,
    /// What cannot be read, such as a view whose tables are gone.
    pub(crate) refused: Vec<Refused>,
}

impl Filter<'_> {
    fn has(&self, sql: Sql, schema: &str, name: &str, id: &str) -> bool {
        if let Some(streams) = &self.streams {
            return streams.contains(id);
        }
        let is_listed = |names: Option<&Names>, name: &str| {
            let names = names.filter(|names| !names.0.is_empty());
            let is = |other: &String| match sql {
                Sql::Snowflake => other.eq_ignore_ascii_case(name),
                _ => other == name,
            };
            names.map(|names| names.0.iter().any(is))
        };
        let qualified = format!("{schema}.{name}");
        is_listed(self.schemas, schema).unwrap_or_else(|| !is_system(schema))
            && is_listed(self.tables, name)
                .is_none_or(|found| found || is_listed(self.tables, &qualified) == Some(true))
    }
}

fn is_system(schema: &str) -> bool {
    schema.eq_ignore_ascii_case("information_schema") || schema.starts_with("pg_")
}

/// The tables that the filter finds.
pub(crate) fn tables(
    database: &Database,
    connection: &mut ManagedConnection,
    sql: Sql,
    filter: &Filter<'_>,
) -> Result<Found> {
    let catalog = catalog(database, connection, sql)?;
    let mut found = Found::default();
    for (mut object, unread) in objects(database, connection, catalog.as_deref())? {
        // A catalog's name is a pattern to some drivers.
        if catalog
            .as_deref()
            .is_some_and(|catalog| catalog != object.catalog)
        {
            continue;
        }
        if sql == Sql::Sqlite {
            // A file has no schemas; what stands in their place is the name that it is attached by.
            object.schema.clone_from(&object.catalog);
            object.quoted = objects::qualified(&object.schema, &object.name);
        }
        if sql == Sql::Snowflake {
            object.in_lower_case();
        }
        let mut table = Table {
            quoted: std::mem::take(&mut object.quoted),
            is_view: object.kind.to_ascii_uppercase().contains("VIEW"),
            schema: std::mem::take(&mut object.schema),
            name: std::mem::take(&mut object.name),
            columns: Vec::new(),
            key: Vec::new(),
        };
        let id = table.id();
        if !is_readable(&object.kind, &table.name, sql) || !filter.has(sql, &table.schema, &table.name, &id) {
            continue;
        }
        if let Some(error) = unread {
            found.refused.push(Refused::new(id, error.to_string()));
            continue;
        }
        match columns(database, connection, sql, &table, &object) {
            Ok(columns) => table.columns = columns,
            // What is wrong with one table does not hide the others.
            Err(error) if error.kind() != ErrorKind::Bug => {
                found.refused.push(Refused::new(id, error.to_string()));
                continue;
            }
            Err(error) => return Err(error),
        }
        table.key = key(&object, &table.columns);
        found.tables.push(table);
    }
    found
        .tables
        .sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    Ok(found)
}

/// The objects that the driver lists, each with why its columns could not be listed. Some drivers list nothing when they fail at
/// one, such as a view of a table that is gone: then they are asked for each.
fn objects(
    database: &Database,
    connection: &ManagedConnection,
    catalog: Option<&str>,
) -> Result<Vec<(Object, Option<Error>)>> {
    let failed = |error| database.error(DOING, &error);
    let all = match objects::read(connection, ObjectDepth::All, catalog, None) {
        Ok(batches) => {
            let objects = objects::parse(&batches)?.into_iter();
            return Ok(objects.map(|object| (object, None)).collect());
        }
        Err(error) => {
            objects::read(connection, ObjectDepth::Tables, catalog, None).map_err(|_| failed(error))?
        }
    };
    let mut objects = Vec::new();
    for object in objects::parse(&all)? {
        match objects::read(connection, ObjectDepth::All, catalog, Some(&object.name)) {
            Ok(batches) => {
                let named = objects::parse(&batches)?.into_iter();
                let is_same = |other: &Object| {
                    (&other.catalog, &other.schema, &other.name)
                        == (&object.catalog, &object.schema, &object.name)
                };
                objects.extend(named.filter(is_same).map(|object| (object, None)));
            }
            Err(error) => {
                let error = database.error(&format!("cannot read {}", show(&object.name)), &error);
                objects.push((object, Some(error)));
            }
        }
    }
    Ok(objects)
}

/// The catalog that the connection is in; `None` where that is not known.
fn catalog(database: &Database, connection: &mut ManagedConnection, sql: Sql) -> Result<Option<String>> {
    match sql {
        Sql::Sqlite => Ok(Some("main".to_owned())),
        Sql::DuckDb => query::text(database, connection, "SELECT current_database()"),
        Sql::Postgresql => query::text(database, connection, "SELECT current_database()"),
        Sql::Snowflake => query::text(database, connection, "SELECT CURRENT_DATABASE()"),
        Sql::Ansi => {
            let catalog = connection.get_option_string(OptionConnection::CurrentCatalog);
            Ok(catalog.ok().filter(|catalog| !catalog.is_empty()))
        }
    }
}

/// Whether rows can be read of it: a table or a view, and not an index, a sequence or what the database keeps for itself.
fn is_readable(kind: &str, name: &str, sql: Sql) -> bool {
    let kind = kind.to_ascii_uppercase();
    let is_own = sql == Sql::Sqlite && name.starts_with("sqlite_");
    (kind.contains("TABLE") || kind.contains("VIEW"))
        && !["SYSTEM", "TOAST", "INDEX"]
            .iter()
            .any(|word| kind.contains(word))
        && !is_own
}

/// The primary key, or a unique constraint over columns that are not null, if all of its columns can be read.
fn key(object: &Object, columns: &[Column]) -> Vec<String> {
    let all = |key: &[String], is: &dyn Fn(&Column) -> bool| {
        let column = |name: &String| columns.iter().find(|column| column.name == *name);
        key.iter().all(|name| column(name).is_some_and(is))
    };
    let not_null = object
        .unique
        .iter()
        .find(|key| all(key, &|column| !column.nullable));
    let key = object.primary_key.as_ref().or(not_null);
    key.filter(|key| all(key, &|column| !matches!(column.kind, Kind::Unsupported)))
        .cloned()
        .unwrap_or_default()
}

fn columns(
    database: &Database,
    connection: &mut ManagedConnection,
    sql: Sql,
    table: &Table,
    object: &Object,
) -> Result<Vec<Column>> {
    let types = match sql {
        Sql::Postgresql => postgresql_types::names(database, connection, table)?,
        _ => HashMap::new(),
    };
    let mut columns: Vec<Column> = object
        .columns
        .iter()
        .map(|column| declared(column, types.get(&column.name), sql))
        .collect();
    match sql {
        Sql::Sqlite => Ok(columns),
        Sql::DuckDb | Sql::Postgresql | Sql::Snowflake => {
            let doing = format!("cannot read {}", table.quoted_name());
            let sql = format!(
                "SELECT {} FROM {} AS t LIMIT 0",
                query::list(&columns),
                table.quoted_name()
            );
            let schema = query::schema(connection, &sql).map_err(|error| database.error(&doing, &error))?;
            for (column, field) in columns.iter_mut().zip(schema.fields()) {
                if matches!(column.kind, Kind::Unsupported) {
                    column.kind = of_field(field.as_ref().clone().with_name(&column.name));
                }
            }
            Ok(columns)
        }
        Sql::Ansi => {
            let doing = format!("cannot read {}", table.quoted_name());
            let schema = Some(table.schema.as_str()).filter(|schema| !schema.is_empty());
            let schema = connection
                .get_table_schema(None, schema, &table.name)
                .map_err(|error| database.error(&doing, &error))?;
            Ok(of_schema(&schema, &columns))
        }
    }
}

/// A column as far as the driver's list says it; [`Kind::Unsupported`] until Arrow says more.
fn declared(column: &ObjectColumn, sql_type: Option<&String>, sql: Sql) -> Column {
    let sql_type = sql_type.or(column.sql_type.as_ref()).cloned().unwrap_or_default();
    let (cast, kind) = match sql {
        Sql::Sqlite => (Cast::None, Some(Kind::Declared(Declared::of(&sql_type)))),
        Sql::DuckDb => duckdb_types::read_as(&column.name, &sql_type),
        Sql::Postgresql => postgresql_types::read_as(&column.name, &sql_type),
        Sql::Snowflake if matches!(&*sql_type, "VARIANT" | "OBJECT" | "ARRAY") => {
            (Cast::None, Some(Kind::json(&column.name)))
        }
        Sql::Snowflake | Sql::Ansi => (Cast::None, None),
    };
    Column {
        name: column.name.clone(),
        quoted: column.quoted.clone(),
        sql_type,
        nullable: column.nullable.unwrap_or(true),
        comment: column.comment.clone(),
        kind: kind.unwrap_or(Kind::Unsupported),
        cast,
    }
}

/// The columns of a table's Arrow schema, with what the driver's list says of them.
fn of_schema(schema: &Schema, listed: &[Column]) -> Vec<Column> {
    let fields = schema.fields().iter();
    let columns = fields.map(|field| {
        let listed = listed.iter().find(|column| column.name == *field.name());
        let sql_type = listed.map(|column| column.sql_type.clone());
        Column {
            name: field.name().clone(),
            quoted: identifier(field.name()),
            sql_type: sql_type
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| field.data_type().to_string()),
            nullable: listed.map_or(field.is_nullable(), |column| column.nullable),
            comment: listed.and_then(|column| column.comment.clone()),
            kind: of_field(field.as_ref().clone()),
            cast: Cast::None,
        }
    });
    columns.collect()
}

fn of_field(field: Field) -> Kind {
    match json_schema(&field, ValueOptions::default()) {
        Ok(_) => Kind::Arrow(field),
        Err(_) => Kind::Unsupported,
    }
}

/// The error of two tables whose streams have one name.
pub(crate) fn one_stream(one: &Table, other: &Table) -> Error {
    Error::config(format!(
        "the tables {}.{} and {}.{} are one stream {}: choose one with filter_schemas or filter_tables",
        show(&one.schema),
        show(&one.name),
        show(&other.schema),
        show(&other.name),
        show(&one.id()),
    ))
}
