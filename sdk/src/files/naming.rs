//! `file_naming_scheme`: from a stream's name to a path below the destination.

use std::path::PathBuf;

use melisma_engine::{Error, Result};

use super::escape;

/// The longest name of a file or folder, in bytes: file systems take 255, and temporary names need some of them.
const LONGEST: usize = 200;

/// The date and the time of the run, as the settings write them.
#[derive(Clone, Debug)]
pub(super) struct Stamps {
    /// What `{datestamp}` stands for.
    pub(super) date: String,
    /// What `{timestamp}` stands for.
    pub(super) time: String,
}

/// A compiled `file_naming_scheme`.
///
/// Placeholders are `{stream_name}`, `{datestamp}` and `{timestamp}`; `{{` and `}}` are plain braces, as in Python.
/// A `/` makes a folder. The stream's name cannot make one: what is not safe in a file name is percent-escaped.
#[derive(Clone, Debug)]
pub(super) struct Scheme {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Stream,
}

impl Scheme {
    pub(super) fn new(template: &str, stamps: &Stamps) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let name = rest.split_once('}').filter(|_| brace == "{");
            let Some((name, after)) = name else {
                return Err(wrong(
                    template,
                    "a brace stands alone (write {{ or }} for a plain one)",
                ));
            };
            match name {
                "stream_name" => {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    pieces.push(Piece::Stream);
                }
                "datestamp" => literal.push_str(&stamps.date),
                "timestamp" => literal.push_str(&stamps.time),
                _ => {
                    return Err(wrong(
                        template,
                        &format!("{{{name}}} is none of {{stream_name}}, {{datestamp}}, {{timestamp}}"),
                    ));
                }
            }
            rest = after;
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        let scheme = Self { pieces };
        scheme.path("stream")?;
        Ok(scheme)
    }

    /// The path of a stream's file, below the destination.
    ///
    /// # Errors
    /// A stream without a name, or a path that is too long or would leave the destination.
    pub(super) fn path(&self, stream: &str) -> Result<PathBuf> {
        if stream.is_empty() {
            return Err(Error::input("a stream without a name cannot have a file"));
        }
        let mut path = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => path.push_str(literal),
                Piece::Stream => path.push_str(&escape::file_name(stream)),
            }
        }
        for name in path.split('/') {
            if matches!(name, "" | "." | "..") || name.contains(['\0', '\\']) {
                return Err(wrong(&path, "it must stay below destination_path"));
            }
            if name.len() > LONGEST {
                return Err(wrong(
                    &path,
                    &format!("a name in it is longer than {LONGEST} bytes"),
                ));
            }
        }
        Ok(PathBuf::from(path))
    }
}

fn wrong(found: &str, why: &str) -> Error {
    Error::config(format!(
        "file_naming_scheme: {why}: {}",
        melisma_engine::error::show(found)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(template: &str) -> Result<Scheme> {
        Scheme::new(
            template,
            &Stamps {
                date: "2026-08-23".into(),
                time: "2026-08-23.T101500".into(),
            },
        )
    }

    #[test]
    fn fills_in_placeholders_once() {
        let path = |template, stream| {
            scheme(template)
                .and_then(|scheme| scheme.path(stream))
                .expect("a path")
        };
        assert_eq!(path("{stream_name}.csv", "orders"), PathBuf::from("orders.csv"));
        assert_eq!(
            path("{datestamp}/{stream_name}-{timestamp}.csv", "a"),
            PathBuf::from("2026-08-23/a-2026-08-23.T101500.csv")
        );
        assert_eq!(
            path("{{{stream_name}}}.csv", "{timestamp}"),
            PathBuf::from("{{timestamp}}.csv")
        );
        assert_eq!(
            path("{stream_name}/all.csv", "../up"),
            PathBuf::from("%2E.%2Fup/all.csv")
        );
    }

    #[test]
    fn refuses_what_leaves_the_folder_or_means_nothing() {
        for template in [
            "../{stream_name}",
            "/tmp/{stream_name}",
            "a//{stream_name}",
            "./x",
            "",
            "{stream}.csv",
            "{",
            "}",
            "a\0b",
        ] {
            let error = scheme(template).expect_err(template);
            assert!(error.to_string().starts_with("file_naming_scheme: "), "{error}");
        }
        assert!(scheme("{stream_name}").is_ok_and(|scheme| scheme.path("").is_err()));
    }
}
