//! Rows into the server, by a COPY that goes on between calls.

use melisma_postgres::Session;
use melisma_testing::postgres::{Database, server};
use serde_json::json;

use crate::settings;

fn session(database: &Database<'_>) -> Session {
    let connection = settings(database.server(), database.name(), json!({}));
    let server = connection.server("melisma_test").expect("fits");
    server.session().expect("connects")
}

#[test]
fn lines_come_in_whatever_their_pieces() {
    let database = server().database();
    database.sql("create table t (n int, x text)");
    let mut session = session(&database);
    let long = "x".repeat(300_000);
    let mut copy = session.copy_in("copy t from stdin").expect("begun");
    session
        .send(&mut copy, format!("1\t{long}\n2\t").as_bytes())
        .expect("sent");
    session.send(&mut copy, b"a\\tb\n").expect("sent");
    assert_eq!(session.finish_copy(copy).expect("finished"), 2);
    assert_eq!(
        database.sql("select n, length(x) from t order by n").trim_end(),
        "1|300000\n2|3"
    );
}

#[test]
fn what_the_server_has_against_them_is_told_at_the_end() {
    let database = server().database();
    database.sql("create table t (n int)");
    let mut session = session(&database);
    let mut copy = session.copy_in("copy t from stdin").expect("begun");
    let lines = "1\nx\n".repeat(200_000);
    let sent = session.send(&mut copy, lines.as_bytes());
    let error = sent
        .and_then(|()| session.finish_copy(copy))
        .expect_err("no number");
    assert_eq!(
        error.code().map(|code| code.code().to_owned()).as_deref(),
        Some("22P02"),
        "{error}"
    );
    // The session goes on.
    let copy = session.copy_in("copy t from stdin").expect("begun");
    drop(copy);
    assert_eq!(session.query("select 1 from t", &[]).expect("rows").len(), 0);
}
