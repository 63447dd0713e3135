//! The encoder of COPY text, for `fuzz/properties`.

use std::sync::Arc;

use melisma_sdk::files::Pool;
use melisma_sdk::{Error, Result, Row};

use crate::copy::{
    CopyColumn, CopyEncoder, Form, InvalidDates, InvalidValuePolicy, InvalidValues, Layout, Moment, Nul,
    RowOp, Unwritten, Wider,
};

/// What a column takes, by the name of its type; `text[]` is an array. Unknown names are text as it comes.
fn form(name: &str) -> Form {
    if let Some(item) = name.strip_suffix("[]") {
        return Form::Array(Box::new(form(item)));
    }
    match name {
        "boolean" => Form::Boolean,
        "smallint" => Form::Integer { bytes: 2 },
        "integer" => Form::Integer { bytes: 4 },
        "bigint" => Form::Integer { bytes: 8 },
        "numeric" => Form::Numeric,
        "double" => Form::Float,
        "text" => Form::Text,
        "date" => Form::Moment(Moment::Date),
        "time" => Form::Moment(Moment::Time),
        "timestamp" => Form::Moment(Moment::Timestamp),
        "timestamptz" => Form::Moment(Moment::TimestampTz),
        "uuid" => Form::Uuid,
        "jsonb" => Form::Json,
        "bytea" => Form::Bytea,
        _ => Form::Other,
    }
}

/// An encoder for rows of these columns, the first `keys` of which are the key that rows replace each other by.
/// `deletes` is the cell that makes a row delete those with its key, when it is not null.
pub fn encoder(columns: &[&str], keys: usize, deletes: Option<usize>, replace_nul: bool) -> Encoder {
    let copy_column = |(cell, name): (usize, &&str)| CopyColumn {
        cell,
        form: form(name),
        key: cell < keys,
        scale: None,
        wider: Wider::Never,
    };
    let layout = Layout {
        columns: columns.iter().enumerate().map(copy_column).collect(),
        names: columns.iter().map(|&name| name.into()).collect(),
        keys,
        exact: true,
        deletes,
        policy: InvalidValuePolicy {
            nul: if replace_nul { Nul::Replace } else { Nul::Refuse },
            dates: InvalidDates::Error,
            values: InvalidValues::Error,
        },
        hashes: foldhash::fast::RandomState::default(),
        expand: None,
    };
    Encoder(CopyEncoder::new(&Arc::new(layout), &Arc::new(Pool::default())))
}

/// Writes rows into columns that never widen.
#[derive(Debug)]
pub struct Encoder(CopyEncoder);

impl Encoder {
    /// Writes a row.
    pub fn push(&mut self, row: &Row<'_>) -> Result<()> {
        self.0.push(row).map_err(|unwritten| match unwritten {
            Unwritten::Refused(error) => error,
            Unwritten::Widens(columns) => Error::bug(format!("columns {columns:?} would widen")),
        })
    }

    /// What the rows since the last batch come to, in the order in which it is done.
    pub fn finish(&mut self) -> Vec<Lines> {
        let batch = self.0.finish();
        let all = batch.layout.columns.len();
        let lines = batch.groups.iter().map(|group| Lines {
            delete: group.op == RowOp::Delete,
            columns: (0..all).filter(|column| group.mask.has(*column)).collect(),
            text: group.lines().collect::<Vec<_>>().concat(),
        });
        lines.collect()
    }
}

/// Rows of one kind: COPY lines of some columns.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Whether the rows with these keys are to be deleted rather than put.
    pub delete: bool,
    /// The columns that the lines have, by their place.
    pub columns: Vec<usize>,
    /// The lines that count.
    pub text: Vec<u8>,
}
