//! tap-rest on recorded answers.

mod definitions;
mod msdk;
mod process;
