//! Plans the changes to a table that a stream's rows need: created, altered or refused, decided before anything is
//! done.

mod evolve;
mod planner;

use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use melisma_postgres::{identifier, literal};
use melisma_sdk::schema::{Column, Metadata};
use melisma_sdk::{Error, Result, StreamSchema};

use crate::config::{Evolution, NamingMode, WidenOn};
use crate::copy::{Binary, CopyColumn, Expand, InvalidValuePolicy, Layout, Wider};
use crate::flatten::Flattening;
use crate::mapping::Mapping;
use crate::naming::{Naming, TableName};
use crate::table::{Table, TableColumn, UNFINISHED, list};
use crate::types::Type;
use planner::Planner;

/// The rules of a run.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) naming: Naming,
    pub(crate) mapping: Mapping,
    pub(crate) evolution: Evolution,
    pub(crate) widen_on: WidenOn,
    pub(crate) policy: InvalidValuePolicy,
    /// Objects become columns.
    pub(crate) flattening: Option<Flattening>,
    /// Rows replace those with the same key.
    pub(crate) upsert: bool,
    pub(crate) needs_key: bool,
    /// A record with `_sdc_deleted_at` deletes its row.
    pub(crate) deletes_records: bool,
    /// Behind the name of a column that another one takes the place of: `20260823_1015`.
    pub(crate) stamp: String,
}

/// The columns of a key.
pub(crate) type Key = Vec<Box<str>>;

/// A table that is made ready for a schema.
#[derive(Debug)]
pub struct Plan {
    pub(crate) name: TableName,
    /// Statements that bring the table from what it was to what it is to be.
    pub(crate) changes: Vec<String>,
    /// Whether they make the table.
    pub(crate) creates: bool,
    /// The properties that bring values which the columns of the table before do not hold.
    widens: Vec<Box<str>>,
    /// The table that the plan was made for, when there was one.
    pub(crate) before: Option<Table>,
    /// The key of a first load of the table that an earlier run did not finish.
    pub(crate) unfinished: Option<Key>,
    /// What the sink has made of the plan, where the table had changed meanwhile.
    pub(crate) agreed: OnceLock<Arc<Plan>>,
    /// The table after them.
    pub(crate) table: Table,
    /// The columns of the COPY, in the layout's order.
    pub(crate) columns: Vec<Box<str>>,
    /// The key that rows replace each other by; empty when every row is added.
    pub(crate) key: Vec<Box<str>>,
    pub(crate) layout: Arc<Layout>,
    /// The binary form of each column; `None` when one has none.
    binary: Option<Box<[Binary]>>,
    /// The schema that it is for, flattened if asked.
    pub(crate) schema: Arc<StreamSchema>,
    /// The columns of `_sdc_table_version` and `_sdc_deleted_at`, when the table has them.
    pub(crate) version: bool,
    pub(crate) deleted_at: bool,
}

struct Taken<'a> {
    cell: usize,
    name: Box<str>,
    column: &'a Column,
    data_type: Type,
    wider: Wider,
}

/// Plans a table for a schema. `before` is the table that there is; `name` where.
pub(crate) fn plan(
    rules: &Rules,
    name: &TableName,
    before: Option<&Table>,
    schema: &Arc<StreamSchema>,
    hashes: &RandomState,
) -> Result<Plan> {
    let base = before.map_or(Base::Nothing, Base::Table);
    plan_on(rules, name, &base, schema, hashes)
}

/// Plans a new table whose rows are to move into `model` later: a column that the model has gets the type that it has
/// (or will have) there, so that a value that does not fit is refused when its record comes, and not at the end.
pub(crate) fn plan_like(
    rules: &Rules,
    name: &TableName,
    model: &Table,
    schema: &Arc<StreamSchema>,
    hashes: &RandomState,
) -> Result<Plan> {
    plan_on(rules, name, &Base::Model(model), schema, hashes)
}

/// What a plan begins with.
enum Base<'t> {
    Nothing,
    /// The table itself, which is changed.
    Table(&'t Table),
    /// Another table, which the new one's columns are taken from.
    Model(&'t Table),
}

fn plan_on(
    rules: &Rules,
    name: &TableName,
    base: &Base<'_>,
    schema: &Arc<StreamSchema>,
    hashes: &RandomState,
) -> Result<Plan> {
    let (schema, expand) = match &rules.flattening {
        Some(flattening) => {
            let (flat, expand) = flattening.flatten(schema)?;
            (Arc::new(flat), Some(expand))
        }
        None => (Arc::clone(schema), None),
    };
    plan_flat(rules, name, base, (&schema, expand), &[], hashes)
}

/// Plans the same table for the same schema, so that the columns of these properties hold values that they do not
/// hold under `old`.
pub(crate) fn replan(rules: &Rules, old: &Plan, properties: &[&str]) -> Result<Plan> {
    let flat = (&old.schema, old.layout.expand.clone());
    plan_flat(
        rules,
        &old.name,
        &Base::Table(&old.table),
        flat,
        properties,
        &old.layout.hashes,
    )
}

/// Plans what `old` plans, on the table as it is by now.
pub(crate) fn plan_again(rules: &Rules, old: &Plan, before: Option<&Table>) -> Result<Plan> {
    let flat = (&old.schema, old.layout.expand.clone());
    let widens: Vec<&str> = old.widens.iter().map(|name| &**name).collect();
    let base = before.map_or(Base::Nothing, Base::Table);
    plan_flat(rules, &old.name, &base, flat, &widens, &old.layout.hashes)
}

/// Plans the table `before`, which is to take the rows of the table of `new`: its columns get to hold what those do.
pub(crate) fn plan_into(rules: &Rules, name: &TableName, before: &Table, new: &Plan) -> Result<Plan> {
    let columns = new.columns.iter().zip(&new.layout.names);
    let grown = columns.filter(|(column, _)| {
        let types = (before.column(column), new.table.column(column));
        matches!(types, (Some(old), Some(new)) if old.data_type != new.data_type)
    });
    let widens: Vec<&str> = grown.map(|(_, property)| &**property).collect();
    plan_flat(
        rules,
        name,
        &Base::Table(before),
        (&new.schema, None),
        &widens,
        &new.layout.hashes,
    )
}

fn plan_flat(
    rules: &Rules,
    name: &TableName,
    base: &Base<'_>,
    (schema, expand): (&Arc<StreamSchema>, Option<Arc<Expand>>),
    widens: &[&str],
    hashes: &RandomState,
) -> Result<Plan> {
    let before = match base {
        Base::Nothing => None,
        Base::Table(table) | Base::Model(table) => Some(*table),
    };
    if rules.needs_key && schema.key.is_empty() {
        return Err(Error::input(
            "expected key properties (primary_key_required), found none",
        ));
    }
    let mut planner = Planner {
        rules,
        sql: name.sql(),
        table: before.cloned().unwrap_or_default(),
        changes: Vec::new(),
        creates: before.is_none(),
        widens,
    };
    let mut taken = planner.columns(schema)?;
    planner.check_count()?;
    // In the order of the key properties.
    let of_key = |cell: &usize| {
        taken
            .iter()
            .find(|taken| taken.cell == *cell)
            .map(|taken| taken.name.clone())
    };
    let mut first: Vec<Box<str>> = Vec::new();
    for column in schema.key.iter().filter_map(of_key) {
        if !first.contains(&column) {
            first.push(column);
        }
    }
    let key = if rules.upsert { first.clone() } else { Vec::new() };
    planner.check_key(&key)?;
    if matches!(base, Base::Model(_)) {
        planner.check_rights(&taken, &[])?;
    } else {
        planner.check_rights(&taken, &key)?;
        planner.key(&key)?;
    }
    // Those of the key properties first, whether rows replace others or not: rows that are handed over come so.
    let rank = |taken: &Taken<'_>| {
        let place = first.iter().position(|name| *name == taken.name);
        place.unwrap_or(first.len())
    };
    taken.sort_by_key(rank);
    let exact = planner.is_exact(&key);
    let layout = Layout {
        columns: copy_columns(&taken, &key, &planner.table),
        exact,
        names: taken.iter().map(|taken| taken.column.name.clone()).collect(),
        keys: key.len(),
        deletes: deleting_cell(rules, schema).filter(|_| !key.is_empty()),
        policy: rules.policy,
        hashes: hashes.clone(),
        expand,
    };
    let Planner {
        mut changes,
        mut creates,
        mut table,
        sql,
        ..
    } = planner;
    if matches!(base, Base::Model(_)) {
        creates = true;
        let is_taken = |column: &TableColumn| taken.iter().any(|taken| taken.name == column.name);
        let columns = table.columns.into_iter().filter(is_taken);
        table = Table {
            columns: columns
                .map(|column| TableColumn::new(column.name, column.data_type))
                .collect(),
            ..Table::default()
        };
    }
    if creates {
        changes = create(&sql, &table, &key, exact);
        table.key.clone_from(&key);
    }
    Ok(Plan {
        name: name.clone(),
        changes,
        creates,
        widens: widens.iter().map(|&name| name.into()).collect(),
        before: before.cloned(),
        unfinished: None,
        agreed: OnceLock::new(),
        binary: taken.iter().map(|taken| taken.data_type.binary()).collect(),
        columns: taken.into_iter().map(|taken| taken.name).collect(),
        key,
        layout: Arc::new(layout),
        schema: Arc::clone(schema),
        version: table.column(Metadata::TableVersion.name()).is_some(),
        deleted_at: table.column(Metadata::DeletedAt.name()).is_some(),
        table,
    })
}

/// The columns of the COPY.
fn copy_columns(taken: &[Taken<'_>], key: &[Box<str>], table: &Table) -> Vec<CopyColumn> {
    let coarse = |name: &str| table.column(name).is_some_and(|column| column.coarse);
    let copy_column = |taken: &Taken<'_>| CopyColumn {
        cell: taken.cell,
        form: match taken.wider {
            Wider::Never => taken.data_type.form().rounding(),
            _ => taken.data_type.form(),
        },
        key: key.contains(&taken.name),
        scale: taken.data_type.scale().filter(|_| !coarse(&taken.name)),
        wider: taken.wider.clone(),
    };
    taken.iter().map(copy_column).collect()
}

/// The cell that makes a record delete its row.
fn deleting_cell(rules: &Rules, schema: &StreamSchema) -> Option<usize> {
    let is = |column: &Column| &*column.name == Metadata::DeletedAt.name();
    schema
        .columns
        .iter()
        .position(is)
        .filter(|_| rules.deletes_records)
}

impl Rules {
    /// Whether a column of the stream becomes one of the table: pipelinewise has three metadata columns of the seven.
    fn takes(&self, column: &Column) -> bool {
        use Metadata::{BatchedAt, DeletedAt, ExtractedAt, Undeclared};
        self.mapping.mode == NamingMode::Meltanolabs
            || matches!(
                column.metadata,
                None | Some(ExtractedAt | BatchedAt | DeletedAt | Undeclared)
            )
    }
}

/// The statements that make a table. With a key it is marked as not finished: the key is added after its first load,
/// unless equal keys may differ in bytes. Then only the key itself finds out which rows are the same.
fn create(sql: &str, table: &Table, key: &[Box<str>], exact: bool) -> Vec<String> {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let not_null = if key.contains(&column.name) {
                " not null"
            } else {
                ""
            };
            format!(
                "{} {}{not_null}",
                identifier(&column.name),
                column.data_type.sql()
            )
        })
        .collect();
    let mut statements = vec![format!("create table {sql} ({})", columns.join(", "))];
    if !key.is_empty() && !exact {
        statements.push(format!("alter table {sql} add primary key ({})", list(key)));
    } else if !key.is_empty() {
        let comment = format!("{UNFINISHED}{}", serde_json::json!(key));
        statements.push(format!("comment on table {sql} is {}", literal(&comment)));
    }
    statements
}

impl Plan {
    /// The plan that the table follows by now, as far as the sink has come to it.
    pub(crate) fn newest(&self) -> &Self {
        self.agreed.get().map_or(self, Arc::as_ref)
    }

    /// The binary forms of these columns, when every one of them has one.
    pub(crate) fn binary(&self, is_present: impl Fn(usize) -> bool) -> Option<Vec<Binary>> {
        let all = self.binary.as_deref()?.iter().enumerate();
        let present: Vec<Binary> = all
            .filter(|(column, _)| is_present(*column))
            .map(|(_, binary)| *binary)
            .collect();
        (!present.is_empty()).then_some(present)
    }

    /// Whether the first rows go into a table that has no key yet.
    pub(crate) fn loads_first(&self) -> bool {
        self.creates && !self.key.is_empty() && self.layout.exact
    }

    /// Whether batches that were encoded for `self` are what `other` takes.
    pub(crate) fn encodes_as(&self, other: &Self) -> bool {
        let same = |a: &CopyColumn, b: &CopyColumn| {
            (a.cell, &a.form, a.key, a.scale) == (b.cell, &b.form, b.key, b.scale)
        };
        let (a, b) = (&self.layout, &other.layout);
        self.columns == other.columns
            && self.binary == other.binary
            && self.key == other.key
            && (a.keys, a.exact, a.deletes) == (b.keys, b.exact, b.deletes)
            && a.columns.len() == b.columns.len()
            && a.columns.iter().zip(&b.columns).all(|(a, b)| same(a, b))
    }
}

#[cfg(test)]
mod tests;
