//! The files of the AWS command line: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::PathBuf;

/// What a profile has. A profile that takes on a role, or starts a program, has no key here.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Profile {
    pub(super) key: Option<(String, String)>,
    pub(super) token: Option<String>,
    pub(super) region: Option<String>,
}

impl Profile {
    /// The profile of `AWS_PROFILE`, or `default`; empty when the files are not there.
    pub(super) fn read() -> Self {
        let name = env::var("AWS_PROFILE").or_else(|_| env::var("AWS_DEFAULT_PROFILE"));
        let file = |variable: &str, name: &str| {
            let home = || env::home_dir().map(|home| home.join(".aws").join(name));
            let path = env::var_os(variable).map(PathBuf::from).or_else(home)?;
            fs::read_to_string(path).ok()
        };
        Self::of(
            name.as_deref().unwrap_or("default"),
            &file("AWS_SHARED_CREDENTIALS_FILE", "credentials").unwrap_or_default(),
            &file("AWS_CONFIG_FILE", "config").unwrap_or_default(),
        )
    }

    fn of(name: &str, credentials: &str, config: &str) -> Self {
        let mut values = section(config, &[&format!("profile {name}"), name]);
        values.extend(section(credentials, &[name]));
        let mut take = |key: &str| values.remove(key).map(str::to_owned);
        Self {
            key: take("aws_access_key_id").zip(take("aws_secret_access_key")),
            token: take("aws_session_token"),
            region: take("region"),
        }
    }
}

/// The values of a section that has one of these names.
fn section<'a>(text: &'a str, names: &[&str]) -> HashMap<&'a str, &'a str> {
    let mut is_ours = false;
    let mut values = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_ours = names.contains(&name.trim());
        } else if is_ours
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            values.insert(key.trim(), value.trim());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_from_both_files() {
        let credentials = "[default]\naws_access_key_id = A\naws_secret_access_key=s=/+\n# aws_session_token = no\n[other]\naws_access_key_id=B\n";
        let config = "[default]\nregion = eu-west-1\n[profile other]\nregion=us-west-2\naws_secret_access_key = t\naws_session_token = u\n";
        let key = |key: &str, secret: &str| Some((key.to_owned(), secret.to_owned()));
        assert_eq!(
            Profile::of("default", credentials, config),
            Profile {
                key: key("A", "s=/+"),
                token: None,
                region: Some("eu-west-1".into()),
            }
        );
        assert_eq!(
            Profile::of("other", credentials, config),
            Profile {
                key: key("B", "t"),
                token: Some("u".into()),
                region: Some("us-west-2".into()),
            }
        );
        assert_eq!(Profile::of("none", credentials, config), Profile::default());
    }
}
