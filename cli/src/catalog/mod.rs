//! What a tap is told to sync: its discovered catalog, changed by a project's `select`, `metadata`, `schema` and
//! `select_filter`.

mod apply;
mod glob;
mod rules;

pub(crate) use apply::apply;
pub(crate) use rules::Rules;

#[cfg(test)]
mod tests;
