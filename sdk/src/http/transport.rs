//! Connections that a signal interrupts, whatever they wait for.
//!
//! ureq blocks and cannot be cancelled, but it takes connections from outside. These wait in pieces of [`LOOK`] and look
//! between two pieces whether the run is asked to end. A watcher that shuts the sockets down would need a thread, a second
//! handle of each socket and a list of them, and would save nothing: `Stop` is a flag, which has to be looked at anyway.
//! Looking up a name and connecting cannot be cut into pieces. They run in a thread of their own, which is left alone when
//! the run ends.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use melisma_engine::{Error, Result};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    RustlsConnector, Transport,
};
use ureq::{Agent, Timeout};

use crate::signals::Stop;

/// How long a wait goes on before it looks whether the run is asked to end.
const LOOK: Duration = Duration::from_millis(20);
/// How long names and connections may take.
const CONNECT: Duration = Duration::from_secs(30);
/// Servers close connections that are idle for five seconds or more; one that is closed while a request is on its way
/// costs a retry.
const IDLE: Duration = Duration::from_secs(4);
/// Addresses of one name that are tried.
const ADDRESSES: usize = 16;

/// The agents for plain and for encrypted connections; the second needs the certificates of the system, which take time to
/// read, and so is made when it is needed.
#[derive(Clone)]
pub(super) struct Agents {
    stop: Stop,
    silence: Duration,
    user_agent: String,
    ca_file: Option<PathBuf>,
    plain: Arc<OnceLock<Agent>>,
    secure: Arc<OnceLock<Agent>>,
}

impl Agents {
    /// `silence` is the longest time without a byte from the server.
    pub(super) fn new(stop: Stop, silence: Duration, user_agent: &str, ca_file: Option<PathBuf>) -> Self {
        Self {
            stop,
            silence,
            user_agent: user_agent.to_owned(),
            ca_file,
            plain: Arc::default(),
            secure: Arc::default(),
        }
    }

    /// The agent for a URL.
    pub(super) fn of(&self, url: &str) -> Result<&Agent> {
        if !url.starts_with("https:") {
            return Ok(self
                .plain
                .get_or_init(|| self.agent(TlsConfig::builder().build())));
        }
        if let Some(agent) = self.secure.get() {
            return Ok(agent);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&self.certificates()?))
            .build();
        Ok(self.secure.get_or_init(|| self.agent(tls)))
    }

    fn agent(&self, tls: TlsConfig) -> Agent {
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_age(IDLE)
            .user_agent(self.user_agent.as_str())
            .accept("application/json, */*;q=0.5")
            .allow_non_standard_methods(true)
            .tls_config(tls)
            .build();
        let connector = ()
            .chain(ConnectProxyConnector::default())
            .chain(Connect {
                stop: self.stop.clone(),
                silence: self.silence,
            })
            .chain(RustlsConnector::default());
        let resolver = Resolve {
            stop: self.stop.clone(),
        };
        Agent::with_parts(config, connector, resolver)
    }

    /// The certificates of the system, and those of the file.
    fn certificates(&self) -> Result<Vec<Certificate<'static>>> {
        let system = rustls_native_certs::load_native_certs().certs;
        let mut all: Vec<_> = system
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        if let Some(path) = &self.ca_file {
            let shown = path.display();
            let pem = std::fs::read(path).map_err(|error| {
                Error::config(format!("cannot read the certificates {shown}")).with_source(error)
            })?;
            let before = all.len();
            for item in ureq::tls::parse_pem(&pem) {
                let wrong = |error| Error::config(format!("{shown} is not a PEM file")).with_source(error);
                if let PemItem::Certificate(certificate) = item.map_err(wrong)? {
                    all.push(certificate);
                }
            }
            if all.len() == before {
                return Err(Error::config(format!("{shown} has no certificate")));
            }
        }
        Ok(all)
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents")
            .field("silence", &self.silence)
            .finish_non_exhaustive()
    }
}

fn stopped() -> io::Error {
    io::Error::other("the run is asked to end")
}

/// Waits for work in a thread, unless the run is asked to end.
fn unless_stopped<T: Send + 'static>(
    stop: &Stop,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ureq::Error> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("connect".to_owned())
        .spawn(move || sender.send(work()))?;
    let begin = Instant::now();
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(done) => return Ok(done?),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("the connecting thread died").into());
            }
            Err(RecvTimeoutError::Timeout) if stop.is_requested() => return Err(stopped().into()),
            Err(RecvTimeoutError::Timeout) if begin.elapsed() > CONNECT => {
                return Err(ureq::Error::Timeout(Timeout::Connect));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[derive(Debug)]
struct Resolve {
    stop: Stop,
}

impl Resolver for Resolve {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(ureq::Error::BadUri("a scheme and a host are needed".to_owned()));
        };
        let Some(host) = DefaultResolver::host_and_port(scheme, authority) else {
            return Err(ureq::Error::BadUri("a port is needed".to_owned()));
        };
        let found = match host.parse::<SocketAddr>() {
            Ok(address) => vec![address],
            Err(_) => unless_stopped(&self.stop, move || {
                Ok(host.to_socket_addrs()?.collect::<Vec<_>>())
            })?,
        };
        let mut addresses = self.empty();
        found
            .into_iter()
            .take(ADDRESSES)
            .for_each(|address| addresses.push(address));
        if addresses.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(addresses)
    }
}

#[derive(Debug)]
struct Connect {
    stop: Stop,
    silence: Duration,
}

impl<In: Transport> Connector<In> for Connect {
    type Out = Either<In, Interruptible>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if chained.is_some() {
            // A proxy's connection, which was made here, too.
            return Ok(chained.map(Either::A));
        }
        let addresses: Vec<SocketAddr> = details.addrs.iter().copied().collect();
        let stream = unless_stopped(&self.stop, move || first_that_connects(&addresses))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_write_timeout(Some(LOOK))?;
        let config = details.config;
        Ok(Some(Either::B(Interruptible {
            stream,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            stop: self.stop.clone(),
            silence: self.silence,
        })))
    }
}

fn first_that_connects(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A connection whose waits end when the run is asked to end.
struct Interruptible {
    stream: TcpStream,
    buffers: LazyBuffers,
    stop: Stop,
    silence: Duration,
}

impl Interruptible {
    /// Goes on after a piece of waiting, unless that was the last one.
    fn wait_on(&self, begin: Instant, error: io::Error, reason: Timeout) -> Result<(), ureq::Error> {
        if self.stop.is_requested() {
            return Err(stopped().into());
        }
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut if begin.elapsed() < self.silence => Ok(()),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(ureq::Error::Timeout(reason)),
            _ => Err(error.into()),
        }
    }
}

impl Transport for Interruptible {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let begin = Instant::now();
        let mut sent = 0;
        while sent < amount {
            let written = self.stream.write(&self.buffers.output()[sent..amount]);
            match written {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => sent += count,
                Err(error) => self.wait_on(begin, error, Timeout::SendBody)?,
            }
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let begin = Instant::now();
        loop {
            let read = self.stream.read(self.buffers.input_append_buf());
            match read {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(error) => self.wait_on(begin, error, Timeout::RecvResponse)?,
            }
        }
    }

    /// Whether a connection that was idle can be used again: nothing came on it, not even its end.
    fn is_open(&mut self) -> bool {
        let quiet = |stream: &mut TcpStream| {
            stream.set_nonblocking(true)?;
            let read = stream.read(&mut [0]);
            stream.set_nonblocking(false)?;
            read
        };
        quiet(&mut self.stream).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl fmt::Debug for Interruptible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interruptible").finish_non_exhaustive()
    }
}
