use std::sync::OnceLock;

use melisma_sdk::Kind;
use melisma_testing::postgres::{Options, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use super::{connects, settings};

/// A server with a certificate for `db.example` that an authority of the test signed; by TLS only it lets the user
/// `melisma` in to the database `tls_only`, and by our certificate only to `with_certificate`.
struct Secure {
    server: Server,
    authority: String,
    certificate: String,
    key: String,
}

fn secure() -> &'static Secure {
    static SECURE: OnceLock<Secure> = OnceLock::new();
    SECURE.get_or_init(|| {
        let mut params = CertificateParams::new(Vec::new()).expect("fits");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("made")).expect("signed");
        let signed = |name: &str| {
            let key = KeyPair::generate().expect("made");
            let mut params = CertificateParams::new(vec![name.to_owned()]).expect("fits");
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            let certificate = params.signed_by(&key, &authority).expect("signed");
            (certificate.pem(), key.serialize_pem())
        };
        let (certificate, key) = signed("melisma");
        let server = Server::start(&Options {
            tls: Some(signed("db.example")),
            authority: Some(authority.pem()),
            access: vec![
                "hostssl with_certificate all all cert".into(),
                "hostnossl tls_only,with_certificate all all reject".into(),
            ],
            ..Options::default()
        });
        for name in ["tls_only", "with_certificate"] {
            server.psql("postgres", &format!("create database {name}"));
        }
        Secure {
            server,
            authority: authority.pem(),
            certificate,
            key,
        }
    })
}

fn connect(database: &str, more: Value) -> melisma_sdk::Result<bool> {
    connects(&settings(&secure().server, database, more))
}

fn mode(mode: &str, authority: Option<&str>) -> Value {
    let mut settings = json!({ "ssl_enable": true, "ssl_mode": mode });
    if let Some(authority) = authority {
        settings["ssl_certificate_authority"] = authority.into();
    }
    settings
}

#[test]
fn each_mode_does_what_libpq_does() {
    let authority = Some(secure().authority.as_str());
    let tls = |settings| connect("postgres", settings).expect("connects");
    assert!(!tls(mode("disable", None)));
    assert!(!tls(mode("allow", None)), "without, as the server does not mind");
    assert!(
        connect("tls_only", mode("allow", None)).expect("connects"),
        "with, as the server insists"
    );
    assert!(tls(mode("prefer", None)));
    assert!(tls(json!({})), "off is prefer");
    assert!(tls(json!({ "ssl": true })), "pipelinewise's name for require");
    assert!(tls(mode("require", None)));
    assert!(tls(mode("verify-ca", authority)), "any name will do");
    connect("tls_only", mode("disable", None)).expect_err("the server insists");
}

#[test]
fn a_name_or_an_authority_that_does_not_fit_is_refused() {
    let authority = Some(secure().authority.as_str());
    let other =
        CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().expect("made"));
    let other = other.expect("signed").pem();
    for (settings, word) in [
        (mode("verify-full", authority), "name"),
        (mode("verify-ca", Some(&other)), "certificate"),
        (mode("require", Some(&other)), "certificate"),
        (mode("verify-ca", None), "certificate"),
    ] {
        let error = connect("postgres", settings.clone()).expect_err("not to be trusted");
        assert_eq!(error.kind(), Kind::Unavailable, "{settings}: {error}");
        assert!(error.to_string().contains(word), "{settings}: {error}");
    }
}

#[test]
fn our_certificate_is_shown_from_text_or_file() {
    let secure = secure();
    let folder = tempfile::tempdir().expect("made");
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let mut settings = mode("require", None);
    connect("with_certificate", settings.clone()).expect_err("we showed none");
    settings["ssl_client_certificate_enable"] = true.into();
    for (certificate, key) in [
        (secure.certificate.clone(), secure.key.clone()),
        (path("c.pem", &secure.certificate), path("k.pem", &secure.key)),
    ] {
        settings["ssl_client_certificate"] = certificate.into();
        settings["ssl_client_private_key"] = key.into();
        assert!(connect("with_certificate", settings.clone()).expect("connects"));
    }
}
