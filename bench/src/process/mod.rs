//! Runs commands that are connected by pipes, and measures them.
//!
//! | what | how |
//! |---|---|
//! | time | from before the first process starts until all have ended and stdout is read to its end |
//! | CPU | what the system accounts to processes when they are waited for: the commands and all below them. A process whose parent has ended becomes a child of this one, and counts too |
//! | memory | the sum of the resident memory of all processes below this one, looked at a hundred times a second; or the peak of one process alone, if that was more between two looks |
//! | first byte, first record | when a block with it was read from the stdout of the last command |
//!
//! The input is fed, and the output read, by threads of this process, so neither costs CPU that is counted.

mod cpu;
mod interrupt;
mod memory;
mod output;
mod run;
mod tree;

pub use interrupt::interrupt;
pub use run::{Command, Failure, Input, Output, Run, run};
