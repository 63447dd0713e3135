//! The statements that bring the rows of a stage into their table.
//!
//! Of each key the last record counts. A record that lacks a property leaves its column as it was: in the table, or in the
//! record of that key before it. So where records lack properties, each such column is given the number of the row that
//! has it, and the rows of a key become one:
//!
//! ```text
//! stage          id  a     b     absent  row        of each key: the last row with a, the last with b
//!                1   'x'   'y'   null    0          1   0   2    -> 1, 'x', 'z'
//!                2   'p'   null  '001'   1          2   1   -    -> 2, 'p', and b stays as it is in the table
//!                1   null  'z'   '01'    2
//! ```

use melisma_engine::columns::ABSENT;

use super::dialect::{Dialect, TableName, Upsert};
use super::plan::Planned;
use super::stage::{ROW, Stage};
use super::table::{Table, quoted};
use super::types::SqlType;

/// 1 for the last row of each key.
const RANK: &str = "_melisma_rank";
/// The number of the last row of a key.
const LAST: &str = "_melisma_last";

/// A stage and its table.
pub(super) struct Merge<'a> {
    pub(super) dialect: &'a dyn Dialect,
    pub(super) table: &'a Table,
    pub(super) stage: &'a Stage,
    /// A row with `_sdc_deleted_at` is deleted when all are in the table.
    pub(super) hard_delete: bool,
}

/// A column of the stage that the table has, too.
struct Merged<'a> {
    at: usize,
    planned: &'a Planned,
    /// Its name in the table: in another case than the property's, where case does not count.
    name: &'a str,
    sql_type: &'a SqlType,
    /// A record lacks it.
    lacks: bool,
}

impl Merge<'_> {
    fn columns(&self) -> Vec<Merged<'_>> {
        let (stage, plan) = (self.stage, &self.stage.plan);
        let places = stage.places.iter().enumerate();
        places
            .filter_map(|(at, place)| {
                let (name, sql_type) = &self.table.columns[(*place)?];
                Some(Merged {
                    at,
                    planned: &plan.columns[at],
                    name,
                    sql_type,
                    lacks: stage.lacks.as_ref().is_some_and(|lacks| lacks[at]) && !plan.key.contains(&at),
                })
            })
            .collect()
    }

    /// A value of the stage as one of the table.
    fn cast(&self, column: &Merged<'_>, value: &str) -> String {
        let (from, to) = (&column.planned.staged, column.sql_type);
        if from == to {
            return value.to_owned();
        }
        self.dialect.cast(value, from, to)
    }

    fn quote(&self, name: &str) -> String {
        self.dialect.quote(name)
    }

    /// The key's columns in the stage, `of` before each, as those of the table.
    fn key(&self, columns: &[Merged<'_>], of: &str) -> Vec<String> {
        let key = self.stage.plan.key.iter().filter_map(|at| {
            let column = columns.iter().find(|column| column.at == *at)?;
            Some(self.cast(column, &format!("{of}{}", self.quote(&column.planned.name))))
        });
        key.collect::<Vec<_>>()
    }

    /// A query for the number of keys in the stage; `None` if rows have no keys.
    pub(super) fn count_keys(&self) -> Option<String> {
        let key = self.key(&self.columns(), "").join(", ");
        let stage = self.stage.name.sql(self.dialect);
        (!key.is_empty())
            .then(|| format!("SELECT COUNT(*) FROM (SELECT DISTINCT {key} FROM {stage}) AS keys"))
    }

    /// A query for a row, if the table has a key of the stage; `None` if rows have no keys.
    pub(super) fn finds_keys(&self) -> Option<String> {
        let columns = self.columns();
        let same = self.stage.plan.key.iter().filter_map(|at| {
            let column = columns.iter().find(|column| column.at == *at)?;
            let staged = self.cast(column, &format!("staged.{}", self.quote(&column.planned.name)));
            Some(format!("stored.{} = {staged}", self.quote(column.name)))
        });
        let same = same.collect::<Vec<_>>().join(" AND ");
        let (table, stage) = (
            self.stage.plan.table.sql(self.dialect),
            self.stage.name.sql(self.dialect),
        );
        (!same.is_empty()).then(|| {
            format!(
                "SELECT 1 FROM {stage} AS staged WHERE EXISTS (SELECT 1 FROM {table} AS stored WHERE {same}) LIMIT 1"
            )
        })
    }

    /// The statements for a table that has no key of the stage (`only_new`), or may have some, and for keys of which none
    /// comes twice (`distinct`), or some may.
    pub(super) fn statements(&self, only_new: bool, distinct: bool) -> Vec<String> {
        let mut columns = self.columns();
        if only_new && distinct {
            // There is no value that could stay.
            for column in &mut columns {
                column.lacks = false;
            }
        }
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let table = self.stage.plan.table.sql(self.dialect);
        let key = self.stage.plan.key.iter().filter_map(|at| {
            let column = columns.iter().find(|column| column.at == *at)?;
            Some(column.name)
        });
        let key: Vec<&str> = key.collect();
        let source = self.source(&columns, distinct);
        let list = quoted(self.dialect, &names);
        let is_partial = columns.iter().any(|column| column.lacks);
        if key.is_empty() || only_new {
            let rows = if is_partial {
                format!("SELECT {list} FROM ({source}) AS staged")
            } else {
                source
            };
            return vec![format!("INSERT INTO {table} ({list}) {rows}")];
        }
        match self.dialect.upsert() {
            Upsert::Merge => vec![self.merge(&table, &source, &columns, &key)],
            Upsert::DeleteInsert | Upsert::DeleteUsing => self.delete_insert(&table, &source, &columns, &key),
        }
    }

    /// A query for the rows of the stage, of each key one. Beside each column that a record lacks stands the number of the
    /// row that has it.
    fn source(&self, columns: &[Merged<'_>], distinct: bool) -> String {
        let stage = self.stage.name.sql(self.dialect);
        let (row, key) = (self.quote(ROW), self.key(columns, "").join(", "));
        let values: Vec<String> = columns
            .iter()
            .map(|column| self.named(column, &self.quote(&column.planned.name)))
            .collect();
        let selected = values.join(", ");
        let lacking: Vec<&Merged<'_>> = columns.iter().filter(|column| column.lacks).collect();
        match (lacking.is_empty(), distinct || key.is_empty()) {
            (true, true) => format!("SELECT {selected} FROM {stage}"),
            (true, false) => {
                let rank = self.quote(RANK);
                format!(
                    "SELECT {selected} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {row} DESC) AS {rank} \
                     FROM {stage}) AS ranked WHERE {rank} = 1"
                )
            }
            (false, true) => {
                let found = lacking
                    .iter()
                    .map(|column| format!(", {} AS {}", self.has(column), self.found(column)));
                format!(
                    "SELECT {selected}{} FROM {stage}",
                    found.collect::<Vec<_>>().concat()
                )
            }
            (false, false) => self.combined(columns, &lacking),
        }
    }

    /// A query that makes one row of those of each key.
    fn combined(&self, columns: &[Merged<'_>], lacking: &[&Merged<'_>]) -> String {
        let (stage, row) = (self.stage.name.sql(self.dialect), self.quote(ROW));
        let (last, key) = (self.quote(LAST), self.key(columns, "").join(", "));
        let windows = lacking.iter().map(|column| {
            let (has, found) = (self.has(column), self.found(column));
            let (value, kept) = (self.kept(column), self.last_value(column));
            format!(
                ", MAX({has}) OVER (PARTITION BY {key}) AS {found}, FIRST_VALUE({value}) OVER (PARTITION BY {key} ORDER BY \
                 COALESCE({has}, -1) DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS {kept}"
            )
        });
        let windows = windows.collect::<Vec<_>>().concat();
        let values = columns.iter().map(|column| {
            let value = if column.lacks {
                self.last_value(column)
            } else {
                self.quote(&column.planned.name)
            };
            self.named(column, &value)
        });
        let values: Vec<String> = values.collect();
        let found = lacking.iter().map(|column| format!(", {}", self.found(column)));
        format!(
            "SELECT {}{} FROM (SELECT *, MAX({row}) OVER (PARTITION BY {key}) AS {last}{windows} FROM {stage}) AS ranked \
             WHERE {row} = {last}",
            values.join(", "),
            found.collect::<Vec<_>>().concat()
        )
    }

    /// The name of the value that a key has after all of its rows.
    fn last_value(&self, column: &Merged<'_>) -> String {
        self.quote(&format!("_melisma_value_{}", column.at))
    }

    /// The value of a row for those after it: none, if the row is deleted.
    fn kept(&self, column: &Merged<'_>) -> String {
        let value = self.quote(&column.planned.name);
        match self.stays() {
            None => value,
            Some(stays) => format!("CASE WHEN {stays} THEN {value} END"),
        }
    }

    /// A value of the stage, by the name that it has in the table.
    fn named(&self, column: &Merged<'_>, value: &str) -> String {
        format!("{} AS {}", self.cast(column, value), self.quote(column.name))
    }

    /// The name of the number of the row that has this column.
    fn found(&self, column: &Merged<'_>) -> String {
        self.quote(&format!("_melisma_has_{}", column.at))
    }

    /// The number of a row that has this column; null if it lacks it. A row that is deleted is the end of those before it, so
    /// it lacks nothing.
    fn has(&self, column: &Merged<'_>) -> String {
        let (absent, row) = (self.quote(ABSENT), self.quote(ROW));
        let place = column.at + 1;
        let stays = self
            .stays()
            .map_or_else(String::new, |stays| format!(" AND {stays}"));
        format!("CASE WHEN SUBSTR({absent}, {place}, 1) = '1'{stays} THEN NULL ELSE {row} END")
    }

    /// Whether a row stays in the table; `None` if all do.
    fn stays(&self) -> Option<String> {
        let deleted = self.stage.plan.named("_sdc_deleted_at");
        let deleted = deleted.filter(|_| self.hard_delete)?;
        Some(format!("{} IS NULL", self.quote(&deleted.name)))
    }

    /// The value that a row of the table gets.
    fn value(&self, column: &Merged<'_>) -> String {
        let name = self.quote(column.name);
        if column.lacks {
            let found = self.found(column);
            return format!("CASE WHEN staged.{found} IS NULL THEN stored.{name} ELSE staged.{name} END");
        }
        format!("staged.{name}")
    }

    fn merge(&self, table: &str, source: &str, columns: &[Merged<'_>], key: &[&str]) -> String {
        let set: Vec<String> = columns
            .iter()
            .filter(|column| !key.contains(&column.name))
            .map(|column| format!("{} = {}", self.quote(column.name), self.value(column)))
            .collect();
        let matched = if set.is_empty() {
            String::new()
        } else {
            format!(" WHEN MATCHED THEN UPDATE SET {}", set.join(", "))
        };
        let names: Vec<String> = columns.iter().map(|column| self.quote(column.name)).collect();
        format!(
            "MERGE INTO {table} AS stored USING ({source}) AS staged ON {}{matched} WHEN NOT MATCHED THEN INSERT ({}) VALUES \
             (staged.{})",
            self.same(key),
            names.join(", "),
            names.join(", staged.")
        )
    }

    /// Whether a row of the table has the key of a new one.
    fn same(&self, key: &[&str]) -> String {
        let same = key
            .iter()
            .map(|name| self.quote(name))
            .map(|name| format!("stored.{name} = staged.{name}"));
        same.collect::<Vec<_>>().join(" AND ")
    }

    /// Deletes the rows with these keys, and inserts the new ones. What the new ones do not have is kept aside meanwhile.
    fn delete_insert(&self, table: &str, source: &str, columns: &[Merged<'_>], key: &[&str]) -> Vec<String> {
        let stage = self.stage.name.sql(self.dialect);
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let list = quoted(self.dialect, &names);
        let delete = if self.dialect.upsert() == Upsert::DeleteUsing {
            let staged = self.key(columns, &format!("{stage}."));
            let same = key.iter().zip(staged);
            let same = same.map(|(name, staged)| format!("{table}.{} = {staged}", self.quote(name)));
            let same = same.collect::<Vec<_>>().join(" AND ");
            format!("DELETE FROM {table} USING {stage} WHERE {same}")
        } else {
            let (names, staged) = (quoted(self.dialect, key), self.key(columns, "").join(", "));
            format!("DELETE FROM {table} WHERE ({names}) IN (SELECT {staged} FROM {stage})")
        };
        let others = self
            .table
            .columns
            .iter()
            .map(|(name, _)| &**name)
            .filter(|name| !names.contains(name));
        let others: Vec<String> = others.map(|name| self.quote(name)).collect();
        if others.is_empty() && columns.iter().all(|column| !column.lacks) {
            return vec![delete, format!("INSERT INTO {table} ({list}) {source}")];
        }
        let old = TableName {
            schema: None,
            table: format!("{}_old", self.stage.name.table),
        };
        let (old, same) = (old.sql(self.dialect), self.same(key));
        let also = |of: &str| {
            others
                .iter()
                .map(|name| format!(", {of}{name}"))
                .collect::<Vec<_>>()
                .concat()
        };
        let values: Vec<String> = columns.iter().map(|column| self.value(column)).collect();
        let new: Vec<String> = names
            .iter()
            .map(|name| format!("staged.{}", self.quote(name)))
            .collect();
        vec![
            format!(
                "CREATE TEMPORARY TABLE {old} AS SELECT stored.* FROM {table} AS stored JOIN ({source}) AS staged ON {same}"
            ),
            delete,
            format!(
                "INSERT INTO {table} ({list}{}) SELECT {}{} FROM ({source}) AS staged JOIN {old} AS stored ON {same}",
                also(""),
                values.join(", "),
                also("stored.")
            ),
            format!(
                "INSERT INTO {table} ({list}) SELECT {} FROM ({source}) AS staged LEFT JOIN {old} AS stored ON {same} \
                 WHERE stored.{} IS NULL",
                new.join(", "),
                self.quote(key[0])
            ),
            format!("DROP TABLE {old}"),
        ]
    }
}
