use melisma_sdk::Kind;
use melisma_testing::postgres::server;
use serde_json::json;

use super::{connects, settings};

#[test]
fn settings_or_one_url_connect_alike() {
    let database = server().database();
    let apart = settings(server(), database.name(), json!({}));
    assert!(!connects(&apart).expect("connects"), "the server speaks no TLS");
    let url = database.url().replace("postgresql://", "postgresql+psycopg2://");
    let url =
        serde_json::from_value(json!({ "sqlalchemy_url": url, "host": "nowhere.invalid" })).expect("fits");
    connects(&url).expect("the URL goes before the rest");
}

#[test]
fn a_session_speaks_utc_and_names_itself() {
    let database = server().database();
    let connection = settings(
        server(),
        database.name(),
        json!({ "statement_timeout_seconds": 7 }),
    );
    let mut client = connection
        .server("tap_postgres")
        .expect("fits")
        .connect()
        .expect("connects");
    let mut show = |name: &str| -> String {
        client
            .query_one(&format!("show {name}"), &[])
            .expect("shown")
            .get(0)
    };
    assert_eq!(show("timezone"), "UTC");
    assert_eq!(show("application_name"), "tap_postgres");
    assert_eq!(show("statement_timeout"), "7s");
}

#[test]
fn a_wrong_password_is_the_configuration_and_is_not_shown() {
    let database = server().database();
    let wrong = settings(server(), database.name(), json!({ "password": "canary" }));
    let error = connects(&wrong).expect_err("refused");
    assert_eq!(error.kind(), Kind::Config, "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(error.to_string().contains("28P01"), "{error}");
}

#[test]
fn no_server_is_told_with_its_address() {
    let database = server().database();
    let nobody = settings(server(), database.name(), json!({ "port": 1 }));
    let error = connects(&nobody).expect_err("nobody listens");
    assert_eq!(error.kind(), Kind::Unavailable);
    let location = format!("postgresql://127.0.0.1:1/{}", database.name());
    assert!(error.to_string().contains(&location), "{error}");
}

#[test]
fn a_unix_socket_is_a_host_with_a_slash() {
    let database = server().database();
    let socket = json!({ "host": server().socket_folder() });
    connects(&settings(server(), database.name(), socket)).expect("connects");
}

#[test]
fn a_tunnel_is_refused_in_words() {
    let database = server().database();
    let tunnel = json!({ "ssh_tunnel": { "enable": true } });
    let error = connects(&settings(server(), database.name(), tunnel)).expect_err("not built in");
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("ssh -N -L"), "{error}");
}
