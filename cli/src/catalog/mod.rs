//! Applying a project's `select`, `metadata`, `schema` and `select_filter` to a tap's catalog, as Meltano does.

mod apply;
pub(crate) mod glob;
mod missing;
mod rules;
mod schema;

pub(crate) use apply::apply;
pub(crate) use missing::missing;
pub(crate) use rules::Rules;

#[cfg(test)]
mod tests;
