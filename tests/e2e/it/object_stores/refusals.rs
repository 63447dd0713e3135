//! Object stores that cannot be used: what is said, with which exit code, and that no secret is said.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use super::{ID, Place, Store, project, singer_state};
use crate::harness::{python, run};
use crate::system_database::Project;

/// Runs a project that fails, and looks for secrets in what it says and in its log file.
fn fails(project: &Project, code: i32, said: &[&str]) {
    let outcome = run(&mut project.command(&[]), b"").fails(code, said);
    let mut all = outcome.stderr;
    let list = Command::new("grep")
        .args(["-r", "", "--include=elt.log"])
        .arg(project.path("xdg"))
        .output()
        .expect("grep starts");
    all.push_str(&String::from_utf8_lossy(&list.stdout));
    for secret in ["pass-w0rd", "Eby8vdM02xNOcq", "cGFzcy13MHJk", "Signature"] {
        assert!(!all.contains(secret), "{secret} in: {all}");
    }
}

#[test]
fn a_store_that_does_not_answer_is_unavailable() {
    for store in Store::ALL {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let place = store.place_at(port, "p");
        let project = project(&place);
        fails(
            &project,
            69,
            &[&place.location, "no answer from 127.0.0.1", "refused"],
        );
        assert_eq!(project.rows(), 0, "nothing was read");
    }
}

#[test]
fn a_bucket_that_is_not_there_is_no_empty_state() {
    for (store, code) in [
        (Store::S3, "404 (NoSuchBucket)"),
        (Store::Google, "404 (NoSuchBucket)"),
        (Store::Azure, "404 (ContainerNotFound)"),
    ] {
        let mut place = store.place();
        place.settings = place.settings.replace("://states/", "://no-such-states/");
        fails(
            &project(&place),
            78,
            &["no-such-states", code, "there is no such bucket"],
        );
    }
}

#[test]
fn a_wrong_key_is_named_by_its_effect() {
    let mut place = Store::Azure.place();
    place.settings = place
        .settings
        .replace("AccountKey=Eby8vdM02xNOcq", "AccountKey=cGFzcy13MHJkAA");
    fails(
        &project(&place),
        78,
        &[&place.location, "403 (AuthorizationFailure)", "credentials"],
    );
}

#[test]
fn settings_that_contradict_each_other_or_lack_something_are_refused_by_name() {
    for (settings, said) in [
        (
            "{uri: 's3://b/p', s3: {aws_access_key_id: k}}",
            "state_backend.s3.aws_secret_access_key is not",
        ),
        (
            "{uri: 's3://b/p', s3: {aws_secret_access_key: pass-w0rd}}",
            "state_backend.s3.aws_access_key_id is not",
        ),
        ("{uri: 's3:///p'}", "expected s3://BUCKET/PREFIX"),
        ("{uri: 'azure://c/p'}", "state_backend.azure.connection_string"),
        (
            "{uri: 'azure://c/p', azure: {connection_string: 'AccountKey=pass-w0rd'}}",
            "expected AccountName",
        ),
        (
            "{uri: 'gs://b/p', gcs: {application_credentials_path: a, application_credentials_json: pass-w0rd}}",
            "are both set",
        ),
        (
            "{uri: 'gs://b/p', gcs: {application_credentials_json: pass-w0rd}}",
            "no connection can be made",
        ),
        (
            "{uri: 'gs://b/p', gcs: {application_credentials_path: /no/such/file}}",
            "no connection can be made",
        ),
    ] {
        fails(&Project::new(&format!("state_backend: {settings}")), 78, &[said]);
    }
}

#[test]
fn the_key_may_be_in_the_uri_in_variables_or_in_the_users_files() {
    let place = Store::S3.place();
    let uri = |userinfo: &str| place.location.replace("s3://", &format!("s3://{userinfo}"));
    let endpoint = (
        "MELTANO_STATE_BACKEND_S3_ENDPOINT_URL",
        format!("http://127.0.0.1:{}", place.port),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("credentials");
    fs::write(
        &files,
        "[work]\naws_access_key_id = k\naws_secret_access_key = pass-w0rd\n",
    )
    .expect("written");
    let ways: [Vec<(&'static str, String)>; 4] = [
        vec![("MELTANO_STATE_BACKEND_URI", uri("k:pass-w0rd@"))],
        vec![
            ("MELTANO_STATE_BACKEND_URI", uri("")),
            ("MELTANO_STATE_BACKEND_S3_AWS_ACCESS_KEY_ID", "k".into()),
            (
                "MELTANO_STATE_BACKEND_S3_AWS_SECRET_ACCESS_KEY",
                "pass-w0rd".into(),
            ),
        ],
        vec![
            ("MELTANO_STATE_BACKEND_URI", uri("")),
            ("AWS_ACCESS_KEY_ID", "k".into()),
            ("AWS_SECRET_ACCESS_KEY", "pass-w0rd".into()),
        ],
        vec![
            ("MELTANO_STATE_BACKEND_URI", uri("")),
            ("AWS_SHARED_CREDENTIALS_FILE", files.display().to_string()),
            ("AWS_PROFILE", "work".into()),
        ],
    ];
    for (turn, mut vars) in (1..).zip(ways) {
        vars.push(endpoint.clone());
        let project = Project::new("").with(&vars);
        let outcome = run(&mut project.command(&[]), b"").ok();
        assert!(!outcome.stderr.contains("pass-w0rd"), "{}", outcome.stderr);
        assert_eq!(singer_state(&project, ID)["n"], 3 * turn, "{vars:?}");
    }
}

#[test]
fn an_account_of_google_signs_its_requests() {
    let make = "from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
print(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())";
    let key = run(Command::new(python("python-stores")).args(["-c", make]), b"")
        .ok()
        .stdout;
    let account = serde_json::json!({
        "type": "service_account", "private_key": String::from_utf8(key).expect("PEM"), "private_key_id": "1",
        "client_email": "test@example.com",
    });
    let place: Place = Store::Google.place();
    let mut project = Project::new(&place.settings).with(&place.vars);
    let path = project.path("account.json");
    fs::write(&path, account.to_string()).expect("written");
    let ways = [
        (
            "MELTANO_STATE_BACKEND_GCS_APPLICATION_CREDENTIALS_PATH",
            path.display().to_string(),
        ),
        (
            "MELTANO_STATE_BACKEND_GCS_APPLICATION_CREDENTIALS_JSON",
            account.to_string(),
        ),
    ];
    for (turn, way) in (1..).zip(ways) {
        project.vars = place.vars.clone();
        project.vars.push(way);
        run(&mut project.command(&[]), b"").ok();
        assert_eq!(singer_state(&project, ID)["n"], 3 * turn);
    }
}
