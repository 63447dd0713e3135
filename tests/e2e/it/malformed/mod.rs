//! Malformed input: the Singer messages of singer.txt, mutants of good streams, and sizes that nobody sends.
//!
//! Cases run through the engine's pipeline in this process, with a sink in memory ([`memory`]); what must hold of any
//! of them is in [`judge`]. A sample goes through the processes of the targets. JSON texts that parsers disagree about are
//! with the properties: fuzz/properties/tests/it.

mod extremes;
mod judge;
mod memory;
mod mutants;
mod page;
mod processes;
mod projects;
mod singer;
