//! Whole tables.

use serde_json::json;

use crate::run::{Run, database};

#[test]
fn a_table_by_every_common_type() {
    let database = database(
        "create table t (id int primary key, big bigint not null, price numeric(10,2), name text, at timestamptz);
         insert into t values (1, 9223372036854775807, 1.50, 'a \"b\" \\ \n é', '2024-02-29 12:34:56.5+02'),
                              (2, -1, null, '', null)",
    );
    let outcome = Run::on(&database, &json!({})).go().ok();
    assert_eq!(
        outcome.schema("public-t"),
        json!({"type": "object", "required": ["id"], "properties": {
            "id": {"type": ["integer"], "minimum": -2_147_483_648, "maximum": 2_147_483_647},
            "big": {"type": ["integer", "null"]},
            "price": {"type": ["number", "null"]},
            "name": {"type": ["string", "null"]},
            "at": {"type": ["string", "null"], "format": "date-time"},
        }})
    );
    assert_eq!(
        outcome.records("public-t"),
        [
            json!({"id": 1, "big": 9_223_372_036_854_775_807_i64, "price": 1.50, "name": "a \"b\" \\ \n é",
                "at": "2024-02-29T10:34:56.500000+00:00"}),
            json!({"id": 2, "big": -1, "price": null, "name": "", "at": null}),
        ]
    );
}
