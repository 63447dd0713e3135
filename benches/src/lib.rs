//! What melisma is measured with: corpora made from seeds, the rivals that read them into the same columns, and the parts whose
//! instructions are counted.

#![expect(clippy::cast_precision_loss, reason = "corpora: what is measured is not here")]
#![cfg_attr(
    feature = "product",
    expect(clippy::missing_panics_doc, reason = "rivals: what is measured is not here")
)]

#[cfg(feature = "rivals")]
pub mod columns;
pub mod corpus;
#[cfg(feature = "product")]
pub mod orders;
#[cfg(feature = "product")]
pub mod own;
#[cfg(feature = "instructions")]
pub mod parts;
#[cfg(feature = "rivals")]
pub mod rivals;
