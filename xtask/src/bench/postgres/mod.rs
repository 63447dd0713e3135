//! PostgreSQL: our tap and target beside psql's COPY, on one server, in turn.

mod memory;
mod peers;
mod setup;

use super::corpora::Corpora;
use super::process::Ratio;
use super::report::Measured;
use crate::Result;
use setup::Bench;

pub(crate) use peers::full_tables;
pub(crate) use setup::{quote, server};

/// Rows for the comparison with the Python connectors, which take minutes for a million.
const PEER_ROWS: u64 = 100_000;

/// Everything: ratios to psql with their bars, the memory of each process, and the peers.
pub(crate) fn measure(corpora: &Corpora, repeat: usize) -> Result<Vec<Measured>> {
    let bench = Bench::new(corpora)?;
    bench.prepare()?;
    let mut measured = Vec::new();
    for ratio in ratios(&bench)? {
        measured.push(ratio.measure(repeat)?);
    }
    measured.extend(memory::measure(&bench)?);
    if corpora.rows <= 1_000_000 {
        measured.extend(peers::measure(&bench, &Corpora::with_singer(PEER_ROWS)?)?);
    }
    Ok(measured)
}

fn ratios(bench: &Bench) -> Result<Vec<Ratio>> {
    let rows = bench.corpora.rows;
    let csv = bench.csv()?;
    let ratio = |title: &str, ours: String, base: String, prepare: &[&str], bar| {
        let prepare: Vec<String> = prepare.iter().map(|sql| format!("-c '{sql}'")).collect();
        let prepare = bench.psql(&format!("{} -c checkpoint", prepare.join(" ")));
        Ratio::new(
            super::Name::Postgres,
            format!("{title}, {rows} rows"),
            ours,
            base,
            prepare,
            bar,
        )
    };
    let copy_into = |table: &str| {
        bench.psql(&format!(
            "-c \"\\\\copy theirs.{table} from {csv} (format csv, header)\""
        ))
    };
    let copy_out = bench.psql("-c 'copy source.lineitem to stdout (format csv)'");
    let pair = format!(
        "{} | {}",
        bench.psql("-c 'copy source.lineitem to stdout'"),
        bench.psql("-c 'copy theirs.lineitem from stdin'")
    );
    Ok(vec![
        ratio(
            "tap-postgres FULL_TABLE to /dev/null / psql COPY TO STDOUT csv",
            format!("{} > /dev/null", bench.tap()?),
            format!("{copy_out} > /dev/null"),
            &[],
            1.25,
        ),
        ratio(
            "target-postgres append, no key / psql \\copy",
            bench.target("append")?,
            copy_into("lineitem"),
            &["truncate append.lineitem, theirs.lineitem"],
            1.15,
        ),
        ratio(
            "target-postgres first load with key / psql \\copy into a table with that key",
            bench.target("keyed")?,
            copy_into("keyed"),
            &["drop table if exists keyed.lineitem", "truncate theirs.keyed"],
            1.15,
        ),
        ratio(
            "target-postgres upsert, all rows existing / psql stage and ON CONFLICT",
            bench.target("upsert")?,
            bench.psql(&format!("-f {}", bench.upsert_sql()?)),
            &["vacuum upsert.lineitem", "vacuum theirs.upsert"],
            1.1,
        ),
        ratio(
            "melisma run tap-postgres target-postgres / psql COPY TO | psql COPY FROM",
            bench.pair()?,
            pair,
            &["truncate pair.lineitem, theirs.lineitem"],
            1.3,
        ),
    ])
}
