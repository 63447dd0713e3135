//! The relations that hold the rows of a table: itself, its partitions, and tables that inherit from it.

use melisma_postgres::Session;
use melisma_postgres::{failed, identifier};
use melisma_sdk::Result;

use crate::discovery::{Form, Table};

/// A table with rows of its own.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) oid: u32,
    /// Its name, quoted.
    pub(super) name: String,
    /// Its file (`relfilenode`), when it has one whose pages can be read in ranges.
    pub(super) file: Option<u32>,
    /// How many pages the file has.
    pub(super) pages: u32,
    /// About how many rows those are, once the server has counted: as many a page as when it did.
    pub(super) rows: Option<i64>,
}

/// A table and all below it.
///
/// Rows that come by way of the table itself need no privilege on its children, and follow the row security of the
/// table; reading the children one by one needs the first and must not change the second.
const TREE: &str = "
with recursive tree (oid) as (
  select $1::oid
  union
  select i.inhrelid from tree join pg_catalog.pg_inherits i on i.inhparent = tree.oid)
select c.oid, n.nspname::text, c.relname::text, c.relkind::text, coalesce(a.amname = 'heap', false),
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_table_privilege(c.oid, 'SELECT')
    and not pg_catalog.row_security_active(c.oid)
from tree
join pg_catalog.pg_class c on c.oid = tree.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_am a on a.oid = c.relam
order by n.nspname, c.relname";

/// The catalog as it is now, not as the snapshot has it.
const FILES: &str = "
select f.oid, pg_catalog.pg_relation_filenode(f.oid), f.pages,
  case when c.reltuples > 0 and c.relpages > 0
    then (c.reltuples::float8 / c.relpages::float8 * f.pages::float8)::int8 end
from (
  select t.oid, (pg_catalog.pg_relation_size(t.oid) / pg_catalog.current_setting('block_size')::int8)::int8 as pages
  from pg_catalog.unnest($1::oid[]) as t (oid)) f
join pg_catalog.pg_class c on c.oid = f.oid";

const DOING: &str = "cannot find out how the table is stored";

/// The tables that hold the rows of `table`, locked against being rewritten until the transaction ends.
///
/// `None` when they cannot be read one by one: a view, a foreign table, a table of another storage engine, one with
/// row security, or with a child that may be read only by way of it.
pub(super) fn of(client: &mut Session, table: &Table) -> Result<Option<Vec<Storage>>> {
    if matches!(table.form, Form::View | Form::Foreign) {
        return Ok(None);
    }
    let rows = client
        .query(TREE, &[&table.oid])
        .map_err(|error| failed(DOING, error))?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let (kind, is_heap, is_readable): (&str, bool, bool) = (row.get(3), row.get(4), row.get(5));
        if !is_readable {
            return Ok(None);
        }
        if kind == "p" {
            continue;
        }
        all.push(Storage {
            oid: row.get(0),
            name: format!(
                "{}.{}",
                identifier(row.get::<_, &str>(1)),
                identifier(row.get::<_, &str>(2))
            ),
            file: is_heap.then_some(0),
            pages: 0,
            rows: None,
        });
    }
    if all.iter().all(|storage| storage.file.is_none()) {
        return Ok(None);
    }
    lock(client, &all)?;
    let oids: Vec<u32> = all.iter().map(|storage| storage.oid).collect();
    let rows = client
        .query(FILES, &[&oids])
        .map_err(|error| failed(DOING, error))?;
    for row in &rows {
        let oid: u32 = row.get(0);
        if let Some(storage) = all.iter_mut().find(|storage| storage.oid == oid) {
            let file: Option<u32> = row.get(1);
            storage.file = storage.file.and(file);
            storage.pages = u32::try_from(row.get::<_, Option<i64>>(2).unwrap_or(0)).unwrap_or(u32::MAX);
            storage.rows = row.get(3);
        }
    }
    Ok(Some(all))
}

/// Reads nothing of each table, which locks it in ACCESS SHARE mode. LOCK would not do: it takes no materialized view.
fn lock(client: &mut Session, all: &[Storage]) -> Result<()> {
    let mut statements = String::new();
    for storage in all {
        statements.push_str("select from only ");
        statements.push_str(&storage.name);
        statements.push_str(" limit 0; ");
    }
    client
        .batch_execute(&statements)
        .map_err(|error| failed("cannot lock the table for reading", error))
}
