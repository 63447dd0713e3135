//! Builds the queries that read a table.

use crate::columns::Columns;
use crate::copied::CopiedRows;
use crate::discovery::Table;

/// A table's selected columns and conditions.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) table: &'a Table,
    pub(crate) columns: Columns,
    /// Rows are handed over as lines of COPY instead.
    pub(crate) copied: Option<CopiedRows>,
    /// What the user wants of rows, in SQL.
    pub(crate) clauses: &'a [String],
    /// At most this many rows.
    pub(crate) limit: Option<u64>,
    /// For errors: `cannot read "public"."orders"`.
    pub(crate) doing: &'a str,
}

impl Query<'_> {
    /// All rows, of the table and what is below it.
    pub(crate) fn whole(&self) -> String {
        self.ordered(&[], None, self.limit)
    }

    /// The rows that meet `conditions`, in the order of a column, at most `limit`.
    pub(crate) fn ordered(&self, conditions: &[String], order: Option<&str>, limit: Option<u64>) -> String {
        let mut query = self.select(&self.table.quoted_name(), conditions);
        if let Some(order) = order {
            query.push_str(" order by ");
            query.push_str(order);
        }
        if let Some(limit) = limit {
            query.push_str(" limit ");
            query.push_str(&limit.to_string());
        }
        query
    }

    /// The rows that one table of these, `name`, has itself.
    pub(crate) fn only(&self, name: &str, conditions: &[String]) -> String {
        self.select(&format!("only {name}"), conditions)
    }

    /// What makes rows of two queries the same rows in the same form.
    pub(crate) fn identity(&self) -> String {
        format!("{} {:?}", self.columns.identity(), self.clauses)
    }

    fn select(&self, from: &str, conditions: &[String]) -> String {
        let list = self
            .copied
            .as_ref()
            .map_or(&self.columns.list, |copied| &copied.list);
        let mut query = format!("select {list} from {from} as t");
        // A line break ends a comment that a clause may have at its end.
        let clauses = self.clauses.iter().map(|clause| format!("({clause}\n)"));
        let all: Vec<String> = conditions.iter().cloned().chain(clauses).collect();
        if !all.is_empty() {
            query.push_str(" where ");
            query.push_str(&all.join(" and "));
        }
        query
    }
}
