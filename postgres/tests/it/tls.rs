use std::os::unix::fs::PermissionsExt;
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
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
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

/// A URL of the server, as `localhost`: the certificate is for another name.
fn url(database: &str, options: &str) -> String {
    let port = secure().server.port();
    format!("postgresql://melisma:test's%20%22p%40ss%3Aword%2F1@localhost:{port}/{database}?{options}")
}

fn by_url(database: &str, options: &str, more: &Value) -> melisma_sdk::Result<bool> {
    let mut settings = json!({ "sqlalchemy_url": url(database, options) });
    settings
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    connects(&serde_json::from_value(settings).expect("fits"))
}

#[test]
fn a_key_that_others_may_read_is_refused_as_libpq_refuses_it() {
    let secure = secure();
    let folder = tempfile::tempdir().expect("made");
    let key = folder.path().join("k.pem");
    std::fs::write(&key, &secure.key).expect("written");
    let certificate = folder.path().join("c.pem");
    std::fs::write(&certificate, &secure.certificate).expect("written");
    let mut settings = mode("require", None);
    settings["ssl_client_certificate_enable"] = true.into();
    settings["ssl_client_certificate"] = certificate.display().to_string().into();
    settings["ssl_client_private_key"] = key.display().to_string().into();
    let options = format!(
        "sslmode=require&sslcert={}&sslkey={}",
        certificate.display(),
        key.display()
    );
    // A file of root may be for a group.
    let for_group = {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(&key).expect("there").uid() == 0
    };
    for (mode, fits) in [
        (0o600, true),
        (0o400, true),
        (0o640, for_group),
        (0o644, false),
        (0o660, false),
        (0o606, false),
    ] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("set");
        for found in [
            connect("with_certificate", settings.clone()),
            by_url("with_certificate", &options, &json!({})),
        ] {
            match found {
                Ok(_) => assert!(fits, "{mode:o}"),
                Err(error) => {
                    assert!(!fits, "{mode:o}: {error}");
                    assert_eq!(error.kind(), Kind::Config);
                    assert!(error.to_string().contains("others may read"), "{error}");
                    assert!(!error.to_string().contains("k.pem"), "{error}");
                }
            }
        }
    }
}

#[test]
fn options_of_tls_in_a_url_count() {
    let secure = secure();
    let folder = tempfile::tempdir().expect("made");
    let root = folder.path().join("root.pem");
    std::fs::write(&root, &secure.authority).expect("written");
    let root = format!("sslrootcert={}", root.display());
    assert!(by_url("tls_only", &format!("sslmode=verify-ca&{root}"), &json!({})).expect("connects"));
    assert!(by_url("tls_only", "ssl=true&sslsni=0", &json!({})).expect("connects"));
    assert!(
        by_url(
            "tls_only",
            "sslmode=require&ssl_min_protocol_version=TLSv1.3",
            &json!({})
        )
        .expect("connects")
    );
    assert!(!by_url("postgres", "sslmode=disable", &json!({})).expect("connects"));
    for (options, word) in [
        (format!("sslmode=verify-full&{root}"), "name"),
        ("sslmode=verify-ca&sslrootcert=/nonexistent".into(), "sslrootcert"),
        // The system's authorities did not sign it, and what they signed says nothing without the name.
        ("sslrootcert=system".into(), "certificate"),
        ("sslrootcert=system&sslmode=verify-full".into(), "certificate"),
        ("sslrootcert=system&sslmode=require".into(), "verify-full"),
        (
            "sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2".into(),
            "protocol",
        ),
    ] {
        let error = by_url("tls_only", &options, &json!({})).expect_err(&options);
        assert!(error.to_string().contains(word), "{options}: {error}");
    }
}

#[test]
fn settings_of_tls_beside_a_url_count_or_are_refused() {
    let authority = secure().authority.clone();
    let full = mode("verify-full", Some(&authority));
    let ca = mode("verify-ca", Some(&authority));
    // The URL says nothing of TLS.
    assert!(by_url("tls_only", "", &ca).expect("connects"));
    by_url("tls_only", "", &full).expect_err("the name does not fit");
    by_url("tls_only", "", &mode("verify-ca", Some("/nonexistent"))).expect_err("no such authority");
    // It says the mode, the settings the authority.
    let authority_alone = json!({ "ssl_certificate_authority": authority });
    assert!(by_url("tls_only", "sslmode=verify-ca", &authority_alone).expect("connects"));
    assert!(by_url("tls_only", "sslmode=verify-ca", &ca).expect("connects"));
    assert!(by_url("tls_only", "sslmode=require", &json!({ "ssl": true })).expect("connects"));
    for (options, more) in [
        ("sslmode=disable", full.clone()),
        ("sslmode=require", full),
        ("sslmode=disable", json!({ "ssl": true })),
        ("sslmode=verify-ca&sslrootcert=/other.pem", ca),
    ] {
        let error = by_url("tls_only", options, &more).expect_err(options);
        assert_eq!(error.kind(), Kind::Config, "{options} {more}: {error}");
        assert!(
            error.to_string().contains("say the same in both"),
            "{options} {more}: {error}"
        );
    }
}
