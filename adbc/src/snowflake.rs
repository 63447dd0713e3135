//! How the connectors of Snowflake log in: the settings that they share, as options of the driver.

use std::collections::BTreeMap;
use std::fs;

use melisma_sdk::{Error, JsonSchema, Result, Secret, show};
use serde::Deserialize;

use crate::database::Address;

/// How to log in to Snowflake: by one of `password`, `private_key`, `private_key_path`, `oauth_access_token` and
/// `use_browser_authentication`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SnowflakeLogin {
    /// The identifier of the account: `organization-account`.
    account: String,
    /// The name of the user.
    user: String,
    /// The password of the user.
    #[serde(default)]
    password: Option<Secret<String>>,
    /// The private key of the user: PEM, or the base64 of its DER.
    #[serde(default)]
    private_key: Option<Secret<String>>,
    /// The file with the private key of the user.
    #[serde(default)]
    private_key_path: Option<String>,
    /// The passphrase of the private key, if it has one.
    #[serde(default)]
    private_key_passphrase: Option<Secret<String>>,
    /// An access token of OAuth.
    #[serde(default)]
    oauth_access_token: Option<Secret<String>>,
    /// Log in with a web browser, by single sign-on.
    #[serde(default)]
    use_browser_authentication: bool,
    /// The warehouse that runs the statements. Not set: that of the user.
    #[serde(default)]
    warehouse: Option<String>,
    /// The role of the session. Not set: that of the user.
    #[serde(default)]
    role: Option<String>,
    /// The driver: its name where it is found, or the path of its library or manifest.
    #[serde(default = "snowflake")]
    driver: String,
    /// Options of the driver, by their names: `adbc.snowflake.sql.client_option.login_timeout`.
    #[serde(default)]
    options: BTreeMap<String, Secret<String>>,
}

fn snowflake() -> String {
    "snowflake".to_owned()
}

const PREFIX: &str = "adbc.snowflake.sql.";

impl SnowflakeLogin {
    /// The driver and its options, for this database and schema.
    ///
    /// # Errors
    /// Settings that name no way to log in, or more than one; a key that cannot be read.
    pub fn address(self, database: Option<&str>, schema: Option<&str>) -> Result<Address> {
        let mut options = self.login()?;
        let mut set = |name: &str, value: &str| {
            options.push((format!("{PREFIX}{name}"), Secret::new(value.to_owned())));
        };
        set("account", &self.account);
        for (name, value) in [
            ("db", database),
            ("schema", schema),
            ("warehouse", self.warehouse.as_deref()),
            ("role", self.role.as_deref()),
        ] {
            if let Some(value) = value {
                set(name, value);
            }
        }
        options.push(("username".to_owned(), Secret::new(self.user)));
        options.extend(self.options);
        Ok(Address {
            driver: self.driver,
            options,
            ..Address::default()
        })
    }

    fn login(&self) -> Result<Vec<(String, Secret<String>)>> {
        let option = |name: &str, value: String| (format!("{PREFIX}{name}"), Secret::new(value));
        let kind = |kind: &str| option("auth_type", kind.to_owned());
        let given = [
            self.password.is_some(),
            self.private_key.is_some() || self.private_key_path.is_some(),
            self.oauth_access_token.is_some(),
            self.use_browser_authentication,
        ];
        let ways = given.iter().filter(|&&given| given).count();
        if ways != 1 || self.private_key.is_some() && self.private_key_path.is_some() {
            let found = if ways == 0 { "none" } else { "several" };
            return Err(Error::config(format!(
                "config: expected one of password, private_key, private_key_path, oauth_access_token and \
                 use_browser_authentication, found {found}"
            )));
        }
        if let Some(password) = &self.password {
            return Ok(vec![
                kind("auth_snowflake"),
                ("password".to_owned(), password.clone()),
            ]);
        }
        if let Some(token) = &self.oauth_access_token {
            let token = option("client_option.auth_token", token.expose().clone());
            return Ok(vec![kind("auth_oauth"), token]);
        }
        if self.use_browser_authentication {
            return Ok(vec![kind("auth_ext_browser")]);
        }
        let mut options = vec![kind("auth_jwt")];
        options.push(match self.key()? {
            Key::Pem(pem) => option("client_option.jwt_private_key_pkcs8_value", pem),
            Key::File(path) => option("client_option.jwt_private_key", path),
        });
        if let Some(passphrase) = &self.private_key_passphrase {
            let name = "client_option.jwt_private_key_pkcs8_password";
            options.push(option(name, passphrase.expose().clone()));
        }
        Ok(options)
    }

    fn key(&self) -> Result<Key> {
        if let Some(path) = &self.private_key_path {
            let key = fs::read(path).map_err(|error| {
                let path = show(path);
                Error::config(format!("config: private_key_path: cannot read {path}")).with_source(error)
            })?;
            // The driver reads other forms from the file itself.
            return Ok(match String::from_utf8(key) {
                Ok(pem) if is_pkcs8(&pem) => Key::Pem(pem),
                _ => Key::File(path.clone()),
            });
        }
        let key = self.private_key.as_ref().map(Secret::expose);
        let key = key.map(|key| key.trim()).unwrap_or_default();
        if key.starts_with("-----BEGIN ") {
            return Ok(Key::Pem(key.to_owned()));
        }
        let base64: String = key.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if base64.is_empty() || !base64.bytes().all(valid) {
            return Err(Error::config(
                "config: private_key: expected a key in PEM, or the base64 of its DER, found another text",
            ));
        }
        let label = if self.private_key_passphrase.is_some() {
            "ENCRYPTED PRIVATE KEY"
        } else {
            "PRIVATE KEY"
        };
        let lines: Vec<&str> = (0..base64.len())
            .step_by(64)
            .filter_map(|at| base64.get(at..base64.len().min(at + 64)))
            .collect();
        let lines = lines.join("\n");
        Ok(Key::Pem(format!(
            "-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
        )))
    }
}

/// A private key for the driver.
enum Key {
    /// PKCS #8.
    Pem(String),
    /// A file that the driver reads.
    File(String),
}

fn is_pkcs8(pem: &str) -> bool {
    pem.contains("-----BEGIN PRIVATE KEY-----") || pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
}

#[cfg(test)]
mod tests {
    use melisma_sdk::json;

    use super::*;

    fn address(more: &serde_json::Value) -> Result<Address> {
        let mut config = json!({"account": "org-acc", "user": "LOADER", "role": "R"});
        for (name, value) in more.as_object().expect("settings") {
            config[name] = value.clone();
        }
        let login: SnowflakeLogin = serde_json::from_value(config).expect("settings");
        login.address(Some("DB"), None)
    }

    fn option(address: &Address, name: &str) -> Option<String> {
        let name = format!("{PREFIX}{name}");
        let found = address.options.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.expose().clone())
    }

    #[test]
    fn there_is_one_way_to_log_in() {
        for none_or_several in [
            json!({}),
            json!({"password": "x", "oauth_access_token": "y"}),
            json!({"private_key": "x", "private_key_path": "y"}),
        ] {
            let error = address(&none_or_several).expect_err("refused").to_string();
            assert!(error.contains("expected one of password, private_key"), "{error}");
        }
        let password = address(&json!({"password": "x"})).expect("an address");
        assert_eq!(option(&password, "auth_type").as_deref(), Some("auth_snowflake"));
        assert_eq!(option(&password, "db").as_deref(), Some("DB"));
        assert_eq!(option(&password, "role").as_deref(), Some("R"));
        assert_eq!(option(&password, "schema"), None);
        let browser = address(&json!({"use_browser_authentication": true})).expect("an address");
        assert_eq!(option(&browser, "auth_type").as_deref(), Some("auth_ext_browser"));
        let token = address(&json!({"oauth_access_token": "t"})).expect("an address");
        assert_eq!(option(&token, "client_option.auth_token").as_deref(), Some("t"));
    }

    #[test]
    fn a_key_is_pem_whatever_form_it_came_in() {
        let of = |more: &serde_json::Value| {
            let address = address(more).expect("an address");
            assert_eq!(option(&address, "auth_type").as_deref(), Some("auth_jwt"));
            option(&address, "client_option.jwt_private_key_pkcs8_value")
        };
        let long = "A".repeat(70);
        let pem = of(&json!({"private_key": long, "private_key_passphrase": "p"})).expect("a key");
        let (first, rest) = ("A".repeat(64), "A".repeat(6));
        let expected = format!(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{first}\n{rest}\n-----END ENCRYPTED PRIVATE KEY-----\n"
        );
        assert_eq!(pem, expected);
        assert_eq!(
            of(&json!({"private_key": expected})),
            Some(expected.trim().to_owned())
        );
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), &expected).expect("written");
        assert_eq!(of(&json!({"private_key_path": file.path()})), Some(expected));
        fs::write(file.path(), "-----BEGIN RSA PRIVATE KEY-----").expect("written");
        assert_eq!(of(&json!({"private_key_path": file.path()})), None);
        let error = address(&json!({"private_key": "not a key!"})).expect_err("refused");
        assert!(!error.to_string().contains("not a key"), "{error}");
    }
}
