//! From JSON Schema to columns.
