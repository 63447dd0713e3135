//! What melisma is measured with: corpora made from seeds, and the rivals that read them into the same columns.

#![expect(
    clippy::cast_precision_loss,
    clippy::missing_panics_doc,
    reason = "corpora and rivals: what is measured is not here"
)]

#[cfg(feature = "rivals")]
pub mod columns;
pub mod corpus;
#[cfg(feature = "rivals")]
pub mod rivals;
