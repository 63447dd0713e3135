//! `SQLite` as Python has it: a reader, and now and then a writer, that is not melisma's.

use std::path::Path;
use std::process::Command;

/// Between values is a unit separator behind rows a record separator, which no test has in its values.
const SCRIPT: &str = r"import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
for row in connection.execute(sys.argv[2]):
    print('\x1f'.join('' if value is None else str(value) for value in row), end='\x1e')
connection.commit()";

/// What a statement says: rows of texts, in which a null is empty.
pub fn sqlite(database: &Path, sql: &str) -> Vec<Vec<String>> {
    let mut python = Command::new("python3");
    let output = python.args(["-c", SCRIPT]).arg(database).arg(sql).output();
    let output = output.expect("python3 starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{sql}: {said}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let rows = text.split_terminator('\u{1e}');
    rows.map(|row| row.split('\u{1f}').map(str::to_owned).collect())
        .collect()
}
