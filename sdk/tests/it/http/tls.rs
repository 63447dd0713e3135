//! Encrypted connections: an authority of one's own is trusted when it is named, and only then.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use melisma_sdk::http::{Client, Retry};
use melisma_sdk::{Context, tap};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{ids, stream};

/// A server with a certificate for `localhost` that signs itself; returns its port and the certificate.
fn server() -> (u16, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a key");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a certificate");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let tls = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut tls = StreamOwned::new(tls, connection);
            let mut head = [0; 4096];
            // A client that does not trust the certificate ends the connection.
            if tls.read(&mut head).is_ok() {
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[{\"id\":1}]");
                let _ = tls.flush();
            }
        }
    });
    (port, cert.pem())
}

#[test]
fn a_certificate_is_trusted_when_it_is_named_and_only_then() {
    let (port, certificate) = server();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, certificate).expect("writes");
    let client = Client::new(&format!("https://localhost:{port}"), &Context::default()).expect("a URL");
    let client = client.retry(Retry {
        tries: 1,
        ..Retry::default()
    });
    let read =
        |client: &Client| tap::test_stream(client.get("/a", stream("a")).stream().expect("compiles"), "");
    let error = read(&client).expect_err("not trusted").to_string();
    assert!(error.contains("certificate"), "{error}");
    let messages = read(&client.clone().ca_file(&file)).expect("trusted");
    assert_eq!(ids(&messages, "a"), [1]);
    std::fs::write(&file, "no certificate").expect("writes");
    let error = read(&client.ca_file(&file))
        .expect_err("no certificate")
        .to_string();
    assert!(error.contains("has no certificate"), "{error}");
}
