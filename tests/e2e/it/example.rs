//! The README's first command: CSV files to Parquet, and what independent readers find in them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Outcome, files, jsonl_rows, melisma, python, root, run, script};

/// The example project, copied, so that tests neither see nor leave state.
fn project() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let source = root().join("examples/tpch");
    std::fs::copy(source.join("meltano.yml"), folder.path().join("meltano.yml")).expect("meltano.yml");
    std::fs::create_dir(folder.path().join("data")).expect("data");
    for table in TABLES {
        let name = format!("data/{table}.csv");
        std::fs::copy(source.join(&name), folder.path().join(&name)).expect("a table");
    }
    folder
}

const TABLES: [&str; 5] = ["region", "nation", "supplier", "customer", "orders"];

fn pair(project: &Path, target: &str) -> Outcome {
    run(
        Command::new(melisma())
            .args(["run", "--cwd"])
            .arg(project)
            .args(["tap-csv", target]),
        b"",
    )
}

/// Checks with DuckDB and pyarrow that a file has the rows and values of a table's CSV.
fn same(project: &Path, table: &str, parts: &[PathBuf]) {
    let csv = project.join(format!("data/{table}.csv"));
    let outcome = run(script("python", "same_rows.py").arg(csv).args(parts), b"").ok();
    assert!(outcome.stdout.starts_with(b"same: "), "{outcome:?}");
}

#[test]
fn csv_to_parquet_and_again_from_state() {
    let project = project();
    let first = pair(project.path(), "target-parquet").ok();
    let out = project.path().join("output/parquet");
    first.says(&["orders", "3,000"]);
    let parts = TABLES.map(|table| files(&out, table));
    for (table, parts) in TABLES.iter().zip(&parts) {
        same(project.path(), table, parts);
    }

    pair(project.path(), "target-parquet").ok();
    assert_eq!(
        TABLES.map(|table| files(&out, table)),
        parts,
        "nothing changed, so nothing is read again"
    );

    // A changed file, and only that, is read again.
    let nation = project.path().join("data/nation.csv");
    let mut text = std::fs::read_to_string(&nation).expect("nation");
    text.push_str("25,ATLANTIS,3,\"a new one, under the sea\"\n");
    std::fs::write(&nation, text).expect("nation");
    pair(project.path(), "target-parquet").ok();
    let after = TABLES.map(|table| files(&out, table));
    for (at, table) in TABLES.iter().enumerate() {
        assert_eq!(after[at].len() > parts[at].len(), *table == "nation", "{table}");
    }
    let new: Vec<PathBuf> = after[1]
        .iter()
        .filter(|part| !parts[1].contains(part))
        .cloned()
        .collect();
    same(project.path(), "nation", &new);
}

/// The block of commands in README.md, but that the package which npm installs is the one that the tests have installed.
#[test]
fn the_three_commands_of_the_readme_load_duckdb() {
    let page = std::fs::read_to_string(root().join("README.md")).expect("a page");
    let mut blocks = page.split("```").skip(1).step_by(2);
    let block = blocks
        .find(|block| block.contains("npm install"))
        .expect("a block");
    let commands: Vec<&str> = block.trim().lines().collect();
    let [enter, install, load] = commands[..] else {
        panic!("not three commands: {block}")
    };
    assert_eq!(enter, "cd examples/tpch");
    let package = install.rsplit(' ').next().expect("a package");
    let library = PathBuf::from(std::env::var_os("MELISMA_TEST_DUCKDB").expect("set by cargo xtask test"));
    let modules = library.ancestors().nth(3).expect("node_modules");
    assert!(
        modules.join(package).is_dir(),
        "{package} in {}",
        modules.display()
    );
    let project = project();
    std::os::unix::fs::symlink(modules, project.path().join("node_modules")).expect("a link");
    let words = load.strip_prefix("melisma ").expect("melisma").split(' ');
    run(
        Command::new(melisma()).args(words).current_dir(project.path()),
        b"",
    )
    .ok();

    let code = "import duckdb, sys; d = duckdb.connect(sys.argv[1], read_only=True)\n\
                for t in sys.argv[2:]: print(t, *d.sql(f'select count(*) from main.{t}').fetchall()[0])";
    let mut count = Command::new(python("python"));
    count
        .args(["-c", code, "tpch.duckdb"])
        .args(TABLES)
        .current_dir(project.path());
    let counted = run(&mut count, b"").ok();
    assert_eq!(
        String::from_utf8_lossy(&counted.stdout),
        "region 5\nnation 25\nsupplier 20\ncustomer 300\norders 3000\n"
    );
}

#[test]
fn full_refresh_reads_everything_again() {
    let project = project();
    pair(project.path(), "target-jsonl").ok();
    let orders = project.path().join("output/jsonl/orders.jsonl");
    assert_eq!(jsonl_rows(&orders).len(), 3000);
    let mut again = Command::new(melisma());
    again
        .args(["run", "--full-refresh", "--cwd"])
        .arg(project.path())
        .args(["tap-csv", "target-jsonl"]);
    run(&mut again, b"").ok();
    assert_eq!(jsonl_rows(&orders).len(), 6000, "appended");
}

#[test]
fn csv_to_csv_keeps_every_value() {
    let project = project();
    pair(project.path(), "target-csv").ok();
    for table in TABLES {
        // The columns that tap-csv adds are none of the source.
        let rows = |path: PathBuf| -> Vec<Vec<String>> {
            let mut reader = csv::Reader::from_path(path).expect("a CSV file");
            let header = reader.headers().expect("a header").clone();
            let own = |(name, cell): (&str, &str)| (!name.starts_with("_sdc_")).then(|| cell.to_owned());
            let row = |row: csv::StringRecord| header.iter().zip(&row).filter_map(own).collect();
            reader
                .records()
                .map(|record| row(record.expect("a row")))
                .collect()
        };
        let written = rows(project.path().join(format!("output/csv/{table}.csv")));
        assert_eq!(
            written,
            rows(project.path().join(format!("data/{table}.csv"))),
            "{table}"
        );
    }
}
