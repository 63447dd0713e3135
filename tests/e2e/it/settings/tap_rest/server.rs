//! A server for any request: it answers each path in its own way, and remembers what it was asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The server, until the end of the test.
pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Headers that every request has, or whose value differs from run to run.
const USUAL: [&str; 5] = [
    "host",
    "connection",
    "accept",
    "accept-encoding",
    "content-length",
];

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &asked));
            }
        });
        Self { url, asked }
    }

    /// All requests so far: their methods, paths, headers and bodies.
    pub(super) fn requests(&self) -> String {
        self.asked.lock().expect("no panic").concat()
    }
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let mut writer = stream;
    while let Some((target, text)) = receive(&mut reader) {
        let busy = target.starts_with("/busy") && {
            let asked = asked.lock().expect("no panic");
            !asked.iter().any(|request| request.contains("/busy"))
        };
        asked.lock().expect("no panic").push(text);
        let (head, body) = if busy {
            ("429 Busy\r\nRetry-After: 0\r\nX-Wait: 1".to_owned(), json!({}))
        } else {
            answer(&target)
        };
        let body = body.to_string();
        let length = body.len();
        let sent = write!(
            writer,
            "HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        if sent.is_err() {
            return;
        }
    }
}

/// A request: its target, and all of it as a text.
fn receive(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let target = first.split(' ').nth(1)?.to_owned();
    let mut text = format!("request {}\n", first.trim_end());
    for (name, value) in headers.iter().filter(|(name, _)| !USUAL.contains(&name.as_str())) {
        let _ = writeln!(text, "  {name}: {value}");
    }
    let _ = writeln!(text, "  {}", String::from_utf8_lossy(&body));
    Some((target, text))
}

/// The status and headers, and the body. Rows end where a page, offset or token is past 6.
fn answer(target: &str) -> (String, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path.starts_with("/token") {
        let token = json!({"access_token": "t0ken-of-the-server", "refresh_token": "n3w-refresh-token"});
        return ("200 OK".to_owned(), token);
    }
    let wanted = |name: &str| {
        let value = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    let place = ["page", "offset", "cursor"].iter().find_map(|name| wanted(name));
    let past = place
        .as_deref()
        .is_some_and(|place| place == "last" || place.parse().is_ok_and(|at: u64| at > 6));
    let row = |id: u64| json!({"id": id, "at": format!("2020-01-0{id}T00:00:00Z"), "o": {"x": id}});
    let mut rows = vec![row(1), row(2), row(3)];
    rows[2]["late"] = true.into();
    let body = json!({
        "rows": if past { Vec::new() } else { rows }, "list": [{"id": 9}], "hits": {"total": 3, "all": 6},
        "hasMore": !past, "more": if past { Value::Null } else { "last".into() }
    });
    let head = if path == "/linked" && place.is_none() {
        "200 OK\r\nLink: </linked?page=2>; rel=\"next\""
    } else {
        "200 OK"
    };
    (head.to_owned(), body)
}
