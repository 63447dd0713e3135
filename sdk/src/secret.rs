//! Secrets that never print: settings, and what is obtained with them at run time.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "****";

/// A secret setting: a password, a token, a connection string.
///
/// It prints, debugs and serialises as `****`, and its JSON Schema says `secret` and `writeOnly`, so that neither
/// `--about` nor an error shows it. Only [`expose`](Secret::expose) gives the value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("secret".into(), true.into());
        schema.insert("writeOnly".into(), true.into());
        schema
    }
}

/// Texts that no log line shows.
static HIDDEN: RwLock<Hidden> = RwLock::new(Hidden {
    settings: Vec::new(),
    tokens: VecDeque::new(),
});

struct Hidden {
    settings: Vec<String>,
    tokens: VecDeque<String>,
}

/// A text of fewer bytes is no secret, and would be found in every line.
const SHORTEST: usize = 4;
/// Tokens that expire after a minute would otherwise fill the memory of a run that lasts for days.
const TOKENS: usize = 256;

/// Masks a secret in every log line and in the error that ends the run, wherever it may be quoted: a key that a request
/// carries, the password in the answer of a server that repeats what it was sent.
pub fn hide(secret: &str) {
    if secret.len() < SHORTEST {
        return;
    }
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    if !hidden.settings.iter().any(|known| known == secret) {
        hidden.settings.push(secret.to_owned());
    }
}

/// The same for what a server gave at run time, of which the newest few hundred are masked.
pub fn hide_token(token: &str) {
    if token.len() < SHORTEST {
        return;
    }
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    if hidden.tokens.len() == TOKENS {
        hidden.tokens.pop_front();
    }
    hidden.tokens.push_back(token.to_owned());
}

/// A text without what is hidden.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
    let mut masked = Cow::Borrowed(text);
    for secret in hidden.settings.iter().chain(&hidden.tokens) {
        if masked.contains(secret.as_str()) {
            masked = masked.replace(secret.as_str(), MASK).into();
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_masked_wherever_it_stands() {
        hide("hunter2-setting");
        hide_token("hunter2-token");
        hide("x");
        assert_eq!(mask("key=hunter2-setting&t=hunter2-token x"), "key=****&t=**** x");
    }

    #[test]
    fn of_many_tokens_the_newest_are_masked() {
        for number in 0..=TOKENS {
            hide_token(&format!("many-tokens-{number:04}-"));
        }
        assert_eq!(mask("many-tokens-0256-"), MASK);
        assert_ne!(mask("many-tokens-0000-"), MASK);
    }

    #[test]
    fn prints_nowhere_and_reads_from_plain_text() {
        let secret: Secret<String> = serde_json::from_str(r#""hunter2""#).expect("reads");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "**** ****");
        assert_eq!(serde_json::to_string(&secret).expect("writes"), r#""****""#);
    }

    #[test]
    fn its_schema_says_that_it_is_secret() {
        let schema = schemars::schema_for!(Secret<String>);
        assert_eq!(schema.get("secret"), Some(&true.into()));
        assert_eq!(schema.get("writeOnly"), Some(&true.into()));
        assert_eq!(schema.get("type"), Some(&"string".into()));
    }
}
