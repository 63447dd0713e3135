//! `$VAR` and `${VAR}` in the values of `meltano.yml`.

use melisma_sdk::{Error, Result};
use serde_json::Value;

use super::Vars;

/// Looks up names in layers of variables; the last layer that has a name takes precedence.
pub(crate) struct Lookup<'a> {
    layers: Vec<&'a Vars>,
    /// Whether a missing variable is an error (`ff.strict_env_var_mode`) instead of empty text.
    strict: bool,
}

impl<'a> Lookup<'a> {
    /// The layers in ascending precedence.
    pub(crate) fn new(layers: impl Into<Vec<&'a Vars>>, strict: bool) -> Self {
        Self {
            layers: layers.into(),
            strict,
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.layers
            .iter()
            .rev()
            .find_map(|layer| layer.get(name))
            .map(String::as_str)
    }

    /// Expands the text inside `value`, but not keys. A value that is text and becomes empty becomes null; text inside lists
    /// and objects stays empty.
    pub(crate) fn value(&self, value: &Value) -> Result<Value> {
        Ok(match self.inside(value)? {
            Value::String(expanded) if expanded.is_empty() && value.as_str() != Some("") => Value::Null,
            expanded => expanded,
        })
    }

    fn inside(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.text(text)?),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.inside(item))
                    .collect::<Result<_>>()?,
            ),
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, value)| Ok((key.clone(), self.inside(value)?)))
                    .collect::<Result<_>>()?,
            ),
            other => other.clone(),
        })
    }

    /// Expands `${NAME}` and `$NAME` (capitals only) once; `\$` is a plain `$`.
    pub(crate) fn text(&self, text: &str) -> Result<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let escaped = rest[..at].ends_with('\\');
            let after = &rest[at + 1..];
            let Some((name, length)) = name(after) else {
                out.push_str(&rest[..=at]);
                rest = after;
                continue;
            };
            if escaped {
                out.push_str(&rest[..at - 1]);
                out.push_str(&rest[at..at + 1 + length]);
            } else {
                out.push_str(&rest[..at]);
                match self.get(name) {
                    Some(value) => out.push_str(value),
                    None if self.strict => {
                        return Err(Error::config(format!(
                            "the environment variable {name} is not set"
                        )));
                    }
                    None => {}
                }
            }
            rest = &after[length..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The name after a `$`, and the length of the reference.
fn name(after: &str) -> Option<(&str, usize)> {
    if let Some(braced) = after.strip_prefix('{') {
        let end = braced.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        return (end > 0 && braced[end..].starts_with('}')).then(|| (&braced[..end], end + 2));
    }
    let first = after.starts_with(|c: char| c.is_ascii_uppercase());
    let end = after
        .find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')
        .unwrap_or(after.len());
    first.then(|| (&after[..end], end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vars() -> Vars {
        Vars::from([
            ("ROOT".to_owned(), "r".to_owned()),
            ("ENVV".to_owned(), "e".to_owned()),
        ])
    }

    #[test]
    fn expands_as_meltano_does() {
        let vars = vars();
        let lookup = Lookup::new([&vars], false);
        for (text, expected) in [
            (r"$ROOT/${ENVV}/\$ESC/$UNSET/$lower", json!("r/e/$ESC//$lower")),
            ("$UNSET", json!(null)),
            ("", json!("")),
            ("a$", json!("a$")),
            ("${ROOT", json!("${ROOT")),
            ("$ROOT$ENVV", json!("re")),
            (r"\${ROOT}", json!("${ROOT}")),
            ("100$ é$ROOT", json!("100$ ér")),
        ] {
            assert_eq!(lookup.value(&json!(text)).expect("lenient"), expected, "{text}");
        }
        let nested = json!([1, "$ROOT", {"$ROOT": "$ENVV"}, "$UNSET"]);
        assert_eq!(
            lookup.value(&nested).expect("lenient"),
            json!([1, "r", {"$ROOT": "e"}, ""])
        );
    }

    #[test]
    fn strict_mode_names_the_missing_variable() {
        let vars = vars();
        let error = Lookup::new([&vars], true)
            .text("$UNSET")
            .expect_err("it is missing");
        assert!(error.to_string().contains("UNSET"));
    }
}
