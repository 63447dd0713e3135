//! The stream engine of melisma: Singer lines to typed batches to commits to STATE.
//!
//! A library without process, command line or database: bytes and events go in, values come out.

#![cfg_attr(
    not(feature = "pipeline"),
    allow(
        dead_code,
        unused_imports,
        reason = "what the pipeline needs of JSON texts is not worth a cfg each"
    )
)]

#[cfg(feature = "pipeline")]
pub mod budget;
#[cfg(feature = "pipeline")]
pub mod cell;
#[cfg(feature = "pipeline")]
pub mod columns;
pub mod copied;
pub mod decimal;
#[cfg(feature = "pipeline")]
pub mod decode;
#[cfg(feature = "pipeline")]
pub mod encode;
pub mod error;
pub mod faults;
pub mod json;
#[cfg(feature = "pipeline")]
pub mod ledger;
#[cfg(feature = "pipeline")]
pub mod line;
#[cfg(feature = "pipeline")]
pub mod message;
#[cfg(feature = "pipeline")]
pub mod pipeline;
pub mod printable;
#[cfg(feature = "pipeline")]
pub mod rows;
#[cfg(feature = "pipeline")]
pub mod schema;
#[cfg(feature = "pipeline")]
pub mod sink;
pub mod time;
#[cfg(feature = "pipeline")]
pub mod validate;

pub use error::{Error, Kind, Position, Result};
