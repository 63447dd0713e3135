//! tap-rest on recorded answers.

mod definitions;
mod process;
