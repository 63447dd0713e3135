//! Values at random, from the server and back to it.

use serde_json::json;

use crate::run::{Run, database};

/// Values of every type made at random by the server, read by the tap and given back to the server as text: they must
/// be the same values.
#[test]
fn random_values_are_the_same_when_the_server_reads_them_again() {
    let number = "(random() - 0.5)";
    let columns = [
        ("c1", "int2", format!("({number} * 65535)::int2")),
        ("c2", "int4", format!("({number} * 4294967295)::int4")),
        ("c3", "int8", format!("({number} * 1.8e19)::int8")),
        ("c4", "real", format!("({number} * 10 ^ (random() * 70 - 35))::real")),
        ("c5", "float8", format!("{number} * 10 ^ (random() * 600 - 300)")),
        ("c6", "numeric", format!("round({number}::numeric * 10::numeric ^ (i % 60), (i % 41)) * 1.0000000001::numeric ^ (i % 7)")),
        ("c7", "numeric(20,5)", format!("({number} * 1e14)::numeric(20,5)")),
        ("c8", "date", "date '0001-01-01' + (random() * 3652058)::int".into()),
        ("c9", "timestamp", "timestamp '0001-01-01' + random() * interval '9998 years'".into()),
        ("c10", "timestamptz", "timestamptz '0001-01-02Z' + random() * interval '9998 years'".into()),
        ("c11", "time", "time '00:00' + random() * interval '1 day'".into()),
        ("c12", "timetz", "(time '00:00' + random() * interval '1 day' || (case when i % 2 = 0 then '+' else '-' end) || i % 15 || ':' || lpad((i % 60)::text, 2, '0'))::timetz".into()),
        ("c13", "interval", format!("make_interval(months => ({number} * 40)::int, days => ({number} * 60)::int, secs => {number} * 1e5)")),
        ("c14", "uuid", "md5(random()::text)::uuid".into()),
        ("c15", "text", "(select string_agg(chr(1 + (random() * 1500)::int), '') from generate_series(1, i % 20))".into()),
        ("c16", "bytea", "decode(md5(random()::text), 'hex')".into()),
        ("c17", "inet", "('2001:db8::' || to_hex((random() * 65535)::int) || '/' || i % 129)::inet".into()),
        ("c18", "bit varying", "substr((random() * 2147483647)::int::bit(32)::text, i % 33)::bit varying".into()),
        ("c19", "macaddr8", "substr(md5(random()::text), 1, 16)::macaddr8".into()),
        ("c20", "int4range", "int4range(i % 50, i % 50 + i % 3)".into()),
        ("c21", "money", format!("({number} * 1e6)::numeric::money")),
        ("c22", "jsonb", "jsonb_build_object('a', random(), chr(1 + i), array[i, null], 'n', 0.10)".into()),
    ];
    let rows = 500;
    let lists = |part: &dyn Fn(&(&str, &str, String)) -> String| {
        columns.iter().map(part).collect::<Vec<_>>().join(", ")
    };
    let database = database(&format!(
        "create table t (i int, {}); insert into t select i, {} from generate_series(1, {rows}) i;
         create table given (line text)",
        lists(&|(name, sql_type, _)| format!("{name} {sql_type}")),
        lists(&|(_, _, expression)| expression.clone()),
    ));
    let outcome = Run::on(&database, &json!({})).go().ok();
    let records: Vec<&str> = outcome
        .text
        .lines()
        .filter(|line| line.starts_with("{\"type\":\"RECORD\""))
        .filter_map(|line| {
            line.split_once("\"record\":")?
                .1
                .rsplit_once(",\"time_extracted\"")
        })
        .map(|(record, _)| record)
        .collect();
    assert_eq!(records.len(), rows);
    for chunk in records.chunks(50) {
        let values: Vec<String> = chunk
            .iter()
            .map(|record| format!("('{}')", record.replace('\'', "''")))
            .collect();
        database.sql(&format!("insert into given values {}", values.join(",")));
    }
    database.sql("create table back as select (line::json ->> 'i')::int as i, line::json as g from given");
    for (name, sql_type, _) in &columns {
        let given = match *sql_type {
            "bytea" => format!("decode(g ->> '{name}', 'hex')"),
            "jsonb" => format!("(g -> '{name}')::jsonb"),
            _ => format!("(g ->> '{name}')::{sql_type}"),
        };
        let different = database.sql(&format!(
            "select t.{name}, g ->> '{name}' from back join t using (i)
             where {given} is distinct from t.{name} limit 3"
        ));
        assert_eq!(different, "", "{sql_type}");
    }
    let joined = database.sql("select count(*) from back join t using (i)");
    assert_eq!(joined, rows.to_string());
}
