//! What melisma's own program and connectors need beyond what an author does: it may change with any version.

pub mod args;
mod connector;
pub mod copied;
pub mod logs;
pub mod names;
pub mod nullable;
pub mod protocol;
pub mod replaced;

pub use melisma_engine::json::{write_ascii_string, write_string};
pub use melisma_engine::{decimal, printable, time};

#[cfg(feature = "tap")]
pub use crate::tap::main_tap;
#[cfg(feature = "target")]
pub use crate::target::main_target;
pub use connector::Connector;
