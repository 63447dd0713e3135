//! `SCHEME://BUCKET/PREFIX` into its parts, as Meltano takes it apart.

use melisma_sdk::{Error, Result};
use percent_encoding::percent_decode_str;

/// The place that a URI names.
pub(super) struct Place {
    /// The bucket, or the container.
    pub(super) bucket: String,
    /// What the names of all objects begin with, without slashes at its ends. Empty for the whole bucket.
    pub(super) prefix: String,
    /// What stands before an `@`: a key and its secret.
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

impl Place {
    /// Of a URI without its scheme.
    ///
    /// # Errors
    /// It has no bucket. The message does not repeat the URI, which may have a secret.
    pub(super) fn parse(scheme: &str, rest: &str) -> Result<Self> {
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let (userinfo, bucket) = match authority.rsplit_once('@') {
            Some((userinfo, bucket)) => (Some(userinfo), bucket),
            None => (None, authority),
        };
        if bucket.is_empty() {
            return Err(Error::config(format!(
                "state_backend.uri: expected {scheme}://BUCKET/PREFIX, and there is no bucket in it"
            )));
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = match userinfo.map(|info| info.split_once(':').unwrap_or((info, ""))) {
            Some((user, password)) => (Some(decoded(user)), Some(decoded(password))),
            None => (None, None),
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            user: user.filter(|text| !text.is_empty()),
            password: password.filter(|text| !text.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_has_a_bucket_a_prefix_and_perhaps_a_key() {
        let parts = |rest: &str| {
            let place = Place::parse("s3", rest).expect("a place");
            (place.bucket, place.prefix, place.user, place.password)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("b"), ("b".into(), String::new(), None, None));
        assert_eq!(parts("b/p/q/"), ("b".into(), "p/q".into(), None, None));
        assert_eq!(parts("b//p?x#y"), ("b".into(), "p".into(), None, None));
        assert_eq!(
            parts("AK:s%2Fec+ret@b/p"),
            ("b".into(), "p".into(), some("AK"), some("s/ec+ret"))
        );
        let error = Place::parse("s3", "AK:hidden@/p")
            .err()
            .expect("no bucket")
            .to_string();
        assert!(
            error.contains("s3://BUCKET/PREFIX") && !error.contains("hidden"),
            "{error}"
        );
    }
}
