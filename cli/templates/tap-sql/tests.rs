use melisma_sdk::{check, json};
use rusqlite::Connection;

use super::@type@ as Tap;

#[test]
fn it_keeps_the_rules_of_a_tap() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let tables = "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL, amount REAL, ordered DATE, picture BLOB);
        INSERT INTO orders VALUES (1, 'tea', 4.5, '2026-01-02', NULL), (2, 'cake', NULL, '2026-01-03', x'00ff');
        CREATE VIEW items AS SELECT DISTINCT item FROM orders";
    let database = Connection::open(&path).expect("a database");
    database.execute_batch(tables).expect("tables");
    let report = check::tap::<Tap>().config(json!({"path": path})).passes();
    let first = json!({"id": 1, "item": "tea", "amount": 4.5, "ordered": "2026-01-02"});
    assert_eq!(report.records("orders")[0], &first);
    assert_eq!(report.records("items").len(), 2);
}
