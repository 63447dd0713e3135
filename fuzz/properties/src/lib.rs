//! What must hold for any input.
//!
//! Each module checks one property of the product against something that is written in another way and plainly: a
//! naive reader of JSON, `serde_json`, the `csv` crate, a decoder of COPY text, the ledger's model. A check takes
//! bytes, makes of them what it needs, and panics when the property does not hold. The fuzz targets under `fuzz/`
//! hand it libFuzzer's inputs; the tests of this crate hand it the corpora of `fuzz/seeds`, the inputs that once
//! failed, and mutants of both.

#![allow(
    clippy::missing_panics_doc,
    clippy::cast_possible_wrap,
    clippy::float_cmp,
    clippy::format_collect,
    reason = "a check panics, that is what it is for; values are compared bit by bit, and nothing here is in a hurry"
)]

pub mod config;
pub mod copy;
pub mod csv;
pub mod decode;
pub mod envelope;
mod input;
pub mod journal;
pub mod ledger;
pub mod lines;
pub mod mutate;
pub mod pgbinary;
pub mod plan;
pub mod reference;
pub mod spelled;

/// A property: its name, which is that of its fuzz target and its folder of seeds, and its check.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// The name.
    pub name: &'static str,
    /// Panics when the property does not hold for these bytes.
    pub check: fn(&[u8]),
}

/// All properties.
pub const ALL: &[Property] = &[
    Property {
        name: "config",
        check: config::check,
    },
    Property {
        name: "copy",
        check: copy::check,
    },
    Property {
        name: "csv",
        check: csv::check,
    },
    Property {
        name: "decode",
        check: decode::check,
    },
    Property {
        name: "envelope",
        check: envelope::check,
    },
    Property {
        name: "journal",
        check: journal::check,
    },
    Property {
        name: "ledger",
        check: ledger::check,
    },
    Property {
        name: "lines",
        check: lines::check,
    },
    Property {
        name: "pgbinary",
        check: pgbinary::check,
    },
    Property {
        name: "plan",
        check: plan::check,
    },
];
