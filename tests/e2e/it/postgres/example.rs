//! examples/postgres: what its README says.

use std::path::Path;
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use tempfile::TempDir;

use crate::harness::{Outcome, files, melisma, root, run, script};

const TABLES: [(&str, &str); 6] = [
    ("region", "tpch/data/region.csv"),
    ("nation", "tpch/data/nation.csv"),
    ("supplier", "tpch/data/supplier.csv"),
    ("customer", "tpch/data/customer.csv"),
    ("orders", "tpch/data/orders.csv"),
    ("lineitem", "postgres/data/lineitem.csv.gz"),
];

/// The example project and the one whose data it reads, copied, so that tests neither see nor leave state.
fn examples() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let source = root().join("examples");
    let copy = |name: &str| {
        let to = folder.path().join(name);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::copy(source.join(name), to).expect("copied");
    };
    copy("postgres/meltano.yml");
    for (_, path) in TABLES {
        copy(path);
    }
    folder
}

fn pair(examples: &Path, database: &Database, words: &[&str]) -> Outcome {
    let mut command = Command::new(melisma());
    command
        .arg("run")
        .args(words)
        .arg("--cwd")
        .arg(examples.join("postgres"))
        .env("DATABASE_URL", database.url());
    run(&mut command, b"").ok()
}

/// The rows of a query, as JSON text values.
fn ask(database: &Database, query: &str) -> Vec<Vec<String>> {
    let text = database.sql(&format!("set search_path = tpch; {query}"));
    let row = |line: &str| line.split('|').map(str::to_owned).collect();
    text.lines().map(row).collect()
}

/// Every row of every table, in one number.
fn fingerprint(database: &Database) -> Vec<String> {
    let print = |table| {
        format!("select count(*), md5(string_agg(t::text, ',' order by t::text)) from tpch.{table} t")
    };
    TABLES
        .iter()
        .map(|(table, _)| database.sql(&print(table)))
        .collect()
}

#[test]
fn tpch_tables_load_with_keys_and_answer_queries() {
    let examples = examples();
    let database = server().database();
    pair(examples.path(), &database, &["tap-csv", "target-postgres"]).says(&["lineitem", "15,"]);
    let keys = database.sql(
        "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
         where contype = 'p' and connamespace = 'tpch'::regnamespace order by 1",
    );
    assert!(
        keys.contains("tpch.lineitem|PRIMARY KEY (l_orderkey, l_linenumber)"),
        "{keys}"
    );
    assert_eq!(keys.lines().count(), TABLES.len(), "{keys}");

    for query in ["q1", "q6"] {
        let query = root().join(format!("examples/postgres/{query}.sql"));
        let source = root().join("examples/postgres/data/lineitem.csv.gz");
        let outcome = run(script("python", "tpch_query.py").arg(source).arg(&query), b"").ok();
        let expected: Vec<Vec<String>> = serde_json::from_slice(&outcome.stdout).expect("rows");
        let found = ask(&database, &std::fs::read_to_string(&query).expect("a query"));
        same_answer(&found, &expected);
    }

    let before = fingerprint(&database);
    pair(examples.path(), &database, &["tap-csv", "target-postgres"]);
    assert_eq!(fingerprint(&database), before, "nothing is new");
    pair(
        examples.path(),
        &database,
        &["--full-refresh", "tap-csv", "target-postgres"],
    );
    assert_eq!(fingerprint(&database), before, "every row again");

    pair(examples.path(), &database, &["tap-postgres", "target-parquet"]);
    for (table, source) in TABLES {
        let parts = files(
            &examples.path().join("postgres/output/parquet"),
            &format!("tpch-{table}"),
        );
        let source = examples.path().join(source);
        run(
            script("python", "same_rows.py")
                .arg("--any-order")
                .arg(source)
                .args(parts),
            b"",
        )
        .ok();
    }
}

/// Sums and counts to the last digit, averages to nine.
fn same_answer(found: &[Vec<String>], expected: &[Vec<String>]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(!expected.is_empty());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(a), Ok(b)) => assert!((a - b).abs() <= 1e-9 * b.abs(), "{found} is not {expected}"),
                _ => assert_eq!(found, expected),
            }
        }
    }
}
