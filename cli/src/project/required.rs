//! `requires_meltano`: the versions of Meltano that a project or a plugin works with.

use std::fmt;

use melisma_sdk::{Error, Result};
use pep440_rs::{Version, VersionSpecifiers};
use serde_json::Value;

/// The version of Meltano that melisma works like.
const MELTANO: [u64; 3] = [4, 4, 1];

/// A project or a plugin that needs another version of Meltano. The process ends with Meltano's exit code for that.
#[derive(Debug)]
pub(crate) struct VersionMismatch {
    what: String,
    required: String,
}

impl VersionMismatch {
    /// The exit code.
    pub(crate) const EXIT_CODE: u8 = 3;
}

impl fmt::Display for VersionMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, required } = self;
        let [major, minor, patch] = MELTANO;
        write!(
            f,
            "{what} requires Meltano {required}, and this version of melisma works like Meltano {major}.{minor}.{patch}"
        )
    }
}

impl std::error::Error for VersionMismatch {}

/// Checks the `requires_meltano` of `what`: a list of version specifiers of Python (PEP 440).
///
/// # Errors
/// Another version is required ([`VersionMismatch`]), or the text is not such a list.
pub(super) fn check(what: &str, required: Option<&Value>) -> Result<()> {
    let Some(required) = required.filter(|required| !required.is_null()) else {
        return Ok(());
    };
    let required = super::spelling::str(required);
    let specifiers: VersionSpecifiers = required.parse().map_err(|_| {
        Error::config(format!(
            "requires_meltano: expected version specifiers such as \">=4.0,<5\", found {}",
            melisma_sdk::show(&required)
        ))
    })?;
    if specifiers.contains(&Version::new(MELTANO)) {
        return Ok(());
    }
    let mismatch = VersionMismatch {
        what: what.to_owned(),
        required,
    };
    Err(Error::config("requires_meltano").with_source(mismatch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_compared_as_python_does() {
        for fits in [">=4.0", "~=4.4", "==4.4.*", ">=3,<5,!=4.4.0", "", "===4.4.1"] {
            assert!(check("the project", Some(&json!(fits))).is_ok(), "{fits}");
        }
        for other in [">4.4.1", "<4.4", "~=4.4.2", "==4.4.1.post1", ">=5.0a1"] {
            let error = check("the project", Some(&json!(other))).expect_err(other);
            let text = error.to_string();
            assert!(text.contains(&format!("requires Meltano {other},")), "{text}");
            assert!(text.ends_with("works like Meltano 4.4.1"), "{text}");
        }
        let error = check("the project", Some(&json!("latest"))).expect_err("no specifier");
        assert!(error.to_string().contains("found latest"), "{error}");
    }
}
