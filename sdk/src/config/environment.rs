//! Environment variables and the `.env` file.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use melisma_engine::{Error, Result};

/// Environment variables and the folder that `.env` is looked for in.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
    folder: Option<PathBuf>,
}

impl Environment {
    /// The process's own variables and its current directory. Variables that are not UTF-8 are not there.
    pub fn process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            folder: std::env::current_dir().ok(),
        }
    }

    /// These variables and this folder: for tests.
    pub fn new<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        folder: impl Into<PathBuf>,
    ) -> Self {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            variables: variables.into_iter().map(own).collect(),
            folder: Some(folder.into()),
        }
    }

    /// The variable of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The same with what `.env` adds; a variable that is set already keeps its value.
    pub(super) fn with_dot_env(&self) -> Result<Self> {
        let mut all = self.clone();
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(".env")) else {
            return Ok(all);
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(all),
            Err(error) => {
                return Err(Error::config(format!("cannot read {}", path.display())).with_source(error));
            }
        };
        for (name, value) in text.lines().filter_map(assignment) {
            all.variables.entry(name).or_insert(value);
        }
        Ok(all)
    }
}

/// `NAME=value`, with or without `export`; the value may be in quotes and be followed by a comment.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    if name.is_empty() || name.starts_with('#') {
        return None;
    }
    let value = value.trim();
    let value = match value.as_bytes().first() {
        Some(b'\'') => value[1..].split('\'').next().unwrap_or_default().to_owned(),
        Some(b'"') => double_quoted(&value[1..]),
        _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
    };
    Some((name.to_owned(), value))
}

/// The text up to the closing quote, with `\n`, `\"` and the like read as shells' tools do.
fn double_quoted(text: &str) -> String {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(other) => value.push(other),
                None => {}
            },
            c => value.push(c),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_assignments_as_dotenv_files_have_them() {
        let read = |line| assignment(line).map(|(name, value)| format!("{name}={value}"));
        assert_eq!(read("A=1"), Some("A=1".into()));
        assert_eq!(
            read("  export B = two words # comment"),
            Some("B=two words".into())
        );
        assert_eq!(read(r#"C="a \"b\"\nc" # comment"#), Some("C=a \"b\"\nc".into()));
        assert_eq!(read(r"D='a\n#b'"), Some(r"D=a\n#b".into()));
        assert_eq!(read("E="), Some("E=".into()));
        assert_eq!(read("# F=1"), None);
        assert_eq!(read("nothing"), None);
    }
}
