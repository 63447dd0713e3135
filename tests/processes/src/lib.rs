//! Processes under test: they are started, fed, watched, ended and read in one way by every crate's tests.
#![allow(
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "what is not as a test wants it fails the test"
)]

mod live;
mod outcome;
mod programs;
mod sqlite;

pub use live::{Live, children, kill, wait_for};
pub use outcome::{Outcome, peak_after, peak_memory, run};
pub use programs::{PLUGINS, melisma, root, without_package};
pub use sqlite::sqlite;
