//! A request and its answer as a file has them: what a [`Recorder`](super::Recorder) writes and a [`Replay`](super::Replay)
//! reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::MASK;

/// What stands for the address of the server in headers and bodies.
pub(super) const SERVER: &str = "{server}";

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    #[serde(default = "get", skip_serializing_if = "is_get")]
    pub(super) method: String,
    /// The path and the query of the request.
    pub(super) path: String,
    #[serde(default = "ok", skip_serializing_if = "is_ok")]
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) body: Value,
    /// The server is silent for this long before it answers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) delay_ms: u64,
    /// The connection breaks in the middle of the body.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) breaks: bool,
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

fn is_get(method: &str) -> bool {
    method == "GET"
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_ok(status: &u16) -> bool {
    *status == 200
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(delay: &u64) -> bool {
    *delay == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_false(breaks: &bool) -> bool {
    !breaks
}

impl Exchange {
    /// Whether it is the answer to this request.
    pub(super) fn answers(&self, method: &str, path: &str) -> bool {
        self.method == method && fits(&self.path, path)
    }
}

/// Whether a path is the recorded one, in which a mask stands for any text within a part of the path or of the query.
fn fits(recorded: &str, path: &str) -> bool {
    let Some((before, rest)) = recorded.split_once(MASK) else {
        return recorded == path;
    };
    let Some(found) = path.strip_prefix(before) else {
        return false;
    };
    let end = found.find(['/', '?', '&']).unwrap_or(found.len());
    (0..=end).any(|at| found.is_char_boundary(at) && fits(rest, &found[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_stands_for_any_text_within_its_part() {
        assert!(fits("/a?key=****&page=1", "/a?key=s3cr3t&page=1"));
        assert!(fits("/a?key=****&page=1", "/a?key=%2A%2A%2A%2A&page=1"));
        assert!(fits("/a/****/b?t=x****", "/a/7/b?t=xyz"));
        assert!(fits("/a", "/a"));
        assert!(!fits("/a?key=****&page=1", "/a?key=s3cr3t&page=2"));
        assert!(!fits("/a?key=****", "/a?key=s3cr3t&page=2"));
        assert!(!fits("/a/****", "/a/b/c"));
        assert!(!fits("/a", "/ab"));
    }
}
