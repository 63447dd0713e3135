//! Upserts by keys that only the server can compare, in the order of the records.
//!
//! `1 day` and `24:00:00` are one interval, `A` and `a` one `citext`. So a batch may have several rows of one key, in
//! groups of different columns, and the last row of each key is to count. Each row in the stage says which group it
//! is of, and its place in the batch; from there it is given a *round*:
//!
//! ```text
//! key       group            place   round
//! 1 day     0: id, x, y      0       -      the row of place 1 has all its columns
//! 24:00:00  0: id, x, y      1       1
//! 24:00     1: id, x         2       2      leaves y as it is
//! 5 days    1: id, x         3       1
//! ```
//!
//! In one round no key comes twice, so each group of it is one statement. Rounds are done in their order. There are as
//! many as the most rows of a key that lack columns, which is seldom more than one.

use melisma_sdk::Result;

use crate::copy::{Binary, CopyBatch, Group, Mask, RowOp};
use crate::keying::Keying;
use crate::merge;
use crate::plan::Plan;
use crate::session::Session;
use crate::table::list;

/// The columns of an ordered stage behind those of its stream.
#[derive(Debug)]
pub(crate) struct Extra {
    group: String,
    place: String,
    round: String,
    /// Of statements that work rounds out: where a row stands, and the last place of a whole row with its key.
    row: String,
    whole: String,
}

impl Extra {
    /// The types of the columns that a COPY has behind those of the stream.
    pub(crate) const BINARY: [Binary; 2] = [Binary::Int4, Binary::Int8];

    /// Names that no column of the stream has.
    pub(crate) fn of(plan: &Plan) -> Self {
        let name = |wanted: &str| {
            let mut name = wanted.to_owned();
            while plan.columns.iter().any(|column| **column == *name) {
                name.push('_');
            }
            format!("\"{name}\"")
        };
        Self {
            group: name("melisma_group"),
            place: name("melisma_place"),
            round: name("melisma_round"),
            row: name("melisma_row"),
            whole: name("melisma_whole"),
        }
    }

    /// As CREATE TABLE AS selects them.
    pub(crate) fn definitions(&self) -> String {
        let Self {
            group, place, round, ..
        } = self;
        format!(", 0 as {group}, 0::bigint as {place}, 0::bigint as {round}")
    }

    /// The columns of the COPY of a group.
    pub(crate) fn columns(&self, plan: &Plan, mask: &Mask) -> String {
        let columns = list(merge::present(plan, mask));
        format!("{columns}, {}, {}", self.group, self.place)
    }

    /// Brings the rows of a batch from the stage into the table.
    pub(crate) fn merge(
        &self,
        session: &mut Session,
        plan: &Plan,
        keying: &Keying,
        batch: &CopyBatch,
        stage: &str,
    ) -> Result<()> {
        if let [group] = batch.groups.as_slice() {
            // All rows have the same columns: of each key the last one is enough.
            let (keys, place) = (keying.order(), &self.place);
            let last = format!("(select distinct on ({keys}) * from {stage} order by {keys}, {place} desc)");
            let sql = match group.op {
                RowOp::Put => merge::put(plan, keying, &group.mask, &last),
                RowOp::Delete => merge::delete(plan, keying, stage),
            };
            return session.execute(&plan.name, "cannot upsert rows into", &sql);
        }
        let Self { group, round, .. } = self;
        session.execute(
            &plan.name,
            "cannot order rows for",
            &self.rounds(plan, keying, batch, stage),
        )?;
        let steps = format!("select distinct {round}, {group} from {stage} where {round} > 0 order by 1, 2");
        for row in session.query(&plan.name, "cannot order rows for", &steps)? {
            let (place, number): (i64, i32) = (row.get(0), row.get(1));
            let is_it = |group: &&Group| i32::try_from(group.number) == Ok(number);
            let wanted = batch.groups.iter().find(is_it);
            let Some(wanted) = wanted else { continue };
            let source = format!("(select * from {stage} where {round} = {place} and {group} = {number})");
            let sql = match wanted.op {
                RowOp::Put => merge::put(plan, keying, &wanted.mask, &source),
                RowOp::Delete => merge::delete(plan, keying, &source),
            };
            session.execute(&plan.name, "cannot upsert rows into", &sql)?;
        }
        Ok(())
    }

    /// Gives each row its round. A row that deletes, or has every column, leaves nothing of those before it.
    fn rounds(&self, plan: &Plan, keying: &Keying, batch: &CopyBatch, stage: &str) -> String {
        let Self {
            group,
            place,
            round,
            row,
            whole: last,
        } = self;
        let whole = |mask: &Mask| (0..plan.columns.len()).all(|column| mask.has(column));
        let whole: Vec<String> = batch
            .groups
            .iter()
            .filter(|group| group.op == RowOp::Delete || whole(&group.mask))
            .map(|group| group.number.to_string())
            .collect();
        let whole = match whole.as_slice() {
            [] => "null::bigint".to_owned(),
            numbers => format!(
                "max({place}) filter (where {group} in ({})) over (partition by {})",
                numbers.join(", "),
                keying.order()
            ),
        };
        let (keys, order) = (keying.list(), keying.order());
        format!(
            "update {stage} s set {round} = r.n from (\
             select {row}, row_number() over (partition by {order} order by {place}) as n from (\
             select ctid as {row}, {keys}, {place}, {whole} as {last} from {stage}) w \
             where {last} is null or {place} >= {last}) r where s.ctid = r.{row}"
        )
    }
}
