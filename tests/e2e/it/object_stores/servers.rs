//! Servers that stand in for object stores, on this machine and gone with the process of the tests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{melisma, python, root, wait_for};

/// The bucket of each, or the container.
const BUCKET: &str = "states";
/// The account that Azurite has. Its key is public.
const AZURE_ACCOUNT: &str = "devstoreaccount1";
const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A part of a bucket that one test has for itself.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The value of `state_backend` in `meltano.yml`, in YAML.
    pub(crate) settings: String,
    /// The URI, as messages show it.
    pub(crate) location: String,
    /// Variables of both tools.
    pub(crate) vars: Vec<(&'static str, String)>,
    /// The port of the server.
    pub(crate) port: u16,
}

/// The stores that are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// moto.
    S3,
    /// moto again: the interface that `object_store` uses is Google's XML API, which is S3's but for its signatures and conditions.
    /// The emulators that can be had (fake-gcs-server, gcp-storage-emulator) have a part of it only.
    Google,
    /// Azurite.
    Azure,
}

impl Store {
    pub(crate) const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    /// A part of its bucket that nothing is in.
    pub(crate) fn place(self) -> Place {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.place_at(self.port(), &format!("team/test-{number}"))
    }

    /// The same at another port, and with this prefix.
    pub(crate) fn place_at(self, port: u16, prefix: &str) -> Place {
        let url = format!("http://127.0.0.1:{port}");
        let (scheme, more, vars) = match self {
            Self::S3 => (
                "s3",
                format!(
                    "s3: {{aws_access_key_id: key-of-s3, aws_secret_access_key: pass-w0rd, endpoint_url: '{url}'}}"
                ),
                Vec::new(),
            ),
            Self::Google => ("gs", "gcs: {}".to_owned(), vec![("STORAGE_EMULATOR_HOST", url)]),
            Self::Azure => (
                "azure",
                format!(
                    "azure: {{connection_string: 'DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};\
                     BlobEndpoint={url}/{AZURE_ACCOUNT};'}}"
                ),
                Vec::new(),
            ),
        };
        let location = format!("{scheme}://{BUCKET}/{prefix}");
        Place {
            settings: format!("state_backend: {{uri: '{location}', lock_retry_seconds: 0.2, {more}}}"),
            location,
            vars,
            port,
        }
    }

    /// Writes an object as any other program does.
    pub(crate) fn put(self, place: &Place, name: &str, text: &str) {
        let path = place.location.split_once("://").expect("a URI").1;
        let path = format!("{path}/{name}");
        match self {
            Self::S3 | Self::Google => request(place.port, "PUT", &format!("/{path}"), text),
            Self::Azure => azure_put(place.port, &[&path, text]),
        }
    }

    /// The port of its server, which is started when it is needed first.
    fn port(self) -> u16 {
        static MOTO: OnceLock<u16> = OnceLock::new();
        static AZURITE: OnceLock<u16> = OnceLock::new();
        match self {
            Self::S3 | Self::Google => *MOTO.get_or_init(s3),
            Self::Azure => *AZURITE.get_or_init(azure),
        }
    }
}

fn s3() -> u16 {
    let port = start(&mut |port| {
        let mut command = Command::new(python("python-stores"));
        let server = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])";
        command.args(["-c", server, port]);
        command
    });
    request(port, "PUT", &format!("/{BUCKET}"), "");
    port
}

fn azure() -> u16 {
    let main = azurite();
    let port = start(&mut |port| {
        let node = python("python-stores").with_file_name("node");
        let mut command = Command::new(if node.exists() {
            node
        } else {
            PathBuf::from("node")
        });
        command
            .arg(&main)
            .args(["--blobHost", "127.0.0.1", "--blobPort", port]);
        command.args([
            "--inMemoryPersistence",
            "--skipApiVersionCheck",
            "--disableTelemetry",
        ]);
        command
    });
    azure_put(port, &[BUCKET]);
    port
}

/// Makes a container, or a blob of it with a text.
fn azure_put(port: u16, words: &[&str]) {
    let made = Command::new(python("python-stores"))
        .arg(root().join("tests/e2e/python/azurite.py"))
        .args([
            &format!("http://127.0.0.1:{port}/{AZURE_ACCOUNT}"),
            AZURE_ACCOUNT,
            AZURE_KEY,
        ])
        .args(words)
        .status();
    assert!(made.expect("Python starts").success(), "{words:?}");
}

/// The program that `cargo xtask setup` has installed.
fn azurite() -> PathBuf {
    let folder = std::env::var_os("MELISMA_TEST_AZURITE").map_or_else(
        || {
            melisma()
                .ancestors()
                .nth(2)
                .expect("a target folder")
                .join("npm-azurite")
        },
        PathBuf::from,
    );
    let main = folder.join("node_modules/azurite/dist/src/blob/main.js");
    assert!(
        main.exists(),
        "{} is missing: run `cargo xtask setup`",
        main.display()
    );
    main
}

/// Starts a server, waits until it accepts connections, and returns its port.
fn start(command: &mut dyn FnMut(&str) -> Command) -> u16 {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port();
    let server = command(&port.to_string());
    // The end of its input, which comes with the end of this process in any way, ends the shell and the server.
    let mut supervisor = Command::new("sh");
    supervisor
        .args([
            "-c",
            "\"$@\" </dev/null & server=$!; cat >/dev/null; kill -9 $server",
            "sh",
        ])
        .arg(server.get_program())
        .args(server.get_args())
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = supervisor.spawn().expect("it starts");
    // Kept for as long as the process lives.
    std::mem::forget(child);
    wait_for("the object store", || {
        TcpStream::connect(("127.0.0.1", port)).ok().map(drop)
    });
    port
}

/// Sends a request, and checks that it was a success.
fn request(port: u16, method: &str, path: &str, body: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).unwrap_or_default();
    assert!(status.starts_with('2'), "{method} {path}: {answer}");
}
