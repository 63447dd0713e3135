use serde_json::{Value, json};

use super::*;
use crate::copy::{InvalidDates, Nul};

fn rules(evolution: Evolution) -> Rules {
    Rules {
        naming: Naming {
            mode: NamingMode::Meltanolabs,
            default_schema: "m".into(),
            mapping: [].into(),
            limit: 63,
        },
        mapping: Mapping {
            mode: NamingMode::Meltanolabs,
            content_encoding: false,
        },
        evolution,
        mercy: Mercy {
            nul: Nul::Refuse,
            dates: InvalidDates::Error,
        },
        flattening: None,
        upsert: true,
        needs_key: false,
        deletes_records: false,
        stamp: "20260102_0304".to_owned(),
    }
}

fn stream(properties: &Value, key: &[&str]) -> Arc<StreamSchema> {
    let text = json!({"properties": properties}).to_string();
    Arc::new(StreamSchema::compile("s", &text, key, &[]).expect("a schema"))
}

fn planned(rules: &Rules, table: Option<&Table>, schema: &Arc<StreamSchema>) -> Result<Plan> {
    let name = rules.naming.table("s")?;
    plan(rules, &name, table, schema, &RandomState::default())
}

fn id_and(data_type: &Value) -> Arc<StreamSchema> {
    stream(&json!({"x": data_type, "id": {"type": "integer"}}), &["id"])
}

#[test]
fn a_new_table_is_marked_until_its_first_load_ends() {
    let schema = id_and(&json!({"type": "string"}));
    let plan = planned(&rules(Evolution::Widen), None, &schema).expect("a plan");
    assert_eq!(
        plan.changes,
        [
            r#"create table "m"."s" ("x" text, "id" bigint not null)"#,
            r#"comment on table "m"."s" is 'melisma: first load not finished; key:["id"]'"#
        ]
    );
    // The key goes first in the COPY, so that its bytes are the front of a line.
    assert_eq!(plan.columns, ["id".into(), "x".into()]);
    assert_eq!((plan.layout.keys, plan.layout.places[0].cell), (1, 1));
    let mut append = rules(Evolution::Widen);
    append.upsert = false;
    let plan = planned(&append, None, &schema).expect("a plan");
    assert_eq!(plan.changes, [r#"create table "m"."s" ("x" text, "id" bigint)"#]);
    assert!(plan.key.is_empty());
}

#[test]
fn a_table_that_fits_is_left_alone() {
    let rules = rules(Evolution::Error);
    let schema = id_and(&json!({"type": "integer"}));
    let first = planned(&rules, None, &schema).expect("a plan");
    let again = planned(&rules, Some(&first.table), &schema).expect("a plan");
    assert_eq!(
        (again.changes.len(), again.creates, &again.table),
        (0, false, &first.table)
    );
}

#[test]
fn changes_are_one_statement_each() {
    let first = planned(
        &rules(Evolution::Widen),
        None,
        &id_and(&json!({"type": "integer"})),
    )
    .expect("a plan");
    let wide = id_and(&json!({"type": "string"}));
    let changes = |evolution, schema: &Arc<StreamSchema>| {
        planned(&rules(evolution), Some(&first.table), schema).map(|plan| plan.changes)
    };
    assert_eq!(
        changes(Evolution::Widen, &wide).expect("a plan"),
        [r#"alter table "m"."s" alter column "x" type text using "x"::text"#]
    );
    let object = id_and(&json!({"type": "object"}));
    assert_eq!(
        changes(Evolution::Version, &object).expect("a plan"),
        [
            r#"alter table "m"."s" rename column "x" to "x_20260102_0304""#,
            r#"alter table "m"."s" add column "x" jsonb"#
        ]
    );
    assert!(changes(Evolution::Widen, &object).is_err());
    assert!(changes(Evolution::Error, &wide).is_err());
    assert_eq!(changes(Evolution::Freeze, &object).expect("a plan"), [""; 0]);
}

#[test]
fn dropped_columns_count() {
    let table = Table {
        dropped: MOST_COLUMNS,
        ..Table::default()
    };
    let error = planned(
        &rules(Evolution::Widen),
        Some(&table),
        &stream(&json!({"a": {}}), &[]),
    )
    .expect_err("too many");
    assert!(error.to_string().contains("1600 of them dropped ones"), "{error}");
}

#[test]
fn keys_that_only_the_server_compares_are_there_from_the_start() {
    for (data_type, exact) in [
        (json!({"type": "integer"}), true),
        (json!({"type": "number"}), true),
        (json!({"type": "string", "format": "date-time"}), true),
        (json!({"type": "string", "x-sql-datatype": "interval"}), false),
        (json!({"type": "string", "x-sql-datatype": "varchar(3)"}), false),
        (json!({"type": "object"}), false),
    ] {
        let schema = stream(&json!({"id": data_type}), &["id"]);
        let plan = planned(&rules(Evolution::Widen), None, &schema).expect("a plan");
        assert_eq!(plan.layout.exact, exact, "{data_type}");
        assert_eq!(plan.loads_first(), exact, "{data_type}");
        let second = if exact { "comment on" } else { "alter table" };
        assert!(plan.changes[1].starts_with(second), "{:?}", plan.changes);
    }
    // A table whose column rounds what comes, or whose collation takes different texts for equal.
    let schema = stream(&json!({"id": {"type": "string"}}), &["id"]);
    let mut table = planned(&rules(Evolution::Widen), None, &schema)
        .expect("a plan")
        .table;
    assert!(
        planned(&rules(Evolution::Widen), Some(&table), &schema)
            .expect("a plan")
            .layout
            .exact
    );
    table.columns[0].coarse = true;
    assert!(
        !planned(&rules(Evolution::Widen), Some(&table), &schema)
            .expect("a plan")
            .layout
            .exact
    );
}

#[test]
fn a_key_that_no_index_can_have_is_refused() {
    let json = stream(
        &json!({"id": {"type": "string", "x-sql-datatype": "json"}}),
        &["id"],
    );
    let error = planned(&rules(Evolution::Widen), None, &json).expect_err("no key");
    assert!(
        error.to_string().contains("values PostgreSQL can compare"),
        "{error}"
    );
    let twice = stream(&json!({"id": {"type": "integer"}}), &["id", "id"]);
    assert_eq!(
        planned(&rules(Evolution::Widen), None, &twice)
            .expect("a plan")
            .key,
        ["id".into()]
    );
}
