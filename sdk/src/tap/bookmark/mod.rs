//! Where a stream is resumed: bookmarks in the state, and what moves them.

pub(super) mod comparison;
mod portable;
pub(super) mod progress;
mod resume;
pub(super) mod state;
