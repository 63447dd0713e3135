//! The pages of docs/ whose blocks of Rust are built as tests; they are no part of the crate.

#[doc = include_str!("../../docs/cookbook.md")]
struct Cookbook;

#[doc = include_str!("../../docs/checks.md")]
struct Checks;

#[doc = include_str!("../../docs/from-python-sdk.md")]
struct FromPythonSdk;
