//! Writes TPC-H tables, as CSV or as Singer messages the way a Python tap writes them.
//!
//! `tpch --scale 0.002 --out examples/tpch/data nation region supplier customer orders`

use std::fmt::Display;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use tpchgen::csv::{
    CustomerCsv, LineItemCsv, NationCsv, OrderCsv, PartCsv, PartSuppCsv, RegionCsv, SupplierCsv,
};
use tpchgen::generators::{
    CustomerGenerator, LineItem, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

const USAGE: &str = "usage: tpch --out DIR [--scale S] [--rows N] [--format csv|singer] TABLE...";

struct Options {
    out: PathBuf,
    /// TPC-H scale factor: 1 is 6,001,215 lineitem rows.
    scale: f64,
    /// At most this number of rows a table.
    rows: usize,
    singer: bool,
    tables: Vec<String>,
}

fn main() -> ExitCode {
    match options().and_then(|options| options.tables.iter().try_for_each(|table| write(table, &options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "tpch: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        out: PathBuf::new(),
        scale: 1.0,
        rows: usize::MAX,
        singer: false,
        tables: Vec::new(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
        match arg.as_str() {
            "--out" => options.out = value()?.into(),
            "--scale" => options.scale = parse(&value()?)?,
            "--rows" => options.rows = parse(&value()?)?,
            "--format" => options.singer = value()? == "singer",
            flag if flag.starts_with('-') => return Err(format!("unknown option {flag}\n{USAGE}")),
            _ => options.tables.push(arg),
        }
    }
    if options.tables.is_empty() || options.out.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    Ok(options)
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number: {text}\n{USAGE}"))
}

fn write(table: &str, options: &Options) -> Result<(), String> {
    let Options { scale, rows, .. } = *options;
    let path = options.out.join(format!(
        "{table}.{}",
        if options.singer { "singer" } else { "csv" }
    ));
    std::fs::create_dir_all(&options.out)
        .map_err(|e| format!("cannot create {}: {e}", options.out.display()))?;
    if options.singer {
        if table != "lineitem" {
            return Err(format!(
                "only lineitem is written as Singer messages, not {table}"
            ));
        }
        return to(&path, |file| singer_lineitem(file, scale, rows));
    }
    to(&path, |file| match table {
        "nation" => csv(
            file,
            NationCsv::header(),
            NationGenerator::default().iter().take(rows).map(NationCsv::new),
        ),
        "region" => csv(
            file,
            RegionCsv::header(),
            RegionGenerator::default().iter().take(rows).map(RegionCsv::new),
        ),
        "supplier" => {
            let all = SupplierGenerator::new(scale, 1, 1);
            csv(
                file,
                SupplierCsv::header(),
                all.iter().take(rows).map(SupplierCsv::new),
            )
        }
        "customer" => {
            let all = CustomerGenerator::new(scale, 1, 1);
            csv(
                file,
                CustomerCsv::header(),
                all.iter().take(rows).map(CustomerCsv::new),
            )
        }
        "part" => csv(
            file,
            PartCsv::header(),
            PartGenerator::new(scale, 1, 1)
                .iter()
                .take(rows)
                .map(PartCsv::new),
        ),
        "partsupp" => {
            let all = PartSuppGenerator::new(scale, 1, 1);
            csv(
                file,
                PartSuppCsv::header(),
                all.iter().take(rows).map(PartSuppCsv::new),
            )
        }
        "orders" => csv(
            file,
            OrderCsv::header(),
            OrderGenerator::new(scale, 1, 1)
                .iter()
                .take(rows)
                .map(OrderCsv::new),
        ),
        "lineitem" => {
            let all = LineItemGenerator::new(scale, 1, 1);
            csv(
                file,
                LineItemCsv::header(),
                all.iter().take(rows).map(LineItemCsv::new),
            )
        }
        _ => Err(std::io::Error::other(format!("no such table: {table}"))),
    })
}

fn to(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<(), String> {
    File::create(path)
        .and_then(|file| {
            let mut writer = BufWriter::with_capacity(1 << 20, file);
            fill(&mut writer)?;
            writer.flush()
        })
        .map_err(|e| format!("cannot write {}: {e}", path.display()))
}

fn csv<W: Write>(
    file: &mut W,
    header: &str,
    rows: impl Iterator<Item = impl Display>,
) -> std::io::Result<()> {
    writeln!(file, "{header}")?;
    rows.into_iter().try_for_each(|row| writeln!(file, "{row}"))
}

/// SCHEMA, RECORDs with a STATE every 10,000 of them, and a last STATE: singer-sdk's order, spacing and key order.
fn singer_lineitem<W: Write>(file: &mut W, scale: f64, rows: usize) -> std::io::Result<()> {
    writeln!(file, "{}", lineitem_schema())?;
    let mut count = 0_u64;
    for row in LineItemGenerator::new(scale, 1, 1).iter().take(rows) {
        singer_record(file, &row)?;
        count += 1;
        if count.is_multiple_of(10_000) {
            singer_state(file, count)?;
        }
    }
    singer_state(file, count)
}

fn singer_state<W: Write>(file: &mut W, count: u64) -> std::io::Result<()> {
    writeln!(
        file,
        r#"{{"type":"STATE","value":{{"bookmarks":{{"lineitem":{{"replication_key_value":{count}}}}}}}}}"#
    )
}

fn singer_record<W: Write>(file: &mut W, row: &LineItem<'_>) -> std::io::Result<()> {
    writeln!(
        file,
        concat!(
            r#"{{"type":"RECORD","stream":"lineitem","record":{{"l_orderkey":{},"l_partkey":{},"l_suppkey":{},"#,
            r#""l_linenumber":{},"l_quantity":{},"l_extendedprice":{},"l_discount":{},"l_tax":{},"#,
            r#""l_returnflag":"{}","l_linestatus":"{}","l_shipdate":"{}","l_commitdate":"{}","#,
            r#""l_receiptdate":"{}","l_shipinstruct":"{}","l_shipmode":"{}","l_comment":"{}"}},"#,
            r#""time_extracted":"2026-01-01T00:00:00.000000+00:00"}}"#
        ),
        row.l_orderkey,
        row.l_partkey,
        row.l_suppkey,
        row.l_linenumber,
        row.l_quantity,
        row.l_extendedprice,
        row.l_discount,
        row.l_tax,
        row.l_returnflag,
        row.l_linestatus,
        row.l_shipdate,
        row.l_commitdate,
        row.l_receiptdate,
        row.l_shipinstruct,
        row.l_shipmode,
        row.l_comment,
    )
}

fn lineitem_schema() -> serde_json::Value {
    let integer = json!({"type": ["integer", "null"]});
    let number = json!({"type": ["number", "null"]});
    let text = json!({"type": ["string", "null"]});
    let date = json!({"type": ["string", "null"], "format": "date"});
    json!({
        "type": "SCHEMA", "stream": "lineitem",
        "schema": {"type": "object", "properties": {
            "l_orderkey": integer, "l_partkey": integer, "l_suppkey": integer, "l_linenumber": integer,
            "l_quantity": number, "l_extendedprice": number, "l_discount": number, "l_tax": number,
            "l_returnflag": text, "l_linestatus": text, "l_shipdate": date, "l_commitdate": date,
            "l_receiptdate": date, "l_shipinstruct": text, "l_shipmode": text, "l_comment": text,
        }},
        "key_properties": ["l_orderkey", "l_linenumber"],
    })
}
