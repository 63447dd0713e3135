//! Finds what depends on a table (views, foreign keys, triggers, grants and more), and so whether it may be dropped.
//!
//! The question is not "does it have views?", and so on through all that PostgreSQL knows: a list has gaps, and grows
//! with every version. It is "does it have anything that a table made by this target does not have?". Whatever depends on
//! the table is in `pg_depend`; a new table has its row type, its TOAST table and its primary key there and nothing else,
//! so everything else counts, known or not. What is no object of its own (storage parameters, grants on columns, row
//! security, ...) is compared with what a new table has.

use melisma_postgres::postgres::Row;
use melisma_postgres::{identifier, literal};
use melisma_sdk::Result;

use crate::naming::TableName;
use crate::plan::Plan;
use crate::table::{Table, UNFINISHED};

/// Asks the server.
pub(crate) type Query<'q> = dyn FnMut(&str) -> Result<Vec<Row>> + 'q;

/// The objects that every table of ours consists of. `$t` is the table, as a literal.
const OWN: &str = "t as (select * from pg_class where oid = $t::regclass), \
    pk as (select oid, conindid, condeferrable from pg_constraint where conrelid = $t::regclass and contype = 'p'), \
    own (classid, objid) as (select 'pg_class'::regclass::oid, oid from t \
        union all select 'pg_type'::regclass, reltype from t \
        union all select 'pg_type'::regclass, y.typarray from t join pg_type y on y.oid = t.reltype \
        union all select 'pg_class'::regclass, reltoastrelid from t where reltoastrelid <> 0 \
        union all select 'pg_class'::regclass, i.indexrelid from t join pg_index i on i.indrelid = t.reltoastrelid \
        union all select 'pg_class'::regclass, conindid from pk \
        union all select 'pg_constraint'::regclass, oid from pg_constraint \
            where conrelid = $t::regclass and contype in ('p', 'n'))";

/// What depends on it, what it depends on beside its schema and its columns' types, and what is said about it.
const OBJECTS: &str = "select 1 as rank, pg_describe_object(d.classid, d.objid, d.objsubid) as what \
        from pg_depend d join own on d.refclassid = own.classid and d.refobjid = own.objid \
        where (d.classid, d.objid) not in (select classid, objid from own) \
    union all select 2, 'a dependency on ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) \
        from pg_depend d join own on d.classid = own.classid and d.objid = own.objid \
        where (d.refclassid, d.refobjid) not in (select classid, objid from own) and d.refclassid not in \
        ('pg_namespace'::regclass, 'pg_type'::regclass, 'pg_collation'::regclass, 'pg_am'::regclass, 'pg_opclass'::regclass) \
    union all select 3, 'a comment' from pg_description d join own on d.classoid = own.classid and d.objoid = own.objid \
        where not (d.objsubid = 0 and d.description like $unfinished) \
    union all select 3, 'a security label' from pg_seclabel d join own on d.classoid = own.classid and d.objoid = own.objid \
    union all select 3, 'a subscription' from pg_subscription_rel where srrelid = $t::regclass";

/// What is noted at the table, its columns and its key.
const ATTRIBUTES: &str = "select 4, case \
            when relkind <> 'r' then 'partitions' \
            when relowner <> (select oid from pg_roles where rolname = current_user) then 'another owner' \
            when exists (select from aclexplode(relacl) where grantor <> relowner) then 'grants by others than its owner' \
            when relpersistence <> 'p' then 'no write-ahead log' \
            when relrowsecurity or relforcerowsecurity then 'row security' \
            when relreplident <> 'd' then 'a replica identity' \
            when reloftype <> 0 then 'a type' \
            when reltablespace <> 0 then 'a tablespace' \
            when (select amname <> current_setting('default_table_access_method', true) from pg_am \
                where oid::text = to_jsonb(t) ->> 'relam') then 'an access method' \
            when reloptions is not null or exists (select from pg_class o where o.oid = t.reltoastrelid \
                and o.reloptions is not null) then 'storage parameters' end from t \
    union all select 5, 'a primary key with settings of its own' from pk join pg_index i on i.indexrelid = pk.conindid \
        join pg_class c on c.oid = pk.conindid where pk.condeferrable or i.indisclustered or i.indisreplident \
        or i.indnkeyatts <> i.indnatts or c.reloptions is not null or c.reltablespace <> 0 \
    union all select 6, column_fact || ' of column ' || quote_ident(attname) from (select attname, case \
            when attacl is not null then 'grants' \
            when attidentity <> '' or atthasdef then 'a default' \
            when attcollation <> y.typcollation then 'a collation' \
            when attstorage <> y.typstorage or attoptions is not null or coalesce(attstattarget, -1) <> -1 \
                or coalesce(to_jsonb(a) ->> 'attcompression', '') <> '' then 'settings' \
            when attnotnull and not exists (select from pk join pg_index i on i.indexrelid = pk.conindid \
                where a.attnum = any (i.indkey::int2[])) then 'a not-null constraint' end as column_fact \
        from pg_attribute a join pg_type y on y.oid = a.atttypid \
        where a.attrelid = $t::regclass and a.attnum > 0 and not a.attisdropped) f where column_fact is not null";

/// Something that a table of ours does not have, in words; `None` when there is nothing.
pub(crate) fn what(table: &TableName, query: &mut Query<'_>) -> Result<Option<String>> {
    let sql = format!(
        "with {OWN} select what from ({OBJECTS} union all {ATTRIBUTES}) w where what is not null order by rank, what limit 1"
    );
    let sql = sql
        .replace("$unfinished", &literal(&format!("{UNFINISHED}%")))
        .replace("$t", &literal(&table.sql()));
    Ok(query(&sql)?.first().map(|row| row.get(0)))
}

/// A column whose type would change without need: one that is the same type here, and has a modifier that we do not
/// know (`timestamp(3)`).
pub(crate) fn changed(
    table: &TableName,
    old: &Table,
    new: &Plan,
    query: &mut Query<'_>,
) -> Result<Option<String>> {
    let sql = format!(
        "select o.attname::text from pg_attribute o join pg_attribute n on n.attname = o.attname and n.attrelid = {}::regclass \
         where o.attrelid = {}::regclass and o.attnum > 0 and not o.attisdropped \
         and (o.atttypid, o.atttypmod) <> (n.atttypid, n.atttypmod)",
        literal(&new.name.sql()),
        literal(&table.sql())
    );
    let rows = query(&sql)?;
    let differing = rows.iter().map(|row| row.get::<_, String>(0)).find(|name| {
        let types = (old.column(name), new.table.column(name));
        matches!(types, (Some(old), Some(new)) if old.data_type == new.data_type)
    });
    Ok(differing.map(|name| format!("a type of its own in column {}", identifier(&name))))
}

/// Selects the statements that give `new` the grants that `old` has, and no others. Both have the same owner, who made
/// all of them.
pub(crate) fn grants(old: &TableName, new: &TableName) -> String {
    let of = |table: &TableName| {
        format!(
            "select a.grantee, a.privilege_type, a.is_grantable from pg_class c, \
             aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a where c.oid = {}::regclass",
            literal(&table.sql())
        )
    };
    let who = "case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end";
    let (old, new, name) = (of(old), of(new), literal(&new.sql()));
    format!(
        "select sql from (select 1 as rank, 'revoke ' || privilege_type || ' on table ' || {name} || ' from ' || {who} as sql \
         from ({new} except {old}) r \
         union all select 2, 'grant ' || privilege_type || ' on table ' || {name} || ' to ' || {who} || \
         case when is_grantable then ' with grant option' else '' end from ({old} except {new}) g) s order by rank, sql"
    )
}
