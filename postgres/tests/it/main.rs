//! Connections to real servers.

mod connect;
mod copy_in;
mod session;
mod tls;

use melisma_postgres::Connection;
use melisma_testing::postgres::Server;
use serde_json::{Value, json};

/// The settings of a connection to `database`, with `more` over them.
fn settings(server: &Server, database: &str, more: Value) -> Connection {
    let mut settings = json!({
        "host": "127.0.0.1",
        "port": server.port(),
        "user": "melisma",
        "password": "test's \"p@ss:word/1",
        "database": database,
    });
    let Value::Object(more) = more else {
        panic!("an object")
    };
    settings.as_object_mut().expect("an object").extend(more);
    serde_json::from_value(settings).expect("settings fit")
}

/// Connects in both ways, says `select 1`, and tells whether by TLS.
fn connects(connection: &Connection) -> melisma_sdk::Result<bool> {
    let query = "select 1::int4, coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)";
    let server = connection.server("melisma_test")?;
    let row = server.connect()?.query_one(query, &[]);
    let row = row.map_err(|error| melisma_postgres::failed("cannot ask", error))?;
    assert_eq!(row.get::<_, i32>(0), 1);
    let other = server.session()?.query_one(query, &[]);
    let other = other.map_err(|error| melisma_postgres::failed("cannot ask", error))?;
    assert_eq!(other.get::<_, bool>(1), row.get::<_, bool>(1));
    Ok(row.get(1))
}
