//! The melisma command.
fn main() {}
