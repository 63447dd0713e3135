//! Logins: their token goes where requests have it, and into no log.

use std::fs;
use std::process::Command;

use melisma_sdk::http::Replay;
use serde_json::{Value, json};

use crate::harness::tap;

const TOKEN: &str = "t0ken/of the session";

fn definition(login: &str) -> String {
    format!(
        "url: '{{url}}'\nsettings: {{url: {{}}, password: {{default: p4ss}}}}\n\
         auth: {{login: {{path: /login, json: {{user: me, password: '{{password}}'}}, {login}}}}}\n\
         streams: {{a: {{path: /a, schema: {{type: object}}}}, b: {{path: /b, schema: {{type: object}}}}}}\n"
    )
}

fn serve(first: &Value) -> Replay {
    Replay::serve(json!([
        {"method": "POST", "path": "/login", "headers": {"X-Given": TOKEN}, "body": {"session": {"token": TOKEN}}},
        {"path": "/a", "status": first, "body": [{"id": 1}]},
        {"path": "/a", "body": [{"id": 1}]},
        {"path": "/b", "body": []},
        {"path": "/a?sid=t0ken%2Fof%20the%20session", "body": []},
        {"path": "/b?sid=t0ken%2Fof%20the%20session", "body": []}
    ]))
    .expect("serves")
}

#[test]
fn one_login_gives_the_token_of_all_requests() {
    for (login, header, value) in [
        (
            "token: $.session.token",
            "authorization",
            format!("Bearer {TOKEN}"),
        ),
        (
            "token_header: X-Given",
            "authorization",
            format!("Bearer {TOKEN}"),
        ),
        (
            "token: $.session.token, header: X-Session",
            "x-session",
            TOKEN.to_owned(),
        ),
        (
            "token: $.session.token, header: X-Session, prefix: 'Token '",
            "x-session",
            format!("Token {TOKEN}"),
        ),
    ] {
        let server = serve(&json!(200));
        let (code, out) = tap(&definition(login), &json!({"url": server.url()}), &[], "");
        assert_eq!(code, 0, "{login}: {out}");
        let requests = server.requests();
        let logins: Vec<_> = requests
            .iter()
            .filter(|request| request.path == "/login")
            .collect();
        let [login] = logins.as_slice() else {
            panic!("{requests:?}")
        };
        let body: Value = serde_json::from_str(&login.body).expect("JSON");
        assert_eq!(body, json!({"user": "me", "password": "p4ss"}));
        assert!(!login.headers.contains_key(header));
        for request in requests.iter().filter(|request| request.path != "/login") {
            assert_eq!(request.headers[header], value);
        }
    }
}

#[test]
fn a_token_may_go_into_the_query() {
    let server = serve(&json!(200));
    let definition = definition("token: $.session.token, query: sid");
    let (code, out) = tap(&definition, &json!({"url": server.url()}), &[], "");
    assert_eq!(code, 0, "{out}");
    let with_token = |path: &str| path.contains("sid=t0ken%2Fof%20the%20session");
    let requests = server.requests();
    assert_eq!(
        requests
            .iter()
            .filter(|request| with_token(&request.path))
            .count(),
        2
    );
}

#[test]
fn a_session_that_the_server_has_ended_is_opened_again() {
    let server = serve(&json!(401));
    let (code, out) = tap(
        &definition("token: $.session.token"),
        &json!({"url": server.url()}),
        &[],
        "",
    );
    assert_eq!(code, 0, "{out}");
    let logins = server
        .requests()
        .iter()
        .filter(|request| request.path == "/login")
        .count();
    assert_eq!(logins, 2);
}

#[test]
fn the_token_is_in_no_log_line() {
    // The server repeats what it was sent, as some do in their errors.
    let server = Replay::serve(json!([
        {"method": "POST", "path": "/login", "body": {"session": {"token": TOKEN}}},
        {"path": "/a", "status": 400, "body": {"message": format!("no such session: {TOKEN}")}}
    ]))
    .expect("serves");
    let folder = tempfile::tempdir().expect("a folder");
    let config =
        json!({"definition": definition("token: $.session.token"), "settings": {"url": server.url()}});
    fs::write(folder.path().join("config.json"), config.to_string()).expect("writes");
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap-rest"));
    tap.current_dir(folder.path()).args(["--config", "config.json"]);
    let output = tap.env("LOGLEVEL", "debug").output().expect("starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{log}");
    assert!(log.contains("no such session") && !log.contains(TOKEN), "{log}");
}

#[test]
fn logins_that_fail_and_those_that_cannot_be_are_errors() {
    let without = Replay::serve(json!([{"method": "POST", "path": "/login", "body": {"session": {}}}]))
        .expect("serves");
    let refused =
        Replay::serve(json!([{"method": "POST", "path": "/login", "status": 401}])).expect("serves");
    let page =
        Replay::serve(json!([{"method": "POST", "path": "/login", "body": "<html>"}])).expect("serves");
    for (server, expected) in [(without, 65), (refused, 78), (page, 65)] {
        let definition = definition("token: $.session.token");
        let (code, out) = tap(&definition, &json!({"url": server.url()}), &[], "");
        assert_eq!(code, expected, "{out}");
    }
    for login in [
        "method: POST",
        "token: $.a, token_header: X",
        "token: $..a",
        "token: $.a, header: X, query: y",
        "token: $.a, query: y, prefix: z",
        "token: $.a, lifetime: soon",
        "token: $.a, form: {x: y}",
        "tokn: $.a",
        "token: $.a, headers: {X: '{none}'}",
    ] {
        let (code, _) = tap(&definition(login), &json!({"url": "http://127.0.0.1:1"}), &[], "");
        assert_eq!(code, 78, "{login}");
    }
}
