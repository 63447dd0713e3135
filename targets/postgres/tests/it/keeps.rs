//! What `load_method: overwrite` leaves as it was.

use serde_json::{Value, json};

use crate::driver::{Target, plain, record, schema, state};

/// Tables `(id bigint primary key, t text)` with something that a new table would not have: a name, and statements in
/// which `@` is the table.
const TABLES: &[(&str, &str)] = &[
    ("a_view", "create view a_view_v as select * from @"),
    (
        "a_materialized_view",
        "create materialized view a_materialized_view_v as select * from @",
    ),
    (
        "a_function_of_its_rows",
        "create function all_rows() returns setof @ language sql as 'select * from @'",
    ),
    (
        "a_computed_field",
        "create function initial(@) returns text language sql as 'select left($1.t, 1)'",
    ),
    (
        "an_atomic_function",
        "create function newest() returns bigint begin atomic select max(id) from @; end",
    ),
    ("a_column_of_its_type", "create table holds_rows (r @[])"),
    (
        "a_foreign_key",
        "create table referred (id bigint primary key); insert into referred values (1), (7); \
        alter table @ add foreign key (id) references referred",
    ),
    (
        "a_referring_table",
        "create table referring (id bigint references @)",
    ),
    ("a_check", "alter table @ add check (id > 0)"),
    ("a_default", "alter table @ alter t set default 'd'"),
    ("a_serial_column", "alter table @ add n serial"),
    (
        "an_identity_column",
        "alter table @ add n int generated always as identity",
    ),
    (
        "a_generated_column",
        "alter table @ add n bigint generated always as (id * 2) stored",
    ),
    ("an_extra_column", "alter table @ add n text default 'extra'"),
    (
        "a_not_null_column",
        "update @ set t = ''; alter table @ alter t set not null",
    ),
    ("a_collation", "alter table @ alter t type text collate \"C\""),
    (
        "a_storage_of_a_column",
        "alter table @ alter t set storage external",
    ),
    ("a_statistics_target", "alter table @ alter t set statistics 500"),
    ("a_column_option", "alter table @ alter t set (n_distinct = 5)"),
    ("a_policy", "create policy p on @ using (true)"),
    ("a_row_security", "alter table @ enable row level security"),
    (
        "a_trigger",
        "create trigger g before update on @ for each row execute function suppress_redundant_updates_trigger()",
    ),
    ("a_rule", "create rule r as on update to @ do also select 1"),
    ("a_publication", "create publication a_publication_p for table @"),
    (
        "a_partition",
        "create table parent (id bigint primary key, t text) partition by range (id); \
        alter table parent attach partition @ for values from (0) to (1000)",
    ),
    ("an_inheriting_table", "create table inherits () inherits (@)"),
    (
        "an_inherited_table",
        "create table inherited (id bigint); alter table @ inherit inherited",
    ),
    ("a_fillfactor", "alter table @ set (fillfactor = 50)"),
    (
        "a_setting_of_its_toast",
        "alter table @ set (toast.autovacuum_enabled = false)",
    ),
    ("extended_statistics", "create statistics st on id, t from @"),
    ("an_unlogged_table", "alter table @ set unlogged"),
    ("a_comment", "comment on table @ is 'ours'"),
    ("a_comment_on_a_column", "comment on column @.t is 'ours'"),
    (
        "a_comment_on_the_key",
        "comment on constraint a_comment_on_the_key_pkey on @ is 'ours'",
    ),
    (
        "a_comment_on_an_index",
        "comment on index a_comment_on_an_index_pkey is 'ours'",
    ),
    ("a_cluster_mark", "cluster @ using a_cluster_mark_pkey"),
    ("a_replica_identity", "alter table @ replica identity full"),
    (
        "a_replica_identity_by_index",
        "alter table @ replica identity using index a_replica_identity_by_index_pkey",
    ),
    ("a_grant_on_a_column", "grant select (id) on @ to public"),
    ("an_index", "create index on @ (t)"),
    ("a_unique_index", "create unique index on @ (t)"),
    (
        "a_deferrable_key",
        "alter table @ drop constraint a_deferrable_key_pkey, add primary key (id) deferrable",
    ),
    (
        "a_key_with_more_columns",
        "alter table @ drop constraint a_key_with_more_columns_pkey, add primary key (id) include (t)",
    ),
    (
        "another_owner",
        "create role owner_of_a_table; alter table @ owner to owner_of_a_table",
    ),
    (
        "a_grant_by_another",
        "create role grants_on; grant select on @ to grants_on with grant option; \
        set role grants_on; grant select on @ to public; reset role",
    ),
    ("a_member_of_an_extension", "alter extension plpgsql add table @"),
];

fn two_columns(stream: &str, key: &[&str]) -> Value {
    schema(
        stream,
        json!({"id": {"type": "integer"}, "t": {"type": ["string", "null"]}}),
        key,
    )
}

#[test]
fn overwrite_keeps_whatever_hangs_on_a_table() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    let mut lines = Vec::new();
    for (table, statements) in TABLES {
        target.sql(&format!(
            "create table {table} (id bigint primary key, t text); insert into {table} values (7, 'old'); {}",
            statements.replace('@', table)
        ));
        lines.push(two_columns(table, &["id"]));
        lines.push(record(table, json!({"id": 1, "t": "new"})));
    }
    let tables: Vec<String> = TABLES.iter().map(|(table, _)| format!("('{table}')")).collect();
    // Whatever the catalog says about a table and its columns, without what VACUUM notes and whether there are rows.
    let facts = format!(
        "select name || ': ' || (to_jsonb(c) - '{{relfilenode,relpages,reltuples,relallvisible,relfrozenxid,relminmxid}}'::text[])::text \
         || (select jsonb_agg(to_jsonb(a) - 'attcacheoff' order by attnum) from pg_attribute a where attrelid = c.oid)::text \
         from (values {}) v (name) join pg_class c on c.oid = name::regclass order by name",
        tables.join(", ")
    );
    let before = target.sql(&facts);
    let ran = target.run(&lines);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let after = target.sql(&facts);
    for (before, after) in before.lines().zip(after.lines()) {
        assert_eq!(before, after);
    }
    for (table, _) in TABLES {
        let only = if *table == "an_inheriting_table" {
            "only "
        } else {
            ""
        };
        let rows = target.sql(&format!("select id, t from {only}{table}"));
        assert_eq!(rows, "1|new", "{table}");
        assert!(
            ran.stderr.contains(&format!("\"{table}\" stays")),
            "{table}\n{}",
            ran.stderr
        );
    }
    target.sql("alter extension plpgsql drop table a_member_of_an_extension");
}

#[test]
fn a_plain_table_is_swapped_with_its_grants_and_the_name_of_its_key() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.sql(
        "create role reads_plain; create role loses_plain; \
         create table s (id bigint, t text, constraint named primary key (id)); insert into s values (7, 'old'); \
         grant select on s to reads_plain with grant option; \
         alter default privileges in schema public grant select on tables to loses_plain, public",
    );
    let lines = [plain(&["id"]), record("s", json!({"id": 1, "t": "a"}))];
    let rights = "select relacl from pg_class where oid = 's'::regclass";
    let (oid, before) = (target.sql("select 's'::regclass::oid"), target.sql(rights));
    for _ in 0..2 {
        target.load(&lines);
        assert_eq!(target.sql(rights), before);
        assert_ne!(target.sql("select 's'::regclass::oid"), oid);
        assert_eq!(
            target.sql("select conname from pg_constraint where conrelid = 's'::regclass and contype = 'p'"),
            "named"
        );
        assert_eq!(target.sql("select * from s"), "1|a");
    }
    // A new column is nothing that is lost.
    let more = json!({"id": {"type": "integer"}, "t": {"type": "string"}, "n": {"type": "number"}});
    target.load(&[
        schema("s", more, &["id"]),
        record("s", json!({"id": 1, "t": "a", "n": 1.5})),
    ]);
    assert_eq!(target.sql("select * from s"), "1|a|1.5");
    assert_eq!(target.sql(rights), before);
}

#[test]
fn a_plain_table_may_get_other_types() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.load(&[
        schema(
            "s",
            json!({"id": {"type": "integer"}, "t": {"type": "number"}}),
            &["id"],
        ),
        record("s", json!({"id": 1, "t": 1.5})),
    ]);
    let object = schema(
        "s",
        json!({"id": {"type": "integer"}, "t": {"type": "object"}}),
        &["id"],
    );
    target.load(&[object.clone(), record("s", json!({"id": 1, "t": {"a": 1}}))]);
    assert_eq!(target.columns("s"), "id bigint not null, t jsonb");
    // Not where a view says what they are: then it is an error, before anything was read or made.
    target.sql(
        "drop table s; create table s (id bigint primary key, t numeric); create view v as select * from s",
    );
    target.fail(
        &[object, record("s", json!({"id": 1, "t": {"a": 1}}))],
        78,
        &["expected a column of type jsonb"],
    );
    assert_eq!(
        target.sql("select count(*) from pg_class where relname like '%melisma%'"),
        "0"
    );
}

#[test]
fn rows_that_others_refer_to_are_updated_and_not_deleted() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.sql(
        "create table s (id bigint primary key, t text, surrogate int generated always as identity unique); \
         insert into s values (1, 'old'), (2, 'old'), (3, 'old'); \
         create table cascades (id bigint references s on delete cascade, n int references s (surrogate)); \
         create table restricts (id bigint references s); \
         insert into cascades values (1, 1), (3, 3); insert into restricts values (2)",
    );
    let lines = [
        plain(&["id"]),
        record("s", json!({"id": 1, "t": "a"})),
        record("s", json!({"id": 2, "t": "b"})),
        record("s", json!({"id": 4, "t": "d"})),
    ];
    target.load(&lines);
    assert_eq!(target.sql("select id, t from s order by id"), "1|a\n2|b\n4|d");
    assert_eq!(
        target.sql("select surrogate from s where id < 3 order by id"),
        "1\n2"
    );
    assert_eq!(target.sql("select * from cascades"), "1|1");
    // A row that must stay and did not come: the server says so, and everything is as it was.
    target.fail(
        &[plain(&["id"]), record("s", json!({"id": 1, "t": "x"}))],
        65,
        &["SQLSTATE 23503"],
    );
    assert_eq!(target.sql("select id, t from s order by id"), "1|a\n2|b\n4|d");
    // Without a key in the stream the table's own will do, when the stream has its columns.
    target.load(&[plain(&[]), lines[1].clone(), lines[2].clone()]);
    assert_eq!(target.sql("select id, t from s order by id"), "1|a\n2|b");
    let without = schema("s", json!({"t": {"type": "string"}}), &[]);
    target.fail(
        &[without, record("s", json!({"t": "x"}))],
        78,
        &["foreign keys of other tables refer to it"],
    );
}

#[test]
fn tables_that_inherit_keep_their_rows_and_partitions_do_not() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.sql(
        "create table s (id bigint primary key, t text); insert into s values (1, 'old'); \
         create table child () inherits (s); insert into child values (5, 'child'); \
         create table p (id bigint primary key, t text) partition by range (id); \
         create table p1 partition of p for values from (0) to (10); \
         create table p2 partition of p for values from (10) to (20); insert into p values (1, 'old'), (11, 'old')",
    );
    target.load(&[
        plain(&["id"]),
        record("s", json!({"id": 2, "t": "new"})),
        two_columns("p", &["id"]),
        record("p", json!({"id": 12, "t": "new"})),
        two_columns("p1", &["id"]),
    ]);
    assert_eq!(target.sql("select * from s order by id"), "2|new\n5|child");
    assert_eq!(target.sql("select * from p"), "12|new");
    assert_eq!(target.sql("select count(*) from p2"), "1");
}

#[test]
fn a_loader_that_does_not_own_the_table_fills_it_anew() {
    for right in ["truncate", "delete"] {
        let mut target = Target::new(json!({}));
        let role = format!("loads_by_{right}");
        target.sql(&format!(
            "create role {role} login password 'p'; grant create on schema public to {role}; \
             create table s (id bigint primary key, t text); insert into s values (7, 'old'); \
             grant insert, {right} on s to {role}"
        ));
        target.with(json!({"load_method": "overwrite", "user": role, "password": "p"}));
        let lines = [plain(&["id"]), record("s", json!({"id": 1, "t": "a"}))];
        target.load(&lines);
        assert_eq!(target.sql("select * from s"), "1|a");
        target.sql(&format!(
            "revoke insert on s from {role}; grant insert (id) on s to {role}"
        ));
        target.fail(&lines, 78, &["expected the privilege INSERT on column t"]);
        assert_eq!(target.sql("select * from s"), "1|a");
    }
}

#[test]
fn what_is_no_table_is_refused_before_anything_is_loaded() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.sql(
        "create table t (id bigint primary key, t text); insert into t values (7, 'old'); \
         create view s as select * from t; create materialized view m as select * from t",
    );
    for (stream, found) in [("s", "found a view"), ("m", "found a materialized view")] {
        target.fail(
            &[two_columns(stream, &["id"]), record(stream, json!({"id": 1}))],
            78,
            &[found],
        );
    }
    assert_eq!(
        target.sql("select count(*) from pg_class where relname like '%melisma%'"),
        "0"
    );
}

#[test]
fn two_runs_that_overwrite_a_table_come_one_after_the_other() {
    let mut target = Target::new(json!({"load_method": "overwrite"}));
    target.load(&[plain(&["id"])]);
    let mut first = target.start();
    first.send([plain(&["id"]), record("s", json!({"id": 1, "t": "first"}))]);
    let waits = "select count(*) from pg_locks where locktype = 'advisory' and granted and \
                 database = (select oid from pg_database where datname = current_database())";
    while target.sql(waits) == "0" {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let second = [
        plain(&["id"]),
        record("s", json!({"id": 2, "t": "second"})),
        state(json!({"n": 1})),
    ];
    target.with(json!({"load_method": "overwrite", "lock_timeout_seconds": 0.2}));
    let states = target.fail(
        &second,
        75,
        &["s__melisma_new", "waited 0.2 s", "holds the lock of a first load"],
    );
    assert_eq!(states, Vec::<String>::new());
    // One that waits long enough comes behind it.
    target.with(json!({"load_method": "overwrite"}));
    let mut behind = target.start();
    behind.send(&second);
    drop(behind.stdin());
    first.finish().ok();
    behind.end().ok();
    assert_eq!(target.sql("select * from s"), "2|second");
}
