//! tap-rest on recorded answers.

mod definitions;
mod manifests;
mod msdk;
mod process;
