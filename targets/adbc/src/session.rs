//! A connection to a database, as the SQL kit wants it.

use std::sync::Arc;

use adbc_core::error::{Error as DriverError, Status};
use adbc_core::options::{IngestMode, OptionStatement, OptionValue};
use adbc_core::{Connection as _, Optionable as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedStatement};
use melisma_adbc::Database;
use melisma_sdk::arrow::array::cast::AsArray as _;
use melisma_sdk::arrow::array::types::{Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type};
use melisma_sdk::arrow::array::{Array, RecordBatch};
use melisma_sdk::arrow::schema::{DataType, SchemaRef};
use melisma_sdk::sql::{Connection, Dialect, SqlType, TableName};
use melisma_sdk::{Error, Result};

/// A connection with an open transaction.
pub struct Session {
    connection: ManagedConnection,
    database: Database,
    dialect: Arc<dyn Dialect>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(connection: ManagedConnection, database: Database, dialect: Arc<dyn Dialect>) -> Self {
        Self {
            connection,
            database,
            dialect,
        }
    }

    fn error(&self, doing: &str, error: &DriverError) -> Error {
        self.database.error(doing, error)
    }

    fn statement(&mut self, doing: &str) -> Result<ManagedStatement> {
        let statement = self.connection.new_statement();
        statement.map_err(|error| self.error(doing, &error))
    }

    fn ingest(
        &mut self,
        doing: &str,
        (table, mode): (&TableName, IngestMode),
        temporary: bool,
        rows: RecordBatch,
    ) -> Result<()> {
        let mut statement = self.statement(doing)?;
        let text = |text: &str| OptionValue::String(text.to_owned());
        let named = statement.set_option(OptionStatement::TargetTable, text(&table.table));
        named.map_err(|error| {
            let expected =
                format!("{doing}: expected a driver that can load tables (adbc.ingest.target_table)");
            self.error(&expected, &error)
        })?;
        let mut options = vec![(OptionStatement::IngestMode, mode.into())];
        if let Some(schema) = &table.schema {
            options.push((OptionStatement::TargetDbSchema, text(schema)));
        }
        if temporary {
            options.push((OptionStatement::Temporary, text("true")));
        }
        let load = || {
            options
                .drain(..)
                .try_for_each(|(option, value)| statement.set_option(option, value))?;
            statement.bind(rows)?;
            statement.execute_update()
        };
        load().map(drop).map_err(|error| self.error(doing, &error))
    }
}

impl Connection for Session {
    fn execute(&mut self, doing: &str, sql: &str) -> Result<()> {
        let mut statement = self.statement(doing)?;
        let run = statement
            .set_sql_query(sql)
            .and_then(|()| statement.execute_update());
        run.map(drop).map_err(|error| self.error(doing, &error))
    }

    fn query(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let mut statement = self.statement(doing)?;
        let reader = statement.set_sql_query(sql).and_then(|()| statement.execute());
        let reader = reader.map_err(|error| self.error(doing, &error))?;
        let mut rows = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|error| self.error(doing, &DriverError::from(error)))?;
            let columns: Vec<Vec<Option<String>>> = batch
                .columns()
                .iter()
                .map(|column| texts(column))
                .collect::<Result<_>>()?;
            rows.extend(
                (0..batch.num_rows()).map(|row| columns.iter().map(|column| column[row].clone()).collect()),
            );
        }
        Ok(rows)
    }

    fn load(&mut self, table: &TableName, rows: RecordBatch, temporary: bool) -> Result<()> {
        let doing = format!("cannot load rows into {}", table.sql(&*self.dialect));
        self.ingest(&doing, (table, IngestMode::Append), temporary, rows)
    }

    fn create(&mut self, table: &TableName, columns: SchemaRef, temporary: bool) -> Result<()> {
        let doing = format!("cannot create {}", table.sql(&*self.dialect));
        self.ingest(
            &doing,
            (table, IngestMode::Create),
            temporary,
            RecordBatch::new_empty(columns),
        )
    }

    fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, SqlType)>>> {
        match self
            .connection
            .get_table_schema(None, table.schema.as_deref(), &table.table)
        {
            Ok(schema) => {
                let fields = schema.fields().iter();
                // What the driver has chosen for a column of ours, it takes again.
                Ok(Some(
                    fields
                        .map(|field| {
                            (
                                field.name().clone(),
                                SqlType::Other(field.data_type().to_string()),
                            )
                        })
                        .collect(),
                ))
            }
            Err(error) if error.status == Status::NotFound || error.message.contains("no such table") => {
                Ok(None)
            }
            Err(error) => Err(self.error(&format!("cannot look up {}", table.sql(&*self.dialect)), &error)),
        }
    }

    fn commit(&mut self) -> Result<()> {
        let commit = self.connection.commit();
        commit.map_err(|error| self.error("cannot commit", &error))
    }

    fn rollback(&mut self) -> Result<()> {
        let rollback = self.connection.rollback();
        rollback.map_err(|error| self.error("cannot roll back", &error))
    }
}

/// The values of a column as text.
fn texts(column: &dyn Array) -> Result<Vec<Option<String>>> {
    let all = 0..column.len();
    let value = |value: &dyn Fn(usize) -> String| {
        all.clone()
            .map(|at| column.is_valid(at).then(|| value(at)))
            .collect()
    };
    Ok(match column.data_type() {
        DataType::Utf8 => value(&|at| column.as_string::<i32>().value(at).to_owned()),
        DataType::LargeUtf8 => value(&|at| column.as_string::<i64>().value(at).to_owned()),
        DataType::Utf8View => value(&|at| column.as_string_view().value(at).to_owned()),
        DataType::Int64 => value(&|at| column.as_primitive::<Int64Type>().value(at).to_string()),
        DataType::Int16 => value(&|at| column.as_primitive::<Int16Type>().value(at).to_string()),
        // Numbers of Snowflake, counts among them.
        DataType::Decimal128(..) => value(&|at| column.as_primitive::<Decimal128Type>().value_as_string(at)),
        DataType::Int32 => value(&|at| column.as_primitive::<Int32Type>().value(at).to_string()),
        DataType::Float64 => value(&|at| column.as_primitive::<Float64Type>().value(at).to_string()),
        DataType::Boolean => value(&|at| column.as_boolean().value(at).to_string()),
        DataType::Null => all.map(|_| None).collect(),
        found => {
            return Err(Error::bug(format!(
                "a query for texts and integers, with a column of {found}"
            )));
        }
    })
}
