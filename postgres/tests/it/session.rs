use melisma_sdk::{Error, Kind};
use melisma_testing::postgres::{Options, Server, server};
use serde_json::json;

use super::settings;

#[test]
fn a_copy_comes_row_by_row_and_the_session_goes_on() {
    let database = server().database();
    let server = settings(server(), database.name(), json!({}))
        .server("test")
        .expect("fits");
    let mut session = server.session().expect("connects");
    let mut rows = Vec::new();
    let copied = session.copy_out(
        "copy (select generate_series(1, 3)) to stdout",
        "cannot read",
        |row| {
            rows.push(row.to_vec());
            Ok(())
        },
    );
    copied.expect("copies");
    assert_eq!(rows, [b"1\n", b"2\n", b"3\n"]);
    let error = session
        .copy_out("copy (select 1 / 0) to stdout", "cannot read t", |_| Ok(()))
        .expect_err("wrong");
    assert_eq!(
        error.to_string(),
        "cannot read t: division by zero (SQLSTATE 22012)"
    );
    let row = session.query_one("select $1::text", &[&"x"]).expect("goes on");
    assert_eq!(row.get::<_, &str>(0), "x");
}

#[test]
fn a_statement_is_cancelled_when_its_rows_are_not_wanted() {
    let database = server().database();
    let server = settings(server(), database.name(), json!({}))
        .server("unwanted")
        .expect("fits");
    let mut session = server.session().expect("connects");
    let running = session.running();
    let enough = session.copy_out(
        "copy (select repeat('x', 1000) from generate_series(1, 100000000)) to stdout",
        "cannot read",
        |_| Err(Error::input("enough")),
    );
    assert_eq!(enough.expect_err("enough").message(), "enough");
    server.cancel(&running);
    drop(session);
    let active =
        "select count(*) from pg_stat_activity where application_name = 'unwanted' and state = 'active'";
    while database.sql(active) != "0" {}
}

#[test]
fn a_server_that_dies_says_so_or_is_gone() {
    let own = Server::start(&Options::default());
    let server = settings(&own, "postgres", json!({}))
        .server("test")
        .expect("fits");
    let mut session = server.session().expect("connects");
    own.kill();
    for _ in 0..2 {
        let error = session.batch_execute("select 1").expect_err("gone");
        assert_eq!(
            melisma_postgres::failed("cannot ask", error).kind(),
            Kind::Unavailable
        );
    }
}
