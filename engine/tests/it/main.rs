//! The engine from outside.

mod pipeline;
