//! Recorded answers, served on this machine: for the tests of a tap.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use melisma_engine::{Error, Result};
use serde_json::Value;

use super::exchange::{Exchange, SERVER};

/// A server on this machine that gives recorded answers.
///
/// An exchange is an object with these members:
///
/// | member | what it is | if not set |
/// |---|---|---|
/// | `path` | the path and the query of the request, as the tap sends them; `****` stands for any text in a part of them | required |
/// | `method` | the method of the request | `GET` |
/// | `status` | the status of the answer | 200 |
/// | `headers` | the headers of the answer | none |
/// | `body` | the body of the answer: any JSON, or a text, which is sent as it is | empty |
/// | `delay_ms` | the server is silent for this long before it answers | 0 |
/// | `breaks` | the connection breaks before the end of the body | `false` |
///
/// `{server}` in a header or in the body is the server's address. Of several exchanges for one request the first comes first, and
/// the last again and again; a request that none is for is answered with 404. Files of exchanges are in `tests/http` by custom;
/// a [`Recorder`](super::Recorder) writes them.
///
/// ```
/// use melisma_sdk::http::{Client, Pages, Replay};
/// use melisma_sdk::{Context, Stream, json, tap};
///
/// let server = Replay::serve(json!([
///     {"path": "/items?page=1", "body": {"items": [{"id": 1}, {"id": 2}]}},
///     {"path": "/items?page=2", "body": {"items": []}}
/// ]))?;
/// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
/// let client = Client::new(&server.url(), &Context::default())?;
/// let items = client.get("/items", Stream::new("items", schema)).records("$.items[*]").pages(Pages::number("page"));
/// let messages = tap::test_stream(items.stream()?, "")?;
/// assert_eq!(messages[2]["record"], json!({"id": 2}));
/// assert_eq!(server.requests()[1].path, "/items?page=2");
/// # Ok::<(), melisma_sdk::Error>(())
/// ```
pub struct Replay {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    exchanges: Vec<Exchange>,
    used: Mutex<HashMap<usize, usize>>,
    requests: Mutex<Vec<Received>>,
    closed: AtomicBool,
    url: String,
}

/// A request that a [`Replay`] has received.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// GET, POST.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers, by their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: String,
}

impl Replay {
    /// Serves these exchanges on a free port.
    pub fn serve(exchanges: Value) -> Result<Self> {
        let exchanges = serde_json::from_value(exchanges)
            .map_err(|error| Error::input("recorded answers: not what a recording is").with_source(error))?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| Error::io("cannot listen", error))?;
        let address = listener
            .local_addr()
            .map_err(|error| Error::io("cannot listen", error))?;
        let shared = Arc::new(Shared {
            exchanges,
            used: Mutex::default(),
            requests: Mutex::default(),
            closed: AtomicBool::new(false),
            url: format!("http://{address}"),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.closed.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.connection(stream));
            }
        });
        Ok(Self {
            port: address.port(),
            shared,
        })
    }

    /// Serves the exchanges of a file.
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read(path)
            .map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
        let exchanges = serde_json::from_slice(&text)
            .map_err(|error| Error::input(format!("{} is not JSON", path.display())).with_source(error))?;
        Self::serve(exchanges)
    }

    /// Its address: `http://127.0.0.1:45123`.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// The requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Received> {
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // The listening thread looks up when somebody comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay({})", self.shared.url)
    }
}

impl Shared {
    /// Answers the requests of one connection until its end.
    fn connection(&self, stream: TcpStream) {
        let Ok(mut writer) = stream.try_clone() else {
            return;
        };
        let mut reader = BufReader::new(stream);
        while let Some(request) = receive(&mut reader) {
            let exchange = self.exchange(&request);
            self.requests
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(request);
            let Some(exchange) = exchange else {
                let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
                if writer.write_all(answer).is_err() {
                    return;
                }
                continue;
            };
            thread::sleep(Duration::from_millis(exchange.delay_ms));
            let answer = self.answer(exchange);
            let length = if exchange.breaks {
                answer.len() - 1
            } else {
                answer.len()
            };
            if writer.write_all(&answer.as_bytes()[..length]).is_err() || exchange.breaks {
                return;
            }
        }
    }

    /// The exchange for a request: of several, the next one.
    fn exchange(&self, request: &Received) -> Option<&Exchange> {
        let is = |exchange: &Exchange| exchange.answers(&request.method, &request.path);
        let all: Vec<usize> = (0..self.exchanges.len())
            .filter(|at| is(&self.exchanges[*at]))
            .collect();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let count = used.entry(*all.first()?).or_default();
        let at = all.get(*count).or(all.last())?;
        *count += 1;
        Some(&self.exchanges[*at])
    }

    fn answer(&self, exchange: &Exchange) -> String {
        let body = match &exchange.body {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let body = body.replace(SERVER, &self.url);
        let mut head = format!(
            "HTTP/1.1 {} Recorded\r\nContent-Length: {}\r\n",
            exchange.status,
            body.len()
        );
        for (name, value) in &exchange.headers {
            let value = value.replace(SERVER, &self.url);
            head.extend([name, ": ", &value, "\r\n"]);
        }
        format!("{head}\r\n{body}")
    }
}

/// Reads a request; `None` at the end of the connection.
fn receive(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    let mut next = |reader: &mut dyn BufRead| {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = next(reader)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let header = next(reader)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Received {
        method,
        path,
        headers,
        body,
    })
}
