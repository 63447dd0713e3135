use serde_json::{Value, json};

use super::*;
use crate::copy::{Form, InvalidDates, InvalidValues, Moment, Nul};

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
            sql_types: Arc::default(),
        },
        evolution,
        widen_on: WidenOn::Value,
        policy: InvalidValuePolicy {
            nul: Nul::Refuse,
            dates: InvalidDates::Error,
            values: InvalidValues::Error,
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
    assert_eq!((plan.layout.keys, plan.layout.columns[0].cell), (1, 1));
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
        dropped: crate::table::MOST_COLUMNS,
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

/// A table with these columns, as another target made it.
fn table(columns: &[(&str, &str)]) -> Table {
    let column = |&(name, data_type): &(&str, &str)| TableColumn::new(name, Type::named(data_type));
    Table {
        columns: columns.iter().map(column).collect(),
        ..Table::default()
    }
}

#[test]
fn a_column_keeps_its_type_while_values_may_fit() {
    let properties = json!({
        "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]},
        "list": {"type": ["array", "string"], "items": {"type": "string"}},
        "n": {"type": "integer"},
        "short": {"type": "string"},
    });
    let there = table(&[
        ("at", "timestamp"),
        ("list", "text[]"),
        ("n", "integer"),
        ("short", "varchar(5)"),
    ]);
    let plan = planned(&rules(Evolution::Widen), Some(&there), &stream(&properties, &[])).expect("a plan");
    assert_eq!((plan.changes.len(), &plan.table), (0, &there));
    let wider = |name: &str| {
        let at = plan
            .columns
            .iter()
            .position(|column| **column == *name)
            .expect("a column");
        plan.layout.columns[at].wider.clone()
    };
    assert_eq!(plan.layout.columns[0].form, Form::Moment(Moment::Timestamp));
    assert_eq!(wider("at"), Wider::To(Form::Text));
    assert_eq!(wider("list"), Wider::To(Form::Json));
    assert_eq!(wider("n"), Wider::To(Form::Integer { bytes: 8 }));
    assert_eq!(wider("short"), Wider::To(Form::Text));

    // A value came that did not fit two of them.
    let wide = replan(&rules(Evolution::Widen), &plan, &["at", "list"]).expect("a plan");
    assert_eq!(
        wide.changes,
        [
            r#"alter table "m"."s" alter column "at" type text using "at"::text"#,
            r#"alter table "m"."s" alter column "list" type jsonb using pg_catalog.to_jsonb("list")"#
        ]
    );

    let mut strict = rules(Evolution::Widen);
    strict.widen_on = WidenOn::Schema;
    let plan = planned(&strict, Some(&there), &stream(&properties, &[])).expect("a plan");
    assert_eq!(plan.changes.len(), 3);
}

#[test]
fn a_column_under_a_view_says_so_before_anything_is_changed() {
    let mut there = table(&[("x", "integer")]);
    there.columns[0].used_by = Some("view m.v".into());
    let schema = stream(&json!({"x": {"type": "integer"}}), &[]);
    let plan = planned(&rules(Evolution::Widen), Some(&there), &schema).expect("a plan");
    assert!(matches!(&plan.layout.columns[0].wider, Wider::Stays(why) if why.contains("view m.v")));
    let text = stream(&json!({"x": {"type": "string"}}), &[]);
    let error = planned(&rules(Evolution::Widen), Some(&there), &text).expect_err("no");
    assert!(error.to_string().contains("view m.v uses the column"), "{error}");
    // What is renamed is not changed.
    let plan = planned(&rules(Evolution::Version), Some(&there), &text).expect("a plan");
    assert_eq!(plan.changes.len(), 2);
}

#[test]
fn columns_that_are_put_aside_twice_in_a_minute_have_two_names() {
    let there = table(&[
        ("x", "bigint"),
        ("x_20260102_0304", "jsonb"),
        ("x_20260102_0304_2", "jsonb"),
    ]);
    let schema = stream(&json!({"x": {"type": "object"}}), &[]);
    let plan = planned(&rules(Evolution::Version), Some(&there), &schema).expect("a plan");
    assert_eq!(
        plan.changes[0],
        r#"alter table "m"."s" rename column "x" to "x_20260102_0304_3""#
    );
}
