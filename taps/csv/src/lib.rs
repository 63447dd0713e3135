//! Singer tap for CSV files.

mod dialect;
mod encoding;
mod files;
mod header;
mod infer;
mod marks;
mod parse;
mod reader;
mod settings;
mod source;
mod value;
