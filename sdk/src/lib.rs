//! Write Singer taps and targets.

mod about;
pub mod args;
pub mod config;
pub mod logs;
pub mod metrics;
pub mod plugin;
pub mod protocol;
pub mod secret;
pub mod signals;

pub use melisma_engine::error::show;
pub use melisma_engine::{Error, Kind, Position, Result};
pub use schemars::JsonSchema;
pub use secret::Secret;
pub use serde_json::json;
