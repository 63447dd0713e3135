//! Which options of a driver no log line and no error shows.

use melisma_sdk::secret;

use crate::uri::{decoded, encoded};

/// Words in the names of options whose values are secret.
const WORDS: [&str; 7] = [
    "password",
    "passphrase",
    "passwd",
    "secret",
    "token",
    "credential",
    "private_key",
];

/// Hides the value of an option, where it is a secret, or the secrets that it has inside, where it is a URI.
pub(crate) fn hide(name: &str, value: &str) {
    if is_secret(name) && !is_switch(value) {
        secret::hide(value);
    } else if let Some((_, rest)) = value.split_once("://") {
        for inner in of_uri(rest) {
            secret::hide(inner);
            let plain = decoded(inner);
            secret::hide(&encoded(&plain));
            secret::hide(&plain);
        }
    }
}

/// Whether a value says yes or no, as that of `cache_mfa_token` does: the words would be masked in every line.
fn is_switch(value: &str) -> bool {
    ["true", "false", "enabled", "disabled"].contains(&value.to_ascii_lowercase().as_str())
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The password before the host, and the parameters that are secret.
fn of_uri(rest: &str) -> impl Iterator<Item = &str> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let password = user.and_then(|user| Some(user.split_once(':')?.1));
    let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    let secret = parameters.filter(|(name, _)| is_secret(name));
    password.into_iter().chain(secret.map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secrets_of_a_uri_are_its_password_and_parameters_that_say_so() {
        let of = |rest| of_uri(rest).collect::<Vec<_>>();
        assert_eq!(of("user:p%40ss@host:5432/db?sslmode=require"), ["p%40ss"]);
        assert_eq!(
            of("host/db?password=x&user=y&aws_secret_access_key=z"),
            ["x", "z"]
        );
        assert_eq!(of("user@host/db"), [""; 0]);
        assert!(is_secret(
            "adbc.snowflake.sql.client_option.jwt_private_key_pkcs8_value"
        ));
        assert!(!is_secret("adbc.snowflake.sql.db"));
        assert!(is_secret("adbc.snowflake.sql.client_option.cache_mfa_token") && is_switch("True"));
    }
}
