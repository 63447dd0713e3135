//! The stream engine of melisma: Singer lines to typed batches to commits to STATE.
//!
//! A library without process, command line or database: bytes and events go in, values come out.

pub mod budget;
pub mod cell;
pub mod columns;
pub mod decimal;
pub mod decode;
pub mod encode;
pub mod error;
pub mod faults;
pub mod json;
pub mod ledger;
pub mod line;
pub mod message;
pub mod pipeline;
pub mod printable;
pub mod rows;
pub mod schema;
pub mod sink;
pub mod time;
pub mod validate;

pub use error::{Error, Kind, Position, Result};
