//! The hot paths that `cargo xtask instructions` counts, each on a fixed input and on one thread.
//!
//! The inputs are files, made once without callgrind: generating them takes longer than reading them, and callgrind slows
//! both down by fifty times.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use melisma_engine::copied::{Column, Records};
use melisma_engine::decode::DecodeOptions;
use serde_json::json;
use target_postgres::fuzzing::encoder;
use tpchgen::generators::LineItemGenerator;

use crate::corpus::{self, Corpus};
use crate::{orders, own};

/// Bytes of each corpus of RECORD lines.
const BYTES: usize = 4 << 20;
/// Lines of COPY, and records that are values in Rust.
const ROWS: usize = 10_000;

/// Every part. Those of the decoder are named after its corpora.
pub const NAMES: [&str; 12] = [
    "decode-lineitem",
    "decode-nested",
    "decode-wide",
    "decode-text",
    "decode-escaped",
    "decode-long-strings",
    "decode-shuffled",
    "validate",
    "copy",
    "emit",
    "emit-serde",
    "hand-off",
];

/// A part, ready to run.
pub struct Work {
    /// The records that one run reads or writes.
    pub records: usize,
    /// Reads or writes them all.
    pub run: Box<dyn FnMut()>,
}

/// Writes the inputs of all parts, and those of `melisma pipe`, into a folder.
pub fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for corpus in corpus::all(BYTES) {
        fs::write(folder.join(corpus.name).with_extension("singer"), &corpus.lines)?;
        fs::write(
            folder.join(corpus.name).with_extension("schema"),
            corpus.schema.to_string(),
        )?;
    }
    for (name, bytes) in [("pipe-short", BYTES), ("pipe-long", 6 * BYTES)] {
        let Corpus { schema, lines, .. } = corpus::lineitem(bytes);
        let first = json!({"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": []});
        fs::write(
            folder.join(name).with_extension("singer"),
            format!("{first}\n{lines}"),
        )?;
    }
    lines_of_copy(&folder.join("lineitem.copy"))
}

/// A part of this name, with its input from the folder.
pub fn work(name: &str, folder: &Path) -> io::Result<Work> {
    if let Some(name) = name.strip_prefix("decode-") {
        let corpus = read(folder, name)?;
        return Ok(Work {
            records: corpus.lines.lines().count(),
            run: Box::new(move || own::melisma(&corpus, &mut |batch| drop(black_box(batch)))),
        });
    }
    match name {
        "validate" => validate(folder),
        "copy" => copy(folder),
        "emit" => Ok(emit(orders::tap::<false>)),
        "emit-serde" => Ok(emit(orders::tap::<true>)),
        "hand-off" => hand_off(folder),
        _ => Err(io::Error::other(format!("there is no part {name}"))),
    }
}

fn read(folder: &Path, name: &str) -> io::Result<Corpus> {
    let lines = fs::read_to_string(folder.join(name).with_extension("singer"))?;
    let schema = fs::read_to_string(folder.join(name).with_extension("schema"))?;
    Ok(Corpus {
        name: "read",
        schema: serde_json::from_str(&schema)?,
        lines,
    })
}

/// Every record is checked against its schema, as `melisma pipe --validate` does it.
fn validate(folder: &Path) -> io::Result<Work> {
    let corpus = read(folder, "lineitem")?;
    let options = DecodeOptions {
        validate: true,
        record_only: true,
        ..DecodeOptions::default()
    };
    Ok(Work {
        records: corpus.lines.lines().count(),
        run: Box::new(move || {
            own::rows(&corpus, options, |row, decoder| {
                black_box(row);
                assert!(
                    decoder.violations().is_empty(),
                    "a record that its schema refuses"
                );
            });
        }),
    })
}

/// RECORD lines to lines of COPY, as target-postgres writes them into the columns that lineitem has there.
fn copy(folder: &Path) -> io::Result<Work> {
    const COLUMNS: [&str; 16] = [
        "bigint", "bigint", "bigint", "bigint", "double", "double", "double", "double", "text", "text",
        "date", "date", "date", "text", "text", "text",
    ];
    let corpus = read(folder, "lineitem")?;
    let options = DecodeOptions {
        validate: true,
        ..DecodeOptions::default()
    };
    Ok(Work {
        records: corpus.lines.lines().count(),
        run: Box::new(move || {
            let mut copy = encoder(&COLUMNS, 0, None, false);
            let mut rows = 0;
            own::rows(&corpus, options, |row, _| {
                copy.push(row).expect("a row that the columns hold");
                rows += 1;
                if rows % own::ROWS == 0 {
                    black_box(copy.finish());
                }
            });
            black_box(copy.finish());
        }),
    })
}

/// Values in Rust to RECORD lines.
fn emit(tap: fn()) -> Work {
    orders::prepare(ROWS);
    Work {
        records: ROWS,
        run: Box::new(tap),
    }
}

/// Rows that a tap hands over as lines of COPY, for a target with other columns: back to records.
fn hand_off(folder: &Path) -> io::Result<Work> {
    let lines = fs::read_to_string(folder.join("lineitem.copy"))?;
    let types = [
        "int8", "int8", "int8", "int4", "numeric", "numeric", "numeric", "numeric", "text", "text", "date",
        "date", "date", "text", "text", "text",
    ];
    let columns: Vec<_> = names_of_columns()
        .into_iter()
        .zip(types)
        .map(|(name, kind)| json!({"name": name, "type": kind}))
        .collect();
    let columns: Vec<Column> = serde_json::from_value(columns.into())?;
    let records = Records::new(&columns, &[""; 0]);
    let mut record = Vec::new();
    Ok(Work {
        records: ROWS,
        run: Box::new(move || {
            for line in lines.lines() {
                record.clear();
                records.write(line, &mut record).expect("a row of these columns");
                black_box(&record);
            }
        }),
    })
}

fn names_of_columns() -> Vec<String> {
    let schema = corpus::lineitem_schema();
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flat_map(|properties| properties.keys().cloned())
        .collect()
}

/// Rows of lineitem, none of which has anything that COPY escapes.
fn lines_of_copy(path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for row in LineItemGenerator::new(1.0, 1, 1).iter().take(ROWS) {
        write!(
            file,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t",
            row.l_orderkey,
            row.l_partkey,
            row.l_suppkey,
            row.l_linenumber,
            row.l_quantity,
            row.l_extendedprice,
            row.l_discount,
            row.l_tax,
        )?;
        writeln!(
            file,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            row.l_returnflag,
            row.l_linestatus,
            row.l_shipdate,
            row.l_commitdate,
            row.l_receiptdate,
            row.l_shipinstruct,
            row.l_shipmode,
            row.l_comment,
        )?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_runs_on_its_input() {
        let folder = std::env::temp_dir().join(format!("melisma-parts-{}", std::process::id()));
        make(&folder).expect("inputs");
        for name in NAMES {
            let mut work = work(name, &folder).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(work.records > 100, "{name}: {} records", work.records);
            (work.run)();
        }
        fs::remove_dir_all(&folder).expect("the folder is removed");
    }
}
