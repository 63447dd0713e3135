//! The rival of target-sqlite: inserts the records of RECORD lines with rusqlite, nothing more.
//!
//! One transaction, one prepared INSERT, the table that target-sqlite makes, the settings that SQLite has by itself. Prints the
//! number of rows, and the seconds with and without those for the lines, to stderr.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Statement, params};
use serde::Deserialize;

/// A line, of any type.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    record: Option<Lineitem<'a>>,
}

#[derive(Deserialize)]
struct Lineitem<'a> {
    l_orderkey: i64,
    l_partkey: i64,
    l_suppkey: i64,
    l_linenumber: i64,
    l_quantity: f64,
    l_extendedprice: f64,
    l_discount: f64,
    l_tax: f64,
    #[serde(borrow)]
    l_returnflag: Cow<'a, str>,
    #[serde(borrow)]
    l_linestatus: Cow<'a, str>,
    #[serde(borrow)]
    l_shipdate: Cow<'a, str>,
    #[serde(borrow)]
    l_commitdate: Cow<'a, str>,
    #[serde(borrow)]
    l_receiptdate: Cow<'a, str>,
    #[serde(borrow)]
    l_shipinstruct: Cow<'a, str>,
    #[serde(borrow)]
    l_shipmode: Cow<'a, str>,
    #[serde(borrow)]
    l_comment: Cow<'a, str>,
}

const TABLE: &str = "CREATE TABLE lineitem (l_orderkey INTEGER NOT NULL, l_partkey INTEGER, l_suppkey INTEGER, \
     l_linenumber INTEGER NOT NULL, l_quantity REAL, l_extendedprice REAL, l_discount REAL, l_tax REAL, l_returnflag TEXT, \
     l_linestatus TEXT, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct TEXT, l_shipmode TEXT, \
     l_comment TEXT, PRIMARY KEY (l_orderkey, l_linenumber))";

const INSERT: &str = "INSERT INTO lineitem VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(lines), Some(database), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        let _ = writeln!(std::io::stderr(), "usage: sqlite-rows LINES DATABASE");
        return ExitCode::FAILURE;
    };
    let done = File::open(&lines)
        .map_err(|error| format!("{}: {error}", lines.display()))
        .and_then(|lines| load(lines, database.as_ref()));
    match done {
        Ok((rows, all, inserting)) => {
            let (all, inserting) = (all.as_secs_f64(), inserting.as_secs_f64());
            let _ = writeln!(
                std::io::stderr(),
                "{rows} rows, {all:.3} s, {inserting:.3} s of them in SQLite"
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// The number of rows, the time of all, and that of SQLite's part.
fn load(lines: File, database: &std::path::Path) -> Result<(u64, Duration, Duration), String> {
    let started = Instant::now();
    let mut connection = Connection::open(database).map_err(|error| error.to_string())?;
    let transaction = connection.transaction().map_err(|error| error.to_string())?;
    transaction
        .execute(TABLE, [])
        .map_err(|error| error.to_string())?;
    let mut statement = transaction.prepare(INSERT).map_err(|error| error.to_string())?;
    let mut lines = BufReader::with_capacity(1 << 18, lines);
    let (mut line, mut rows, mut inserting) = (String::new(), 0, Duration::ZERO);
    loop {
        line.clear();
        if lines.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
            break;
        }
        let message: Message<'_> = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        if let Some(record) = message.record {
            let before = Instant::now();
            insert(&mut statement, &record).map_err(|error| error.to_string())?;
            inserting += before.elapsed();
            rows += 1;
        }
    }
    drop(statement);
    let before = Instant::now();
    transaction.commit().map_err(|error| error.to_string())?;
    inserting += before.elapsed();
    Ok((rows, started.elapsed(), inserting))
}

fn insert(statement: &mut Statement<'_>, record: &Lineitem<'_>) -> rusqlite::Result<usize> {
    statement.execute(params![
        record.l_orderkey,
        record.l_partkey,
        record.l_suppkey,
        record.l_linenumber,
        record.l_quantity,
        record.l_extendedprice,
        record.l_discount,
        record.l_tax,
        record.l_returnflag,
        record.l_linestatus,
        record.l_shipdate,
        record.l_commitdate,
        record.l_receiptdate,
        record.l_shipinstruct,
        record.l_shipmode,
        record.l_comment,
    ])
}
