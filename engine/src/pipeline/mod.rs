//! Reading, decoding and writing on separate threads, and STATE behind them.

mod options;

pub use options::{Limits, OnInvalid};
