//! Servers that do what none should: each ends in a clear error and the documented exit code, with no STATE ahead of its records.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A server that answers each target with these bytes, and then closes the connection.
struct Raw {
    url: String,
    /// The requests, with their headers.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                one(stream, &answer, &shared);
            }
        });
        Self { url, asked }
    }

    fn requests(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn one(mut stream: TcpStream, answer: &impl Fn(&str) -> Vec<u8>, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = request.to_ascii_lowercase();
    let length = length
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let target = request.split(' ').nth(1).expect("a target").to_owned();
    asked.lock().expect("no panic").push(request);
    let _ = stream.write_all(&answer(&target));
}

fn head(status: &str, more: &str, length: usize) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}Content-Length: {length}\r\n\r\n").into_bytes()
}

fn ok(body: &str) -> Vec<u8> {
    let mut answer = head("200 OK", "", body.len());
    answer.extend_from_slice(body.as_bytes());
    answer
}

/// What a run says and writes.
struct Run {
    code: Option<i32>,
    log: String,
    messages: Vec<Value>,
}

impl Run {
    fn records(&self) -> Vec<&Value> {
        let records = self.messages.iter().filter(|message| message["type"] == "RECORD");
        records.map(|message| &message["record"]).collect()
    }

    fn bookmark(&self) -> Option<&str> {
        let mut states = self.messages.iter().filter(|message| message["type"] == "STATE");
        states.next_back()?["value"]["bookmarks"]["a"]["replication_key_value"].as_str()
    }
}

/// Runs the tap on a stream `a` whose records come in the order of `at`.
fn run(server: &Raw, more: &str, stream: &str) -> Run {
    let definition = format!(
        "url: '{{url}}'\nsettings: {{url: {{}}}}\nlimits: {{tries: 2}}\n{more}\nstreams:\n  a:\n    path: /a\n    \
         since: {{field: at, query: since, sorted: true}}\n    \
         schema: {{type: object, properties: {{id: {{type: integer}}, at: {{type: string, format: date}}}}}}\n    {stream}\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let config = json!({"definition": definition, "settings": {"url": server.url}});
    fs::write(folder.path().join("config.json"), config.to_string()).expect("writes");
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap-rest"));
    tap.current_dir(folder.path()).args(["--config", "config.json"]);
    let output = tap.output().expect("starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    Run {
        code: output.status.code(),
        log: String::from_utf8(output.stderr).expect("UTF-8"),
        messages: text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect(),
    }
}

/// A first page with a record, and then what a server should not answer.
fn after_a_page(second: Vec<u8>) -> Run {
    let server = Raw::start(move |target| {
        if target.contains("page=2") {
            return second.clone();
        }
        let body = r#"[{"id":1,"at":"2026-01-01"}]"#;
        let mut answer = head("200 OK", "Link: </a?page=2>; rel=next\r\n", body.len());
        answer.extend_from_slice(body.as_bytes());
        answer
    });
    run(&server, "pages: link_header", "")
}

/// `[{"id":1,"at":"2026-01-02"}]` in gzip.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x8b, 0xae, 0x56, 0xca, 0x4c, 0x51, 0xb2,
    0x32, 0xd4, 0x51, 0x4a, 0x2c, 0x51, 0xb2, 0x52, 0x32, 0x32, 0x30, 0x32, 0xd3, 0x35, 0x30, 0xd4, 0x35,
    0x30, 0x52, 0xaa, 0x8d, 0x05, 0x00, 0x2f, 0x2c, 0x36, 0x82, 0x1c, 0x00, 0x00, 0x00,
];

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut answer = head("200 OK", "Content-Encoding: gzip\r\n", bytes.len());
    answer.extend_from_slice(bytes);
    answer
}

#[test]
fn a_body_that_breaks_off_is_tried_again_and_then_ends_the_run() {
    let page = br#"[{"id":2,"at":"2026-01-02"}]"#;
    let mut cut = head("200 OK", "", 2 * page.len());
    cut.extend_from_slice(page);
    let chunk = format!("{:x}\r\n", page.len());
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    chunked.extend_from_slice(chunk.as_bytes());
    chunked.extend_from_slice(page);
    chunked.extend_from_slice(b"\r\n");
    let half = compressed(&GZIP[..GZIP.len() / 2]);
    let checked = compressed(&GZIP[..GZIP.len() - 4]);
    let garbage = compressed(b"no gzip at all");
    for (name, second) in [
        ("a length", cut),
        ("chunks", chunked),
        ("half of gzip", half),
        ("gzip without its end", checked),
        ("no gzip", garbage),
        ("nothing", Vec::new()),
        ("no HTTP", b"220 mail.example ESMTP\r\n".to_vec()),
    ] {
        let run = after_a_page(second);
        assert_eq!(run.code, Some(75), "{name}: {}", run.log);
        assert!(run.log.contains("gave up after 2 tries"), "{name}: {}", run.log);
        assert_eq!(run.records().len(), 1, "{name}: only whole pages are written");
        assert_eq!(run.bookmark(), Some("2026-01-01"), "{name}");
    }
    let whole = after_a_page(compressed(GZIP));
    assert_eq!((whole.code, whole.bookmark()), (Some(0), Some("2026-01-02")));
    assert!(!whole.log.contains("unknown setting"), "{}", whole.log);
}

#[test]
fn an_answer_that_is_no_json_is_said_to_be_none() {
    let html = "<!DOCTYPE html><html><body>Please log in, s3cr3t</body></html>";
    let mut page = head("200 OK", "Content-Type: text/html\r\n", html.len());
    page.extend_from_slice(html.as_bytes());
    let run = after_a_page(page);
    assert_eq!(run.code, Some(65), "{}", run.log);
    assert!(
        run.log.contains("text/html") && !run.log.contains("s3cr3t"),
        "{}",
        run.log
    );
    assert_eq!(run.bookmark(), Some("2026-01-01"));
    for body in [
        "[{\"id\":2,\"at\":\"2026-01-02\"}",
        "[{\"id\":2,}]",
        "[{\"id\":2}]]",
        "[NaN]",
        "[1]",
        "\"x\"",
    ] {
        let run = after_a_page(ok(body));
        let is_json = body == "\"x\"";
        assert_eq!(
            run.code,
            Some(if is_json { 0 } else { 65 }),
            "{body}: {}",
            run.log
        );
        assert_eq!(
            (run.records().len(), run.bookmark()),
            (1, Some("2026-01-01")),
            "{body}"
        );
    }
}

#[test]
fn nothing_that_is_deep_or_large_ends_in_a_crash() {
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    let nested = format!("[{{\"id\":2,\"x\":{}1{}}}]", "[".repeat(3000), "]".repeat(3000));
    for (body, code) in [
        (deep, 65),
        (nested, 65),
        ("[{\"id\":123456789012345678901234567890}]".to_owned(), 65),
        ("[{\"id\":1e999}]".to_owned(), 65),
        ("[{\"id\":18446744073709551615}]".to_owned(), 0),
        (format!("[{{\"id\":2,\"{}\":1}}]", "k".repeat(1_000_000)), 0),
    ] {
        let run = after_a_page(ok(&body));
        assert_eq!(run.code, Some(code), "{}: {}", &body[..30], run.log);
    }
}

#[test]
fn of_a_name_that_is_there_twice_the_last_value_counts() {
    let run = after_a_page(ok(r#"[{"id":2,"at":"2026-01-03","id":3,"at":"2026-01-02"}]"#));
    assert_eq!(run.code, Some(0), "{}", run.log);
    assert_eq!(run.records()[1], &json!({"id": 3, "at": "2026-01-02"}));
    assert_eq!(run.bookmark(), Some("2026-01-02"));
    let text = run.messages.len();
    assert!(text > 0);
}

#[test]
fn pages_that_never_end_are_an_error() {
    // A, B, A, B.
    let server = Raw::start(|target| {
        let next = if target.contains("page=b") { "a" } else { "b" };
        ok(&format!(
            "{{\"next\":\"/a?page={next}\",\"rows\":[{{\"id\":1,\"at\":\"2026-01-01\"}}]}}"
        ))
    });
    let again = run(&server, "pages: {next_url: $.next}", "records: '$.rows[*]'");
    assert_eq!(again.code, Some(65), "{}", again.log);
    assert!(again.log.contains("for the second time"), "{}", again.log);
    assert_eq!(again.bookmark(), Some("2026-01-01"));
    let count = Mutex::new(0);
    let server = Raw::start(move |_| {
        let mut count = count.lock().expect("no panic");
        *count += 1;
        ok(&format!("{{\"next\":{count},\"rows\":[]}}"))
    });
    let empty = run(
        &server,
        "pages: {cursor: $.next, query: after}",
        "records: '$.rows[*]'",
    );
    assert_eq!((empty.code, empty.bookmark()), (Some(65), None), "{}", empty.log);
    assert!(empty.log.contains("empty pages in a row"), "{}", empty.log);
}

#[test]
fn credentials_go_nowhere_else() {
    for (auth, secrets) in [
        ("auth: {bearer: s3cr3t-value}", &["s3cr3t-value"][..]),
        (
            "auth: {basic: {user: me, password: s3cr3t-value}}",
            &["authorization", "bWU6"],
        ),
        ("auth: {header: {X-Key: s3cr3t-value}}", &["s3cr3t-value"]),
        ("auth: {query: {key: s3cr3t-value}}", &["s3cr3t-value"]),
        ("headers: {X-Tenant: s3cr3t-value}", &["s3cr3t-value"]),
    ] {
        for by_link in [false, true] {
            let other = Raw::start(|_| ok("[]"));
            let elsewhere = format!("{}/stolen", other.url);
            let server = Raw::start(move |_| {
                if by_link {
                    let mut answer = head("200 OK", &format!("Link: <{elsewhere}>; rel=next\r\n"), 2);
                    answer.extend_from_slice(b"[]");
                    answer
                } else {
                    head("302 Found", &format!("Location: {elsewhere}\r\n"), 0)
                }
            });
            let run = run(
                &server,
                &format!("pages: link_header\n{auth}"),
                "headers: {X-Own: s3cr3t-value}",
            );
            assert_eq!(run.code, Some(0), "{auth}: {}", run.log);
            let stolen = other.requests();
            assert_eq!(stolen.len(), 1, "{auth}");
            let request = stolen[0].to_ascii_lowercase();
            for secret in secrets {
                assert!(
                    !request.contains(&secret.to_ascii_lowercase()),
                    "{auth}: {request}"
                );
            }
            assert!(!request.contains("x-own"), "{auth}: {request}");
            assert!(server.requests()[0].contains("X-Own") || server.requests()[0].contains("x-own"));
        }
    }
}

#[test]
fn a_login_is_not_sent_on_to_another_host() {
    let other = Raw::start(|_| ok("{\"token\":\"t0ken-value\"}"));
    let elsewhere = format!("{}/stolen", other.url);
    let server =
        Raw::start(move |_| head("307 Temporary Redirect", &format!("Location: {elsewhere}\r\n"), 0));
    let login = "auth: {login: {path: /login, json: {password: s3cr3t-value}, token: $.token}}";
    let run = run(&server, login, "");
    assert_eq!((run.code, run.bookmark()), (Some(69), None), "{}", run.log);
    assert_eq!(other.requests(), Vec::<String>::new());
    assert!(!run.log.contains("s3cr3t-value"), "{}", run.log);
}
