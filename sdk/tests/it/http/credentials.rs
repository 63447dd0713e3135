//! Who gets credentials, and how tokens are renewed.

use std::fs;
use std::sync::Barrier;
use std::thread;

use melisma_sdk::http::{ApiKey, Basic, Bearer, OAuth2, Pages, Replay, Request};
use melisma_sdk::{Secret, json};

use super::{client, ids, paths, run, stream};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[test]
fn keys_tokens_and_passwords_are_sent() {
    let server = Replay::serve(json!([{"path": "/a", "body": []}, {"path": "/a?key=k%26", "body": []}]))
        .expect("serves");
    let (client, _) = client(&server);
    let read = |client: melisma_sdk::http::Client| {
        run(client.get("/a", stream("a")), "").expect("reads");
        server.requests().pop().expect("a request")
    };
    let header = read(client.clone().auth(ApiKey::header("X-Key", &secret("k-1")))).headers;
    assert_eq!(header["x-key"], "k-1");
    assert_eq!(
        read(client.clone().auth(ApiKey::query("key", &secret("k&")))).path,
        "/a?key=k%26"
    );
    let header = read(client.clone().auth(Bearer::new(&secret("bearer-1")))).headers;
    assert_eq!(header["authorization"], "Bearer bearer-1");
    let header = read(client.auth(Basic::new("user", &secret("pass")))).headers;
    assert_eq!(header["authorization"], "Basic dXNlcjpwYXNz");
}

#[test]
fn another_origin_gets_no_credentials_by_redirect_or_by_link() {
    let other = Replay::serve(json!([
        {"path": "/moved", "body": [{"id": 1}], "headers": {"Link": "<{server}/page2>; rel=next"}},
        {"path": "/page2", "body": [{"id": 2}]}
    ]))
    .expect("serves");
    // `localhost` and `127.0.0.1` are two origins, and so are two ports.
    let location = format!("{}/moved", other.url());
    let server =
        Replay::serve(json!([{"path": "/a?key=key-1", "status": 302, "headers": {"Location": location}}]));
    let server = server.expect("serves");
    let (client, _) = client(&server);
    let client = client
        .auth(ApiKey::query("key", &secret("key-1")))
        .header("X-Own", "own");
    let messages = run(
        client
            .get("/a", stream("a"))
            .header("X-Stream", "s")
            .pages(Pages::link_header()),
        "",
    );
    assert_eq!(ids(&messages.expect("reads"), "a"), [1, 2]);
    assert_eq!(server.requests()[0].headers["x-own"], "own");
    assert_eq!(paths(&other), ["/moved", "/page2"]);
    for request in other.requests() {
        assert!(
            !request.headers.contains_key("x-own") && !request.headers.contains_key("x-stream"),
            "{request:?}"
        );
    }
}

#[test]
fn a_body_is_not_carried_to_another_origin() {
    let other = Replay::serve(json!([{"method": "POST", "path": "/b", "body": []}])).expect("serves");
    let location = format!("{}/b", other.url());
    let exchange =
        json!([{"method": "POST", "path": "/a", "status": 307, "headers": {"Location": location}}]);
    let server = Replay::serve(exchange).expect("serves");
    let (client, _) = client(&server);
    let error = run(client.post("/a", stream("a")).json(json!({"key": "k"})), "").expect_err("refused");
    assert!(
        error.to_string().contains("redirected to another origin"),
        "{error}"
    );
    assert!(other.requests().is_empty());
}

#[test]
fn a_rejected_token_is_renewed_once_and_the_page_read_again() {
    let token = |token: &str| json!({"method": "POST", "path": "/token", "body": {"access_token": token}});
    let server = Replay::serve(json!([
        token("token-1"), token("token-2"), token("token-3"),
        {"path": "/a", "status": 401}, {"path": "/a", "body": [{"id": 1}]},
        {"path": "/b", "status": 401}
    ]))
    .expect("serves");
    let (client, _) = client(&server);
    let client = client
        .auth(OAuth2::client_credentials("/token", "id", &secret("client-s3cr3t")).field("scope", "read"));
    assert_eq!(
        ids(&run(client.get("/a", stream("a")), "").expect("reads"), "a"),
        [1]
    );
    let requests = server.requests();
    assert_eq!(
        requests[0].body,
        "grant_type=client_credentials&scope=read&client_id=id&client_secret=client-s3cr3t"
    );
    assert_eq!(requests[1].headers["authorization"], "Bearer token-1");
    assert_eq!(requests[3].headers["authorization"], "Bearer token-2");
    let error = run(client.get("/b", stream("b")), "").expect_err("rejected again");
    assert!(
        error
            .to_string()
            .contains("401 Unauthorized; check the credentials"),
        "{error}"
    );
    assert_eq!(paths(&server).iter().filter(|path| *path == "/b").count(), 2);
}

#[test]
fn a_token_is_renewed_before_it_expires() {
    let token = |token: &str| json!({"method": "POST", "path": "/token", "body": {"access_token": token, "expires_in": "100"}});
    let server = Replay::serve(json!([
        token("early-1"), token("early-2"),
        {"path": "/a", "status": 429, "headers": {"Retry-After": "95"}}, {"path": "/a", "body": []}
    ]))
    .expect("serves");
    let (client, _) = client(&server);
    let client = client.auth(OAuth2::client_credentials(
        "/token",
        "id",
        &secret("client-s3cr3t"),
    ));
    run(client.get("/a", stream("a")), "").expect("reads");
    assert_eq!(paths(&server), ["/token", "/a", "/token", "/a"]);
}

#[test]
fn of_many_requests_at_once_one_obtains_the_token() {
    let server = Replay::serve(json!([
        {"method": "POST", "path": "/token", "delay_ms": 50, "body": {"access_token": "one-token", "expires_in": 3600}},
        {"path": "/a", "body": []}
    ]))
    .expect("serves");
    let (client, _) = client(&server);
    let client = client.auth(OAuth2::client_credentials(
        "/token",
        "id",
        &secret("client-s3cr3t"),
    ));
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                client
                    .send(&Request::new("GET", format!("{}/a", server.url())))
                    .expect("answers");
            });
        }
    });
    assert_eq!(paths(&server).iter().filter(|path| *path == "/token").count(), 1);
}

#[test]
fn a_replaced_refresh_token_is_kept_for_the_next_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token.json");
    let answer = |refresh: &str| {
        json!([
            {"method": "POST", "path": "/token", "body": {"access_token": "access-1", "refresh_token": refresh}},
            {"path": "/a", "body": []}
        ])
    };
    // What one run sends with this token in its config, when the server replaces it.
    let run_with = |configured: &str, replaced: &str| {
        let server = Replay::serve(answer(replaced)).expect("serves");
        let (client, _) = client(&server);
        let auth =
            OAuth2::refresh_token("/token", "id", &secret("client-s3cr3t"), &secret(configured)).basic();
        run(client.auth(auth.keep_in(&file)).get("/a", stream("a")), "").expect("reads");
        server.requests().remove(0)
    };
    let first = run_with("refresh-1", "refresh-2");
    assert_eq!(first.body, "grant_type=refresh_token&refresh_token=refresh-1");
    assert!(first.headers["authorization"].starts_with("Basic "));
    assert_eq!(
        run_with("refresh-1", "refresh-3").body,
        "grant_type=refresh_token&refresh_token=refresh-2"
    );
    assert_eq!(
        run_with("refresh-1", "refresh-3").body,
        "grant_type=refresh_token&refresh_token=refresh-3"
    );
    // Somebody has logged in again: what was kept for the old login is void.
    assert_eq!(
        run_with("refresh-9", "refresh-10").body,
        "grant_type=refresh_token&refresh_token=refresh-9"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    fs::write(&file, "x").expect("writes");
    let server = Replay::serve(answer("x")).expect("serves");
    let (client, _) = client(&server);
    let auth =
        OAuth2::refresh_token("/token", "id", &secret("client-s3cr3t"), &secret("refresh-9")).keep_in(&file);
    assert!(run(client.auth(auth).get("/a", stream("a")), "").is_err());
}
