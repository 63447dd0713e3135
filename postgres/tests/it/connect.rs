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

/// What leads to a database of the test's server: `user:password`, host, port, name.
fn parts(url: &str) -> (String, String, String, String) {
    let rest = url.split_once("://").expect("a URL").1;
    let (login, place) = rest.split_once('@').expect("a user");
    let (address, name) = place.split_once('/').expect("a database");
    let (host, port) = address.rsplit_once(':').expect("a port");
    (login.into(), host.into(), port.into(), name.into())
}

fn by_url(url: &str) -> melisma_sdk::Result<bool> {
    connects(&serde_json::from_value(json!({ "sqlalchemy_url": url })).expect("fits"))
}

#[test]
fn every_form_of_a_url_connects() {
    let database = server().database();
    let (login, host, port, name) = parts(&database.url());
    let (user, password) = login.split_once(':').expect("a password");
    let socket = server().socket_folder().display().to_string();
    let encoded = socket.replace('/', "%2F");
    for url in [
        format!("postgres://{login}@{host}:{port}/{name}"),
        format!("POSTGRESQL+psycopg://{login}@{host}:{port}/{name}"),
        format!("postgresql+anything://{login}@{host}/{name}?port={port}"),
        format!("postgresql://{login}@{host}:1,{host}:{port}/{name}"),
        format!("postgresql://{login}@/{name}?host={host}:1&host={host}:{port}"),
        format!("postgresql://{login}@/{name}?host={host},{host}&port=1,{port}"),
        format!("postgresql://{login}@{encoded}:{port}/{name}"),
        format!("postgresql://{login}@/{name}?host={socket}&port={port}&sslmode=require"),
        format!("postgresql://{host}:{port}/{name}?user={user}&password={password}"),
        format!("postgresql:///?host={host}&port={port}&user={user}&password={password}&dbname={name}"),
        format!("postgresql://{login}@nowhere.invalid:{port}/{name}?hostaddr=127.0.0.1"),
        format!("postgresql://{login}@:{port}/{name}?hostaddr=127.0.0.1"),
        format!(
            "postgresql://{login}@{host}:{port}/{name}?target_session_attrs=read-write&connect_timeout=9"
        ),
        format!("postgresql://{login}@{host}:{port}/{name}?options=-c+statement_timeout%3D7s+-c+jit%3Doff"),
        format!(
            "postgresql://{login}@{host}:{port}/{name}?keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=5&tcp_user_timeout=9000"
        ),
    ] {
        if let Err(error) = by_url(&url) {
            panic!("{url}: {error}");
        }
    }
}

#[test]
fn what_the_url_does_not_say_is_in_the_other_settings() {
    let database = server().database();
    let (_, host, port, _) = parts(&database.url());
    let url = format!("postgresql://{host}:{port}");
    let filled = settings(
        server(),
        database.name(),
        json!({ "sqlalchemy_url": url, "port": 1 }),
    );
    connects(&filled).expect("user, password and database are those of the settings");
    let url = format!("postgresql://{host}:{port}?application_name=url&options=-c+work_mem%3D5MB");
    let named = json!({ "sqlalchemy_url": url, "application_name": "setting" });
    let mut client = settings(server(), database.name(), named)
        .server("plugin")
        .expect("fits")
        .connect()
        .expect("connects");
    let row = client.query_one(
        "select current_setting('application_name'), current_setting('work_mem')",
        &[],
    );
    let row = row.expect("a row");
    assert_eq!((row.get(0), row.get(1)), ("url", "5MB"));
}

#[test]
fn an_option_that_is_not_honoured_is_named() {
    let error = by_url("postgresql://u:canary@127.0.0.1:1/d?service=canary").expect_err("refused");
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("option service"), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[test]
fn no_part_of_a_password_is_in_an_error_of_the_connection() {
    for settings in [
        json!({ "sqlalchemy_url": "postgresql://me:Sec@canary@127.0.0.1:1/db" }),
        json!({ "sqlalchemy_url": "postgresql://me:Sec/canary@127.0.0.1:1/db" }),
        json!({ "sqlalchemy_url": "postgresql://me:%40canary@127.0.0.1:1/db" }),
        json!({ "sqlalchemy_url": "postgresql://127.0.0.1:1/db?password=canary" }),
        json!({ "host": "postgresql://me:canary@127.0.0.1/db", "port": 1 }),
        json!({ "host": "me:canary@127.0.0.1", "port": 1 }),
        json!({ "host": "127.0.0.1", "port": 1, "database": "postgresql://me:canary@127.0.0.1/db" }),
        json!({ "host": "127.0.0.1", "port": 1, "dbname": "host=127.0.0.1 password=canary" }),
    ] {
        let connection: melisma_postgres::Connection =
            serde_json::from_value(settings.clone()).expect("fits");
        let error = connects(&connection).expect_err("no server listens");
        assert!(!error.to_string().contains("canary"), "{settings}: {error}");
    }
}

#[test]
fn the_password_file_of_the_url_counts_when_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let database = server().database();
    let (_, host, port, name) = parts(&database.url());
    let folder = tempfile::tempdir().expect("made");
    let path = folder.path().join("passwords");
    std::fs::write(&path, "*:*:*:*:test's \"p@ss\\:word/1\n").expect("written");
    let url = format!(
        "postgresql://melisma@{host}:{port}/{name}?passfile={}",
        path.display()
    );
    for (mode, fits) in [(0o600, true), (0o640, false), (0o604, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        assert_eq!(by_url(&url).is_ok(), fits, "{mode:o}");
    }
    by_url(&format!("{url}.none")).expect_err("a file that is not there has no password");
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
    let unreachable = settings(server(), database.name(), json!({ "port": 1 }));
    let error = connects(&unreachable).expect_err("no server listens");
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
