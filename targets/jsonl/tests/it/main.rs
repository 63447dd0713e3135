//! target-jsonl from the outside.

mod encoder;
mod process;
