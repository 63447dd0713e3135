use std::fs;

use super::{Options, Server, server};

#[test]
fn each_database_is_new_and_survives_a_crash_of_its_server() {
    let server = Server::start(&Options::default());
    let database = server.database();
    database.sql("create table t (id int); insert into t values (1); checkpoint");
    assert_eq!(server.database().sql("select to_regclass('t') is null"), "t");
    server.kill();
    server.restart();
    assert_eq!(database.sql("select id from t"), "1");
    server.stop();
    server.restart();
    assert_eq!(database.sql("select id from t"), "1");
    let folder = server.socket_folder().to_owned();
    drop(database);
    drop(server);
    assert!(fs::metadata(folder).is_err(), "the data is gone");
}

#[test]
fn the_shared_server_speaks() {
    let database = server().database();
    assert_eq!(database.sql("select 1, null, 'x'"), "1||x");
}
