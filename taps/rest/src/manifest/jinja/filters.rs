//! The filters that Jinja does not have, or has otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use minijinja::value::{Rest, Value as Jinja};
use minijinja::{Environment, Error, ErrorKind};
use regex::Regex;
use sha2::{Digest as _, Sha256, Sha512};

use super::failure::wrong;
use super::functions::{moment_of, python_text, shift};

/// Filters of the template engine that do what those of Python's Jinja do.
const SAME: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "groupby",
    "indent",
    "int",
    "items",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
];

const OWN: &[&str] = &[
    "base64binascii_decode",
    "base64decode",
    "base64encode",
    "hash",
    "hmac",
    "join",
    "regex_replace",
    "regex_search",
    "string",
];

/// Whether there is such a filter.
pub(super) fn is_one(name: &str) -> bool {
    SAME.contains(&name) || OWN.contains(&name)
}

pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("__minus", |moment: &Jinja, by: &str| {
        shift(&moment_of(moment)?, by, -1)
    });
    environment.add_filter("__plus", |moment: &Jinja, by: &str| {
        shift(&moment_of(moment)?, by, 1)
    });
    environment.add_filter("string", string);
    environment.add_filter("join", join);
    environment.add_filter("hash", hash);
    environment.add_filter("hmac", hmac);
    environment.add_filter("base64encode", |text: &str| STANDARD.encode(text));
    environment.add_filter("base64binascii_decode", |text: &str| STANDARD.encode(text));
    environment.add_filter("base64decode", |text: &str| {
        let bytes = STANDARD.decode(text).map_err(|_| wrong("no base64"))?;
        String::from_utf8(bytes).map_err(|_| wrong("no text in base64"))
    });
    environment.add_filter("regex_search", |text: &str, pattern: &str| {
        let pattern = regex(pattern)?;
        let found = pattern.captures(text).and_then(|groups| groups.get(1));
        Ok::<_, Error>(found.map_or("", |found| found.as_str()).to_owned())
    });
    environment.add_filter("regex_replace", |text: &str, pattern: &str, with: &str| {
        // Python's groups are \1.
        let with = Regex::new(r"\\(\d)").map_or_else(
            |_| with.to_owned(),
            |group| group.replace_all(&with.replace('$', "$$"), "$${$1}").into_owned(),
        );
        Ok::<_, Error>(regex(pattern)?.replace_all(text, with).into_owned())
    });
}

fn regex(pattern: &str) -> Result<Regex, Error> {
    Regex::new(pattern).map_err(|_| {
        let why = format!("the regular expression {pattern:?} is not one that is supported");
        Error::new(ErrorKind::InvalidOperation, why)
    })
}

/// A text stays; of all else the JSON stands in three quotes, so that it stays a text when it is read again.
fn string(value: &Jinja) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    let json = serde_json::to_value(value).map_err(|_| wrong("no JSON"))?;
    Ok(format!("\"\"\"{}\"\"\"", crate::python::dumps(&json)))
}

fn join(items: &Jinja, between: Option<&str>) -> Result<String, Error> {
    let texts: Vec<String> = items.try_iter()?.map(|item| python_text(&item)).collect();
    Ok(texts.join(between.unwrap_or_default()))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "as the template engine hands it over"
)]
fn hash(value: &Jinja, rest: Rest<Jinja>) -> Result<String, Error> {
    let kind = rest.first().and_then(Jinja::as_str).unwrap_or("md5");
    let salt = rest.get(1).map(python_text).unwrap_or_default();
    let text = python_text(value) + &salt;
    Ok(match kind {
        "md5" => hex(&Md5::digest(text)),
        "sha256" => hex(&Sha256::digest(text)),
        "sha512" => hex(&Sha512::digest(text)),
        _ => return Err(wrong("of hashes there are md5, sha256 and sha512")),
    })
}

fn hmac(value: &Jinja, key: &Jinja, kind: Option<&str>) -> Result<String, Error> {
    if kind.is_some_and(|kind| kind != "sha256") {
        return Err(wrong("hmac is for sha256"));
    }
    let key = python_text(key);
    let mut made = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| wrong("no key"))?;
    made.update(python_text(value).as_bytes());
    Ok(hex(&made.finalize().into_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
