//! The HTTP server of the endpoint: `GET /metrics`, one request a connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use melisma_sdk::{Error, Kind, Result};

use super::super::meter::RunMeter;
use super::text;

/// How long a client may take for its request, and how long for the answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The most clients at once. A scraper needs one.
const MOST_CLIENTS: usize = 16;
/// The longest request.
const MOST_REQUEST_BYTES: usize = 8 << 10;
const MOST_HEADERS: usize = 64;
/// How long to wait after a connection could not be accepted, for want of file descriptors for instance.
const AFTER_A_FAILURE: Duration = Duration::from_millis(200);

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// A server that answers until the process ends.
pub(in crate::run) struct MetricsServer {
    address: SocketAddr,
}

/// What a client gets.
struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
    /// The answer to HEAD has no body, but the length of one.
    has_body: bool,
}

impl MetricsServer {
    /// Listens at the address, for what the meter shows.
    pub(in crate::run) fn start(at: SocketAddr, meter: &Arc<RunMeter>) -> Result<Self> {
        let listen = || {
            let listener = TcpListener::bind(at)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listen().map_err(|error: io::Error| {
            let kind = match error.kind() {
                io::ErrorKind::AddrInUse => Kind::Unavailable,
                _ => Kind::Config,
            };
            Error::new(kind, format!("--metrics: cannot listen at {at}")).with_source(error)
        })?;
        let meter = Arc::clone(meter);
        thread::spawn(move || accept(&listener, &meter));
        Ok(Self { address })
    }

    /// Where the metrics are.
    pub(in crate::run) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

fn accept(listener: &TcpListener, meter: &Arc<RunMeter>) {
    let clients = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((client, _)) = listener.accept() else {
            thread::sleep(AFTER_A_FAILURE);
            continue;
        };
        if clients.fetch_add(1, Ordering::Relaxed) >= MOST_CLIENTS {
            clients.fetch_sub(1, Ordering::Relaxed);
            drop(client);
            continue;
        }
        let (meter, of_this) = (Arc::clone(meter), Arc::clone(&clients));
        let serve = move || {
            // A client that is gone, or too slow, gets no answer.
            let _ = serve(client, &meter);
            of_this.fetch_sub(1, Ordering::Relaxed);
        };
        if thread::Builder::new().spawn(serve).is_err() {
            clients.fetch_sub(1, Ordering::Relaxed);
            thread::sleep(AFTER_A_FAILURE);
        }
    }
}

fn serve(mut client: TcpStream, meter: &RunMeter) -> io::Result<()> {
    let answer = answer(&mut client, meter)?;
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.content_type,
        answer.body.len()
    );
    let body = if answer.has_body { &*answer.body } else { "" };
    write_until(
        &mut client,
        &[head.as_bytes(), body.as_bytes()].concat(),
        Instant::now() + PATIENCE,
    )?;
    client.shutdown(Shutdown::Write)?;
    // A connection that is closed with unread input is reset, and the client may lose the answer.
    let _ = read_until(&mut client, &mut [0; 512], Instant::now() + AFTER_A_FAILURE);
    Ok(())
}

/// Reads the request, and decides.
fn answer(client: &mut TcpStream, meter: &RunMeter) -> io::Result<Answer> {
    let deadline = Instant::now() + PATIENCE;
    let (mut request, mut length) = (vec![0; MOST_REQUEST_BYTES], 0);
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(&request[..length]) {
            Ok(httparse::Status::Complete(_)) => {
                let (method, path) = (parsed.method.unwrap_or_default(), parsed.path.unwrap_or_default());
                return Ok(respond(method, path, meter));
            }
            Ok(httparse::Status::Partial) if length < request.len() => {}
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Ok(Answer::refusal("431 Request Header Fields Too Large"));
            }
            Err(_) => return Ok(Answer::refusal("400 Bad Request")),
        }
        match read_until(client, &mut request[length..], deadline)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
}

fn respond(method: &str, path: &str, meter: &RunMeter) -> Answer {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match (method, path) {
        ("GET" | "HEAD", "/metrics") => Answer {
            status: "200 OK",
            content_type: METRICS_TYPE,
            body: text::exposition(meter),
            has_body: method == "GET",
        },
        ("GET" | "HEAD", _) => Answer::refusal("404 Not Found"),
        _ => Answer::refusal("405 Method Not Allowed"),
    }
}

impl Answer {
    fn refusal(status: &'static str) -> Self {
        Self {
            status,
            content_type: TEXT_TYPE,
            body: format!("{status}: the metrics are at /metrics\n"),
            has_body: true,
        }
    }
}

/// Reads once. A timeout of the socket alone would let a client that sends a byte now and then stay for ever.
fn read_until(client: &mut TcpStream, into: &mut [u8], deadline: Instant) -> io::Result<usize> {
    client.set_read_timeout(Some(left(deadline)?))?;
    client.read(into)
}

fn write_until(client: &mut TcpStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        client.set_write_timeout(Some(left(deadline)?))?;
        match client.write(bytes)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}

fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}
