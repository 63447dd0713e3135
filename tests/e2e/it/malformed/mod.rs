//! Malformed input: every case of tests/e2e/malformed, mutants of good streams, and sizes that nobody sends.
//!
//! Cases run through the engine's pipeline in this process, with a sink in memory ([`memory`]); what must hold of any
//! of them is in [`judge`]. A sample goes through the processes of the targets. `docs/malformed.md` is what came of
//! each case: `MELISMA_WRITE_DOCS=1` writes it anew.

mod extremes;
mod json;
mod judge;
mod memory;
mod mutants;
mod page;
mod processes;
mod projects;
mod singer;
mod text;
