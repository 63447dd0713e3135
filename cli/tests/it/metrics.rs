//! `--metrics`: the endpoint answers whoever asks well, and holds up no run whoever asks badly.
//!
//! tests/e2e has the parser of others for what it answers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use melisma_processes::{Live, wait_for};

use crate::support::{Folder, assert_code, stderr};

/// Runs until the file `go` is there.
const WAITS: &str = r#"case $* in *--discover*) exit 1;; esac
cat << 'END'
{"type": "SCHEMA", "stream": "a\"b\\c\nd", "schema": {"properties": {"i": {"type": "integer"}}}, "key_properties": []}
{"type": "RECORD", "stream": "a\"b\\c\nd", "record": {"i": 1}}
END
touch ready
while [ ! -e go ]; do sleep 0.05; done
"#;

/// A run that waits, and the address of its metrics.
fn waiting(folder: &Folder) -> (Live, String) {
    folder.write("tap.sh", WAITS);
    let args = [
        "run",
        "--no-state-update",
        "--metrics",
        ":0",
        "sh tap.sh",
        "python3 target.py",
    ];
    let run = Live::start(&mut folder.melisma(&args));
    let address = wait_for("the address", || {
        let log = run.stderr();
        let (_, rest) = log.split_once("metrics are at http://")?;
        Some(rest.split_once("/metrics\n")?.0.to_owned())
    });
    folder.wait_for("ready");
    (run, address)
}

fn ask(address: &str, request: &[u8]) -> String {
    let mut server = TcpStream::connect(address).unwrap();
    server.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    // A server that has answered already may have closed.
    let _ = server.write_all(request);
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn end(folder: &Folder, run: Live) {
    folder.write("go", "");
    run.finish().ok();
}

#[test]
fn the_metrics_are_there_while_the_run_is() {
    let folder = Folder::new();
    let (run, address) = waiting(&folder);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let sample = "melisma_records_total{block=\"1\",tap=\"tap\",target=\"target\",state_id=\"";
    let text = wait_for("the record", || {
        let text = ask(&address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        text.contains(",stream=\"a\\\"b\\\\c\\nd\"} 1\n").then_some(text)
    });
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(
        text.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\n# EOF\n") && text.contains(sample), "{text}");
    end(&folder, run);
    assert!(TcpStream::connect(&address).is_err(), "it ends with the run");
}

#[test]
fn other_requests_are_refused() {
    let folder = Folder::new();
    let (run, address) = waiting(&folder);
    let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &b"x".repeat(20_000)].concat();
    let many = [
        b"GET /metrics HTTP/1.1\r\n".as_slice(),
        &b"a: b\r\n".repeat(100),
        b"\r\n",
    ]
    .concat();
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "404"),
        (b"GET /metrics/x HTTP/1.1\r\n\r\n", "404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "405"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"),
        (b"GET /metrics\r\n\r\n", "400"),
        (&long, "431"),
        (&many, "431"),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200"),
    ] {
        let answer = ask(&address, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{status}: {answer}"
        );
    }
    let head = ask(&address, b"HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    end(&folder, run);
}

/// Slow clients take up all places, and leave them again; the run notices nothing.
#[test]
fn clients_that_stay_hold_nothing_up() {
    let folder = Folder::new();
    let (run, address) = waiting(&folder);
    let slow: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut client = TcpStream::connect(&address).unwrap();
            client.write_all(b"GET /met").unwrap();
            client
        })
        .collect();
    // A place is free again when the patience with one of them is over.
    wait_for("an answer", || {
        ask(&address, b"GET /metrics HTTP/1.1\r\n\r\n")
            .contains("# EOF")
            .then_some(())
    });
    end(&folder, run);
    drop(slow);
}

#[test]
fn an_address_that_cannot_be_had_is_refused_before_anything_starts() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = folder.run("{}", "{}", &["--metrics", &port]);
    assert_code(&output, 69);
    assert!(stderr(&output).contains(&port), "{}", stderr(&output));
    let output = folder.run("{}", "{}", &["--metrics", "192.0.2.1:1"]);
    assert_code(&output, 78);
    for wrong in ["x", "example.com:1", "1.2.3.4", ":70000", "[::1", ""] {
        assert_code(&folder.run("{}", "{}", &["--metrics", wrong]), 64);
    }
    assert!(!folder.join("tap.args").exists(), "the tap was started");
}
