//! How staged rows are matched with existing ones: reads from the catalog how the server compares the key columns.

use melisma_postgres::postgres::Row;
use melisma_postgres::{identifier, literal};
use melisma_sdk::Result;

use crate::naming::TableName;
use crate::plan::Plan;
use crate::session::Session;

/// The key of a table, as statements have to spell it.
#[derive(Debug)]
pub(crate) struct Keying {
    /// Its columns, quoted.
    columns: Vec<Box<str>>,
    /// For each column the operator of its index that says whether two values are equal. `=` alone would be looked
    /// for along the search path, where `citext`'s may be missing, and then mean text's.
    equal: Vec<Box<str>>,
    /// For each column the collation of its index, when it is not the column's.
    collate: Vec<Box<str>>,
    /// ON CONFLICT is no way: the server takes no deferrable key for it, and no table with rules.
    pub(crate) by_update: bool,
    /// Columns without which no row can be inserted: NOT NULL without a default, or of a domain.
    required: Vec<Box<str>>,
    /// There are checks, which may say anything.
    checks: bool,
}

const INDEXES: &str = "select i.indexrelid, i.indimmediate, a.attname::text, \
    pg_catalog.format('operator(%I.%s)', n.nspname, o.oprname), \
    case when l.oid <> a.attcollation then pg_catalog.format(' collate %I.%I', ln.nspname, l.collname) else '' end \
    from pg_catalog.pg_index i \
    cross join lateral unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[]) with ordinality \
    k(attnum, class, coll, place) \
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum \
    join pg_catalog.pg_opclass c on c.oid = k.class \
    join pg_catalog.pg_amop m on m.amopfamily = c.opcfamily and m.amopstrategy = 3 \
    and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype \
    join pg_catalog.pg_operator o on o.oid = m.amopopr join pg_catalog.pg_namespace n on n.oid = o.oprnamespace \
    left join pg_catalog.pg_collation l on l.oid = k.coll \
    left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace \
    where i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and k.place <= i.indnkeyatts \
    and i.indrelid = ";

const REQUIRED: &str = "select a.attname::text from pg_catalog.pg_attribute a \
    join pg_catalog.pg_type t on t.oid = a.atttypid \
    where a.attnum > 0 and not a.attisdropped and (t.typtype = 'd' or a.attnotnull and a.attidentity = '' \
    and (not a.atthasdef or coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> '')) and a.attrelid = ";

const CHECKS: &str = "select from pg_catalog.pg_constraint where contype = 'c' and conrelid = ";

/// Rules of a table for UPDATE and INSERT.
const RULES: &str = "select from pg_catalog.pg_rewrite where ev_type in ('2', '3') and ev_class = ";

impl Keying {
    /// Asks the catalog, in the transaction.
    pub(crate) fn read(session: &mut Session, plan: &Plan) -> Result<Self> {
        let oid = format!("{}::regclass", literal(&plan.name.sql()));
        let doing = "cannot read the catalog about";
        let mut ask = |sql: &str, rest: &str| session.query(&plan.name, doing, &format!("{sql}{oid}{rest}"));
        let indexes = ask(INDEXES, " order by i.indexrelid, k.place")?;
        let required = ask(REQUIRED, "")?;
        let checks = !ask(CHECKS, " limit 1")?.is_empty();
        let rules = !ask(RULES, " limit 1")?.is_empty();
        let mut keying = Self::of(&indexes, &plan.key);
        keying.by_update |= rules;
        keying.required = required
            .iter()
            .map(|row| row.get::<_, String>(0).into())
            .collect();
        keying.checks = checks;
        Ok(keying)
    }

    fn of(indexes: &[Row], key: &[Box<str>]) -> Self {
        let mut keying = Self {
            columns: key.iter().map(|column| identifier(column).into()).collect(),
            equal: vec!["=".into(); key.len()],
            collate: vec!["".into(); key.len()],
            by_update: false,
            required: Vec::new(),
            checks: false,
        };
        let mut known = false;
        for index in indexes.chunk_by(|a, b| a.get::<_, u32>(0) == b.get::<_, u32>(0)) {
            let name = |row: &Row| row.get::<_, String>(2);
            let is_key = index.len() == key.len() && index.iter().all(|row| key.contains(&name(row).into()));
            if !is_key {
                continue;
            }
            // The server finds every index on these columns, and none of them may be deferrable.
            keying.by_update |= !index[0].get::<_, bool>(1);
            if std::mem::replace(&mut known, true) {
                continue;
            }
            for row in index {
                let place = key.iter().position(|column| **column == *name(row));
                let Some(place) = place else { continue };
                keying.equal[place] = row.get::<_, String>(3).into();
                keying.collate[place] = row.get::<_, String>(4).into();
            }
        }
        keying
    }

    /// `t."a" operator(pg_catalog.=) s."a" and ...`
    pub(crate) fn same(&self) -> String {
        let columns = self.columns.iter().zip(&self.equal);
        let same: Vec<String> = columns
            .map(|(column, equal)| format!("t.{column} {equal} s.{column}"))
            .collect();
        same.join(" and ")
    }

    /// The columns to sort or group by, so that equal keys stand together.
    pub(crate) fn order(&self) -> String {
        let columns = self.columns.iter().zip(&self.collate);
        let order: Vec<String> = columns
            .map(|(column, collate)| format!("{column}{collate}"))
            .collect();
        order.join(", ")
    }

    /// `"a", "b"`
    pub(crate) fn list(&self) -> String {
        self.columns.join(", ")
    }

    /// Whether rows with these columns alone might not be inserted even where a row with their key is there: the
    /// server checks a new row before it looks for the old one.
    pub(crate) fn updates_first<'c>(
        &self,
        all: impl Iterator<Item = &'c str>,
        has: impl Fn(&str) -> bool,
    ) -> bool {
        self.by_update
            || self.required.iter().any(|column| !has(column))
            || self.checks && all.into_iter().any(|column| !has(column))
    }
}

/// Keeps other writers away until the end of the transaction.
pub(crate) fn lock_writers(table: &TableName) -> String {
    format!("lock table {} in share row exclusive mode", table.sql())
}
