//! Under construction.

pub mod target;

pub use melisma_engine::cell::{Cell, Row, Text};
pub use melisma_engine::encode::Encoder;
pub use melisma_engine::pipeline::Limits;
pub use melisma_engine::schema::{self, StreamSchema};
pub use melisma_engine::sink::Sink;
pub use melisma_engine::{Error, Kind, Position, Result};
pub use target::Target;
