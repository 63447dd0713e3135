//! The table of a stream as it is in the database, made and changed until it takes the rows of a plan.

mod evolve;

use arrow_schema::SchemaRef;
use melisma_engine::error::show;
use melisma_engine::{Error, Result, fault};

use super::config::Evolution;
use super::connection::Connection;
use super::dialect::{Dialect, TableName};
use super::plan::{Plan, Planned};
use super::types::SqlType;

/// A table and its columns, in its order.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<(String, SqlType)>,
    /// For each column of the plan the place of its column in the table; `None` where it has none (`freeze`).
    pub(super) places: Vec<Option<usize>>,
    /// This run has made it, so that no row is there.
    pub(super) is_new: bool,
}

/// What tables are made with.
pub(super) struct Maker<'a> {
    pub(super) connection: &'a mut dyn Connection,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) evolution: Evolution,
    /// Whether the table can be changed: its rows may have changed in this transaction.
    pub(super) can_alter: bool,
}

impl Maker<'_> {
    /// Makes the table of a plan ready for its rows, in the transaction.
    pub(super) fn prepare(&mut self, plan: &Plan) -> Result<Table> {
        let Some(columns) = self.columns(&plan.table)? else {
            return self.create(plan);
        };
        let mut table = Table {
            places: Vec::new(),
            is_new: false,
            columns,
        };
        for (at, column) in plan.columns.iter().enumerate() {
            let place = self.place(plan, &mut table, column, plan.key.contains(&at));
            table
                .places
                .push(place.map_err(|error| error.in_stream(&plan.schema.stream))?);
        }
        Ok(table)
    }

    /// The columns of a table, if there is one.
    pub(super) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, SqlType)>>> {
        let Some(describe) = self.dialect.describe(table) else {
            return self.connection.columns(table);
        };
        let rows = self
            .connection
            .query(&format!("cannot look up {}", table.sql(self.dialect)), &describe)?;
        let columns = rows.into_iter().filter_map(|row| match <[_; 2]>::try_from(row) {
            Ok([Some(name), declared]) => {
                Some((name, self.dialect.parse_type(&declared.unwrap_or_default())))
            }
            _ => None,
        });
        Ok(Some(columns.collect::<Vec<_>>()).filter(|columns| !columns.is_empty()))
    }

    fn create(&mut self, plan: &Plan) -> Result<Table> {
        if self.evolution == Evolution::Fail || self.evolution == Evolution::Freeze {
            return Err(self
                .refused(plan, "found no such table")
                .in_stream(&plan.schema.stream));
        }
        let sql = plan.table.sql(self.dialect);
        if let Some(schema) = &plan.table.schema
            && Some(&**schema) != self.dialect.default_schema()
            && let Some(create) = self.dialect.create_schema(schema)
        {
            let doing = format!("cannot create the schema {}", self.dialect.quote(schema));
            self.connection.execute(&doing, &create)?;
        }
        let key: Vec<&str> = plan.key.iter().map(|&at| &*plan.columns[at].name).collect();
        let columns: Vec<_> = plan
            .columns
            .iter()
            .map(|column| (&*column.name, &column.sql_type))
            .collect();
        match create(self.dialect, &columns, &key) {
            Some(list) => {
                let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
                let options = self.dialect.table_options(&names, &key);
                self.connection.execute(
                    &format!("cannot create {sql}"),
                    &format!("CREATE TABLE {sql} ({list}){options}"),
                )?;
            }
            None => self.connection.create(&plan.table, renamed(plan), false)?,
        }
        fault!(SQL_TABLE);
        Ok(Table {
            columns: columns
                .into_iter()
                .map(|(name, of)| (name.to_owned(), of.clone()))
                .collect(),
            places: (0..plan.columns.len()).map(Some).collect(),
            is_new: true,
        })
    }

    /// The place of a column in the table, which is changed for it where that is allowed.
    fn place(
        &mut self,
        plan: &Plan,
        table: &mut Table,
        column: &Planned,
        is_key: bool,
    ) -> Result<Option<usize>> {
        let dialect = self.dialect;
        let folded = dialect.fold(&column.name);
        let Some(at) = table
            .columns
            .iter()
            .position(|(name, _)| dialect.fold(name) == folded)
        else {
            return match self.evolution {
                Evolution::Freeze if !is_key => Ok(None),
                Evolution::Evolve | Evolution::Version => self.add(plan, table, column).map(Some),
                _ => Err(self.refused(plan, &format!("found no column {}", dialect.quote(&column.name)))),
            };
        };
        if table.columns[at].1.takes(&column.sql_type) {
            return Ok(Some(at));
        }
        self.evolve(plan, table, (at, column), is_key)
    }

    fn add(&mut self, plan: &Plan, table: &mut Table, column: &Planned) -> Result<usize> {
        let (sql, name) = (plan.table.sql(self.dialect), self.dialect.quote(&column.name));
        let Some(of) = self.dialect.sql_type(&column.sql_type) else {
            return Err(self.refused(
                plan,
                &format!(
                    "found no column {name}, and the dialect {} cannot add one",
                    self.dialect.name()
                ),
            ));
        };
        self.check_can_alter(plan)?;
        let add = format!("ALTER TABLE {sql} ADD COLUMN {name} {of}");
        self.connection
            .execute(&format!("cannot add {name} to {sql}"), &add)?;
        fault!(SQL_TABLE);
        table.columns.push((column.name.clone(), column.sql_type.clone()));
        Ok(table.columns.len() - 1)
    }

    fn check_can_alter(&self, plan: &Plan) -> Result<()> {
        if self.can_alter {
            return Ok(());
        }
        let (name, table) = (self.dialect.name(), plan.table.sql(self.dialect));
        Err(Error::config(format!(
            "{table}: expected one SCHEMA for all records that are committed together, found another one, and the dialect \
             {name} cannot change a table whose rows were replaced or deleted in the same transaction (load_method overwrite \
             and state_in_target have such transactions)"
        )))
    }

    fn refused(&self, plan: &Plan, found: &str) -> Error {
        let policy = match self.evolution {
            Evolution::Evolve => "evolve",
            Evolution::Version => "version",
            Evolution::Freeze => "freeze",
            Evolution::Fail => "fail",
        };
        let table = plan.table.sql(self.dialect);
        Error::config(format!(
            "{table}: expected a table that takes the rows of the stream, {found} (schema_evolution: {policy})"
        ))
    }
}

/// What a dialect calls a type, in an error too.
pub(super) fn type_name(dialect: &dyn Dialect, of: &SqlType) -> String {
    match (of, dialect.sql_type(of)) {
        (SqlType::Other(name), _) => show(name),
        (_, Some(name)) => name,
        (of, None) => format!("{of:?}"),
    }
}

/// The columns of a table for the statement that makes it, `None` if the dialect does not know its types.
pub(super) fn create(dialect: &dyn Dialect, columns: &[(&str, &SqlType)], key: &[&str]) -> Option<String> {
    let columns: Option<Vec<String>> = columns
        .iter()
        .map(|(name, of)| {
            let not_null = if key.contains(name) { " NOT NULL" } else { "" };
            Some(format!(
                "{} {}{not_null}",
                dialect.quote(name),
                dialect.sql_type(of)?
            ))
        })
        .collect();
    let mut columns = columns?;
    if dialect.has_primary_keys() && !key.is_empty() {
        columns.push(format!("PRIMARY KEY ({})", quoted(dialect, key)));
    }
    Some(columns.join(", "))
}

/// Names as a list.
pub(super) fn quoted(dialect: &dyn Dialect, names: &[&str]) -> String {
    names
        .iter()
        .map(|name| dialect.quote(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The columns of a plan's batches, by the names that they have in the table. Texts that are JSON say so, for bulk loads
/// that write JSON in another way than text.
pub(super) fn renamed(plan: &Plan) -> SchemaRef {
    let fields = plan.arrow.fields().iter().zip(&plan.columns);
    let fields: Vec<_> = fields
        .map(|(field, column)| {
            let field = field.as_ref().clone().with_name(&column.name);
            if column.staged == SqlType::Json {
                let extension = ("ARROW:extension:name".to_owned(), "arrow.json".to_owned());
                field.with_metadata([extension])
            } else {
                field
            }
        })
        .collect();
    SchemaRef::new(arrow_schema::Schema::new(fields))
}
