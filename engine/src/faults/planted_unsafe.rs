//! Never compiles: `unsafe` is forbidden in the whole workspace. `cargo xtask faults` builds with the feature
//! `planted-unsafe` to see that the compiler says so.

/// The first byte of a text, without a look at whether there is one.
pub(crate) fn first(text: &str) -> u8 {
    unsafe { *text.as_ptr() }
}
