//! What selection leaves: of a stream's schema, and of each of its records.

pub(super) mod cutter;
pub(super) mod schema;
