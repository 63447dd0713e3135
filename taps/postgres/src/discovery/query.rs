//! The SQL queries of discovery.

use std::collections::HashMap;

use melisma_postgres::Session;
use melisma_postgres::failed;
use melisma_postgres::postgres::Row;
use melisma_sdk::Result;

use super::{Column, Filter, Form, Table};
use crate::kind::{Kind, TypeRow, Types};

const DOING: &str = "cannot read the catalog of the database";

/// All types but those of the tables' rows, of which there are as many as tables, and arrays of them.
const TYPES: &str = "
select t.oid, t.typname::text, t.typtype::text, t.typbasetype, t.typtypmod, t.typndims,
  case when e.typarray = t.oid then t.typelem else 0 end
from pg_catalog.pg_type t
left join pg_catalog.pg_type e on e.oid = t.typelem and t.typlen = -1
left join pg_catalog.pg_class r on r.oid = case when t.typrelid <> 0 then t.typrelid else e.typrelid end
where r.oid is null or r.relkind = 'c'";

/// One row a column; a table without columns has one row without a column.
const TABLES: &str = "
select c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relispartition, c.reltuples::float8,
  a.attname::text, a.atttypid, a.atttypmod, a.attndims::int4, a.attnotnull,
  pg_catalog.format_type(a.atttypid, a.atttypmod), d.description
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_description d on d.objoid = c.oid and d.objsubid = a.attnum
  and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  and (a.attnum is null and pg_catalog.has_table_privilege(c.oid, 'SELECT')
    or pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'))
  and case when $1::text[] is not null then n.nspname = any ($1)
    else $3::text[] is not null or n.nspname !~ '^(pg_|information_schema$)' end
  and ($2::text[] is null or c.relname = any ($2) or n.nspname || '.' || c.relname = any ($2))
  and ($3::text[] is null or n.nspname || '-' || c.relname = any ($3))
order by n.nspname, c.relname, a.attnum";

/// The columns of primary keys and of unique indexes over plain columns that are not null, and over all rows, the best
/// first: primary keys, then by age.
const KEYS: &str = "
select i.indrelid, pg_catalog.array_agg(a.attname::text order by k.place)
from pg_catalog.pg_index i
join lateral pg_catalog.unnest(i.indkey::int2[]) with ordinality k (attnum, place) on k.place <= i.indnkeyatts
join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
  and ($1::oid[] is null or i.indrelid = any ($1))
group by i.indrelid, i.indexrelid, i.indisprimary
having pg_catalog.bool_and(a.attnotnull)
order by i.indrelid, i.indisprimary desc, i.indexrelid";

/// Up to this number of tables, only their keys are queried.
const FEW: usize = 1_000;

pub(super) fn types(client: &mut Session) -> Result<Types> {
    let rows = client.query(TYPES, &[]).map_err(|error| failed(DOING, error))?;
    let rows = rows.iter().map(|row| {
        let of_type = TypeRow {
            name: row.get(1),
            class: row.get(2),
            base: row.get(3),
            base_modifier: row.get(4),
            base_dimensions: row.get(5),
            item: row.get(6),
        };
        (row.get(0), of_type)
    });
    Ok(rows.collect())
}

pub(super) fn tables(client: &mut Session, filter: &Filter<'_>, types: &Types) -> Result<Vec<Table>> {
    let schemas = filter.schemas.map(|names| &names.0);
    let tables = filter.tables.map(|names| &names.0);
    let rows = client
        .query(TABLES, &[&schemas, &tables, &filter.streams])
        .map_err(|error| failed(DOING, error))?;
    let mut tables: Vec<Table> = Vec::new();
    for row in &rows {
        let oid: u32 = row.get(0);
        if tables.last().is_none_or(|table| table.oid != oid) {
            tables.push(table(row));
        }
        if let (Some(table), Some(column)) = (tables.last_mut(), column(row, types)) {
            table.columns.push(column);
        }
    }
    Ok(tables)
}

fn table(row: &Row) -> Table {
    let estimate: f64 = row.get(5);
    Table {
        oid: row.get(0),
        schema: row.get(1),
        name: row.get(2),
        form: match row.get(3) {
            "p" => Form::Partitioned,
            "v" => Form::View,
            "m" => Form::MaterializedView,
            "f" => Form::Foreign,
            _ => Form::Table,
        },
        is_partition: row.get(4),
        // Below 0: never counted.
        rows: (estimate >= 0.0).then_some(estimate as i64),
        columns: Vec::new(),
        key: Vec::new(),
    }
}

fn column(row: &Row, types: &Types) -> Option<Column> {
    let name: String = row.get::<_, Option<String>>(6)?;
    let kind = Kind::of(row.get(7), row.get(8), row.get(9), types);
    Some(Column {
        name,
        kind,
        sql_type: row.get(11),
        nullable: !row.get::<_, bool>(10),
        comment: row.get(12),
    })
}

/// Gives each table its key, unless a column of it cannot be read.
pub(super) fn keys(client: &mut Session, tables: &mut [Table]) -> Result<()> {
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let oids = (oids.len() <= FEW).then_some(oids);
    let rows = client
        .query(KEYS, &[&oids])
        .map_err(|error| failed(DOING, error))?;
    let mut keys: HashMap<u32, Vec<String>> = HashMap::new();
    for row in &rows {
        keys.entry(row.get(0)).or_insert_with(|| row.get(1));
    }
    for table in tables {
        let readable = |name: &String| table.columns.iter().any(|column| column.name == *name);
        if let Some(key) = keys.remove(&table.oid).filter(|key| key.iter().all(readable)) {
            table.key = key;
        }
    }
    Ok(())
}
