//! What melisma is measured with: corpora made from seeds, and the rivals that read them into the same columns.

pub mod columns;
pub mod corpus;
pub mod rivals;
