use super::*;
use crate::url::parse;

fn with(option: &str) -> Result<Parameters> {
    parse(&format!("postgresql://u:x@h/d?{option}"))
}

const TAKEN: &str = "client_encoding=utf8 connect_timeout=5 gssencmode=disable gssencmode=prefer sslcompression=0 \
    channel_binding=prefer target_session_attrs=any target_session_attrs=read-write keepalives=1 \
    keepalives_idle=30 keepalives_interval=10 keepalives_count=5 tcp_user_timeout=1000 sslsni=1 \
    sslnegotiation=postgres ssl_min_protocol_version=TLSv1.2 ssl_max_protocol_version=TLSv1.3 passfile=/x \
    fallback_application_name=x krbsrvname=postgres gsslib=gssapi gssdelegation=0 replication=false \
    load_balance_hosts=disable options=-c%20statement_timeout%3D1000 sslrootcert=system sslpassword=x \
    sslcertmode=disable min_protocol_version=3.0 max_protocol_version=latest ssl=true user=a@b dbname=x \
    hostaddr=127.0.0.1 sslmode= host=";

const REFUSED_OPTIONS: &str = "service=x servicefile=x require_auth=none requirepeer=x sslcrl=/x sslcrldir=/x sslkeylogfile=/x \
    scram_client_key=x scram_server_key=x oauth_issuer=x oauth_scope=x gssencmode=require replication=database \
    sslnegotiation=direct sslcertmode=require target_session_attrs=prefer-standby \
    ssl_max_protocol_version=TLSv1.1 min_protocol_version=3.2 authtype=x connect_timeout=soon keepalives=yes \
    keepalive=1 sslmodes=disable ssl=1 target_session_attr=any tcp_user_timeouts=1 statement_timeout=5";

#[test]
fn every_option_of_libpq_is_honoured_ignored_or_named() {
    for option in TAKEN.split(' ') {
        if let Err(error) = with(option) {
            panic!("{option}: {error}");
        }
    }
    for option in REFUSED_OPTIONS.split(' ') {
        let error = with(option)
            .err()
            .unwrap_or_else(|| panic!("{option} is refused"));
        let name = option.split('=').next().unwrap_or_default();
        assert!(
            error.to_string().contains(&format!("option {name}: ")),
            "{option}: {error}"
        );
        assert_eq!(error.kind(), melisma_sdk::Kind::Config);
    }
}

#[test]
fn values_have_libpqs_units() {
    let options =
        "connect_timeout=0&tcp_user_timeout=1500&keepalives_idle=30&keepalives_count=4&hostaddr=127.0.0.1";
    let read = with(options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.connect_timeout, Some(0));
    assert_eq!(
        read.config.get_tcp_user_timeout(),
        Some(&Duration::from_millis(1500))
    );
    assert_eq!(read.config.get_keepalives_idle(), Duration::from_secs(30));
    assert_eq!(read.config.get_keepalives_retries(), Some(4));
    assert_eq!(read.addresses.len(), 1);
}
