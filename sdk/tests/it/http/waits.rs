//! Retries, rate limits, and signals: what is waited for, and how long.

use std::thread;
use std::time::{Duration, Instant};

use melisma_sdk::http::{Client, OnStatus, Pages, Replay, Retry};
use melisma_sdk::signals::Stop;
use melisma_sdk::{Context, Kind, json, tap};

use super::{client, ids, paths, run, stream};

#[test]
fn statuses_broken_connections_and_rate_limits_are_tried_again() {
    let server = Replay::serve(json!([
        {"path": "/items", "status": 500},
        {"path": "/items", "breaks": true, "body": [{"id": 7}]},
        {"path": "/items", "status": 429, "headers": {"Retry-After": "90"}},
        {"path": "/items", "status": 503, "headers": {"Retry-After": "Thu, 01 Jan 2026 01:00:00 GMT"}},
        {"path": "/items", "body": [{"id": 1}]}
    ]))
    .expect("serves");
    let (client, clock) = client(&server);
    let client = client.retry(Retry {
        max_wait: Duration::from_hours(2),
        ..Retry::default()
    });
    let messages = run(client.get("/items", stream("items")), "").expect("reads");
    assert_eq!(ids(&messages, "items"), [1]);
    let waits = clock.waits();
    assert_eq!(waits.len(), 4);
    assert!(
        waits[0] >= Duration::from_millis(250) && waits[0] <= Duration::from_millis(500),
        "{waits:?}"
    );
    assert!(
        waits[1] >= Duration::from_millis(500) && waits[1] <= Duration::from_secs(1),
        "{waits:?}"
    );
    assert_eq!(waits[2], Duration::from_secs(90));
    // The date is an hour after the start of the clock, and what was waited for before counts.
    assert!(
        waits[3] > Duration::from_secs(3500) && waits[3] < Duration::from_secs(3510),
        "{waits:?}"
    );
}

#[test]
fn a_wait_that_is_too_long_ends_the_run_with_its_state() {
    let server = Replay::serve(json!([
        {"path": "/items", "body": [{"id": 1, "at": "2026-01-01T00:00:00Z"}], "headers": {"Link": "<?page=2>; rel=next"}},
        {"path": "/items?page=2", "status": 429, "headers": {"Retry-After": "400"}},
        {"path": "/items?page=2", "status": 429, "headers": {"Retry-After": "400"}}
    ]))
    .expect("serves");
    let (client, clock) = client(&server);
    let items = stream("items").replication_key("at").sorted();
    let error = run(client.get("/items", items).pages(Pages::link_header()), "").expect_err("too long");
    assert_eq!(error.kind(), Kind::Retry);
    assert!(
        error.to_string().contains("600 s in all is the most (max_wait)"),
        "{error}"
    );
    assert_eq!(
        clock.waits(),
        [Duration::from_secs(400)],
        "the second one is not waited for"
    );
}

#[test]
fn other_statuses_end_the_run_at_once_unless_they_are_named() {
    let exchanges = json!([{"path": "/items", "status": 409, "body": {"message": "later"}}, {"path": "/items", "body": []}]);
    let server = Replay::serve(exchanges.clone()).expect("serves");
    let (of_first, clock) = client(&server);
    let error = run(of_first.get("/items", stream("items")), "").expect_err("a conflict");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(
        error.to_string().contains("/items: 409 Conflict: \"later\"")
            || error.to_string().contains("409 Conflict: later"),
        "{error}"
    );
    assert!(clock.waits().is_empty());
    for what in [OnStatus::Retry, OnStatus::Wait] {
        let server = Replay::serve(exchanges.clone()).expect("serves");
        let (client, clock) = client(&server);
        run(client.get("/items", stream("items")).on_status(409, what), "").expect("reads");
        assert_eq!(clock.waits().len(), 1);
    }
}

#[test]
fn tries_come_to_an_end() {
    let server = Replay::serve(json!([{"path": "/items", "status": 502}])).expect("serves");
    let (client, clock) = client(&server);
    let error = run(client.get("/items", stream("items")), "").expect_err("gives up");
    assert_eq!(error.kind(), Kind::Retry);
    assert!(
        error
            .to_string()
            .contains("gave up after 5 tries, the last: 502 Bad Gateway"),
        "{error}"
    );
    assert_eq!((paths(&server).len(), clock.waits().len()), (5, 4));
}

#[test]
fn requests_keep_to_the_rate() {
    let server = Replay::serve(json!([
        {"path": "/items?page=1", "body": [{"id": 1}]},
        {"path": "/items?page=2", "body": [{"id": 2}]},
        {"path": "/items?page=3", "body": []}
    ]))
    .expect("serves");
    let (client, clock) = client(&server);
    let items = client.per_second(2.0).get("/items", stream("items"));
    run(items.pages(Pages::number("page")), "").expect("reads");
    assert_eq!(clock.waits(), [Duration::from_millis(500); 2]);
}

#[test]
fn a_signal_ends_a_request_that_waits_for_its_answer() {
    let server = Replay::serve(json!([{"path": "/items", "delay_ms": 600_000}])).expect("serves");
    let stop = Stop::default();
    let context = Context::with_stop(stop.clone());
    let client = Client::new(&server.url(), &context).expect("a URL").concurrent(1);
    let begin = Instant::now();
    let asker = thread::spawn(move || {
        while server.requests().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        stop.request(15);
        server
    });
    let items = client.get("/items", stream("items")).stream().expect("compiles");
    let error = tap::test_stream(items, "").expect_err("stopped");
    assert_eq!(error.kind(), Kind::Interrupted(15));
    assert!(begin.elapsed() < Duration::from_mins(1));
    drop(asker.join());
}

#[test]
fn a_silent_server_is_given_up() {
    let server = Replay::serve(json!([{"path": "/items", "delay_ms": 600_000}])).expect("serves");
    let (client, _) = client(&server);
    let client = client.timeout(Duration::from_millis(50)).retry(Retry {
        tries: 2,
        ..Retry::default()
    });
    let error = run(client.get("/items", stream("items")), "").expect_err("silent");
    assert!(error.to_string().contains("the server is silent"), "{error}");
    assert_eq!(paths(&server).len(), 2);
}
