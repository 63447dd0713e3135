//! A table's columns, keys and properties: read from the catalog once, and kept up to date from then on.

use melisma_postgres::postgres::types::ToSql;
use melisma_postgres::postgres::{self, Client, Row};
use melisma_postgres::{failed, identifier};
use melisma_sdk::{Error, Result};

use crate::naming::TableName;
use crate::types::Type;

/// The most columns that PostgreSQL gives a table, dropped ones among them.
pub(crate) const MOST_COLUMNS: usize = 1600;

/// The most columns of an index.
pub(crate) const MOST_KEYS: usize = 32;

/// What the comment of a table begins with while its first load has not ended: it has no key yet, and may hold several
/// rows with the same one.
pub(crate) const UNFINISHED: &str = "melisma: first load not finished; key:";

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// In their order.
    pub(crate) columns: Vec<TableColumn>,
    /// Columns that were dropped still count for the limit.
    pub(crate) dropped: usize,
    /// The primary key.
    pub(crate) key: Vec<Box<str>>,
    /// The columns of other unique indexes that can tell rows apart, deferrable ones among them.
    pub(crate) unique: Vec<Vec<Box<str>>>,
    /// Row security applies to us. The server takes no COPY into such a table.
    pub(crate) row_security: bool,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableColumn {
    pub(crate) name: Box<str>,
    pub(crate) data_type: Type,
    /// The server calls more values equal than the type does: a precision that rounds, a collation that is not
    /// deterministic, an operator class of its own.
    pub(crate) coarse: bool,
    /// What keeps the server from changing its type: `view recent`.
    pub(crate) used_by: Option<Box<str>>,
    /// The server computes it from other columns (`GENERATED ALWAYS AS (...)`), and takes no value for it.
    pub(crate) generated: bool,
    /// `GENERATED ALWAYS AS IDENTITY`: takes a value when a row is inserted, and none when it is updated.
    pub(crate) identity_always: bool,
    /// The OID of its collation; 0 stands for the default of its type.
    pub(crate) collation: u32,
    /// What we may do with it.
    pub(crate) rights: Rights,
}

/// Privileges on a column, whether granted on the column or on the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rights {
    pub(crate) insert: bool,
    pub(crate) update: bool,
}

impl TableColumn {
    /// A column as this target makes it, in a table that it owns.
    pub(crate) fn new(name: impl Into<Box<str>>, data_type: Type) -> Self {
        Self {
            name: name.into(),
            data_type,
            coarse: false,
            used_by: None,
            generated: false,
            identity_always: false,
            collation: 0,
            rights: Rights {
                insert: true,
                update: true,
            },
        }
    }
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    /// Whether these columns, in any order, identify rows.
    pub(crate) fn has_key(&self, columns: &[Box<str>]) -> bool {
        let same = |key: &Vec<Box<str>>| {
            !key.is_empty() && key.len() == columns.len() && columns.iter().all(|column| key.contains(column))
        };
        same(&self.key) || self.unique.iter().any(same)
    }
}

/// What the catalog says about a table.
pub(crate) struct Found {
    pub(crate) table: Table,
    /// The key of a first load that was not finished.
    pub(crate) unfinished: Option<Vec<Box<str>>>,
}

impl Found {
    /// The table that plans are made for, which has the key that a first load still owes it: the sink adds it before
    /// anything else. And that key.
    pub(crate) fn planned(self) -> (Table, Option<Vec<Box<str>>>) {
        let Self {
            mut table,
            unfinished,
        } = self;
        if let Some(key) = &unfinished {
            table.key.clone_from(key);
        }
        (table, unfinished)
    }
}

const RELATION: &str = "select c.oid, c.relkind::text, obj_description(c.oid, 'pg_class'), \
    pg_catalog.row_security_active(c.oid) \
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where n.nspname = $1 and c.relname = $2";

// Server 11 knows no collations that are not deterministic, and no generated columns, and has no columns for them.
const COLUMNS: &str = "select a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attisdropped, \
    a.atttypmod <> -1 and a.atttypid in ('time'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) \
    or pg_catalog.format_type(a.atttypid, a.atttypmod) like 'numeric(%,-%' \
    or coalesce(not (pg_catalog.to_jsonb(l) ->> 'collisdeterministic')::boolean, false), \
    coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> '', a.attidentity = 'a', \
    case when a.attcollation = t.typcollation then 0 else a.attcollation end, \
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT'), \
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'UPDATE') \
    from pg_catalog.pg_attribute a left join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_collation l on l.oid = a.attcollation \
    where a.attrelid = $1 and a.attnum > 0 order by a.attnum";

/// What the server takes no change of a column's type for: views and rules, triggers and policies that name it,
/// generated columns, functions, and partitioning.
const USERS: &str = "select a.attname::text, min(case \
      when r.oid is not null then (select case c.relkind when 'm' then 'materialized view ' when 'v' then 'view ' \
        else 'a rule of ' end || c.oid::regclass::text from pg_catalog.pg_class c where c.oid = r.ev_class) \
      else pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) end) \
    from pg_catalog.pg_depend d join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
    left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid \
    left join pg_catalog.pg_attrdef f on d.classid = 'pg_catalog.pg_attrdef'::regclass and f.oid = d.objid \
    where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = $1 and d.refobjsubid > 0 and (d.classid in \
      ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_policy'::regclass, \
       'pg_catalog.pg_proc'::regclass) or f.adnum <> d.refobjsubid) group by 1 \
    union all select a.attname::text, 'the partitioning' from pg_catalog.pg_partitioned_table p \
    join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = any(p.partattrs::int2[]) \
    where p.partrelid = $1";

const KEYS: &str = "select i.indisprimary, array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k(n, o) \
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n where k.o <= i.indnkeyatts order by k.o), \
    exists (select from unnest(i.indcollation::oid[]) k join pg_catalog.pg_collation l on l.oid = k \
    where not (pg_catalog.to_jsonb(l) ->> 'collisdeterministic')::boolean) \
    or exists (select from unnest(i.indclass::oid[]) k join pg_catalog.pg_opclass c on c.oid = k \
    where not c.opcdefault and c.opcname not in ('text_pattern_ops', 'varchar_pattern_ops')) \
    from pg_catalog.pg_index i where i.indrelid = $1 and i.indisunique and i.indisvalid \
    and i.indpred is null and i.indexprs is null";

/// Asks the server.
type Ask<'a> = dyn FnMut(&str, &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, postgres::Error> + 'a;

/// Reads a table from the catalog; `None` when there is none.
pub(crate) fn read(client: &mut Client, name: &TableName) -> Result<Option<Found>> {
    read_by(&mut |sql, values| client.query(sql, values), name)
}

/// The same, by any connection.
pub(crate) fn read_by(ask: &mut Ask<'_>, name: &TableName) -> Result<Option<Found>> {
    let doing = format!("cannot read the catalog about table {}", name.sql());
    let fail = |error| failed(&doing, error);
    let relation = ask(RELATION, &[&&*name.schema, &&*name.table]).map_err(fail)?;
    let Some(relation) = relation.first() else {
        return Ok(None);
    };
    let oid: u32 = relation.get(0);
    let kind: String = relation.get(1);
    if !matches!(kind.as_str(), "r" | "p") {
        return Err(Error::config(format!(
            "{}: expected a table, found {}",
            name.sql(),
            match kind.as_str() {
                "v" => "a view",
                "m" => "a materialized view",
                "f" => "a foreign table",
                "S" => "a sequence",
                _ => "something else of that name",
            }
        )));
    }
    let comment: Option<String> = relation.get(2);
    let mut table = Table {
        row_security: relation.get(3),
        ..Table::default()
    };
    for row in ask(COLUMNS, &[&oid]).map_err(fail)? {
        if row.get(2) {
            table.dropped += 1;
            continue;
        }
        table.columns.push(TableColumn {
            name: row.get::<_, String>(0).into(),
            data_type: Type::named(row.get(1)),
            coarse: row.get(3),
            used_by: None,
            generated: row.get(4),
            identity_always: row.get(5),
            collation: row.get(6),
            rights: Rights {
                insert: row.get(7),
                update: row.get(8),
            },
        });
    }
    for row in ask(USERS, &[&oid]).map_err(fail)? {
        let name: String = row.get(0);
        if let Some(column) = table.columns.iter_mut().find(|column| *column.name == *name) {
            column.used_by = row.get::<_, Option<String>>(1).map(Into::into);
        }
    }
    for row in ask(KEYS, &[&oid]).map_err(fail)? {
        let columns: Vec<Box<str>> = row.get::<_, Vec<String>>(1).into_iter().map(Into::into).collect();
        let coarse: bool = row.get(2);
        for column in &mut table.columns {
            column.coarse |= coarse && columns.contains(&column.name);
        }
        if row.get(0) {
            table.key = columns;
        } else {
            table.unique.push(columns);
        }
    }
    let unfinished = comment
        .as_deref()
        .and_then(|comment| comment.strip_prefix(UNFINISHED))
        .and_then(|key| serde_json::from_str::<Vec<Box<str>>>(key).ok());
    Ok(Some(Found { table, unfinished }))
}

/// Whether there is a schema of that name.
pub(crate) fn schema_exists(client: &mut Client, schema: &str) -> Result<bool> {
    client
        .query_opt(
            "select from pg_catalog.pg_namespace where nspname = $1",
            &[&schema],
        )
        .map(|row| row.is_some())
        .map_err(|error| failed("cannot read the catalog", error))
}

/// `"a", "b"`
pub(crate) fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names
        .into_iter()
        .map(|name| identifier(name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}
