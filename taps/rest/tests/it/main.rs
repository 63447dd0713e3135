//! tap-rest on recorded answers.

mod changes;
mod definitions;
mod faults;
mod formats;
mod harness;
mod manifests;
mod msdk;
mod process;
mod sessions;
mod windows;
