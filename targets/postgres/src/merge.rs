//! The SQL statements that merge staged rows into their table.

use melisma_postgres::identifier;

use crate::copy::Mask;
use crate::keying::{Keying, lock_writers};
use crate::plan::Plan;
use crate::table::list;

/// The columns that a mask has, in the order of the COPY.
pub(crate) fn present<'p>(plan: &'p Plan, mask: &'p Mask) -> impl Iterator<Item = &'p str> {
    let columns = plan.columns.iter().enumerate();
    columns
        .filter(|(column, _)| mask.has(*column))
        .map(|(_, name)| &**name)
}

/// Puts the rows of `source`, no two of which have the same key, in the place of those with their keys, and adds the
/// others.
///
/// Usually one INSERT with ON CONFLICT does. The server checks what it would insert before it looks for a row with
/// that key: rows that lack what a new row must have would fail although the row is there. So these go by UPDATE first,
/// and INSERT takes the rest. A deferrable key is none for ON CONFLICT, nor is any of a table with rules: then other
/// writers have to wait meanwhile, or one of them could insert the same key between the two statements.
///
/// Without a key every row is added. An identity column takes the value of the row, whatever it is to the server, and
/// keeps the one that it has in an update where the server wants that.
pub(crate) fn put(plan: &Plan, keying: &Keying, mask: &Mask, source: &str) -> String {
    let table = plan.name.sql();
    let columns = list(present(plan, mask));
    let insert =
        format!("insert into {table} ({columns}) overriding system value select {columns} from {source} s");
    if plan.key.is_empty() {
        return insert;
    }
    let is_fixed = |column: &&str| {
        plan.table
            .column(column)
            .is_some_and(|column| column.identity_always)
    };
    let set = |from: &str| -> Vec<String> {
        present(plan, mask)
            .skip(plan.key.len())
            .filter(|column| !is_fixed(column))
            .map(|column| format!("{0} = {from}.{0}", identifier(column)))
            .collect()
    };
    let updates = set("excluded");
    let resolution = match updates.as_slice() {
        [] => "nothing".to_owned(),
        updates => format!("update set {}", updates.join(", ")),
    };
    let conflict = format!("on conflict ({}) do {resolution}", keying.list());
    let all = plan.table.columns.iter().map(|column| &*column.name);
    if !keying.updates_first(all, |column| present(plan, mask).any(|name| name == column)) {
        return format!("{insert} {conflict}");
    }
    let same = keying.same();
    let mut steps = Vec::new();
    if keying.by_update {
        steps.push(lock_writers(&plan.name));
    }
    let updates = set("s");
    if !updates.is_empty() {
        let updates = updates.join(", ");
        steps.push(format!(
            "update {table} t set {updates} from {source} s where {same}"
        ));
    }
    let conflict = if keying.by_update { "" } else { &conflict };
    steps.push(format!(
        "{insert} where not exists (select from {table} t where {same}) {conflict}"
    ));
    steps.join("; ")
}

/// Deletes the rows whose keys are in `source`.
pub(crate) fn delete(plan: &Plan, keying: &Keying, source: &str) -> String {
    format!(
        "delete from {} t using {source} s where {}",
        plan.name.sql(),
        keying.same()
    )
}
