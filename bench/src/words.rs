//! Command lines: split into words as a shell does, with placeholders, and shown without passwords.

use std::ffi::OsString;
use std::path::Path;

use melisma_sdk::internal::printable::printable;
use melisma_sdk::{Error, Kind, Result, show};

/// A command line that no shell reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    words: Vec<String>,
}

/// What placeholders of a command line stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// `{input}`: the file that was generated or given.
    pub input: Option<&'a Path>,
    /// `{rows}`: its rows.
    pub rows: Option<u64>,
}

/// Which program the first word of a command line means.
#[derive(Clone, Debug)]
pub struct Programs {
    /// This program.
    pub melisma: OsString,
    /// Names of plugins that are built into it.
    pub builtin: Vec<&'static str>,
}

impl CommandLine {
    /// Splits a text, which `what` names in errors.
    pub fn parse(what: &str, text: &str) -> Result<Self> {
        match shlex::split(text) {
            Some(words) if !words.is_empty() => Ok(Self { words }),
            Some(_) => Err(Error::new(
                Kind::Usage,
                format!("{what}: expected a command line, found nothing"),
            )),
            None => Err(Error::new(
                Kind::Usage,
                format!(
                    "{what}: expected a command line, found a quote without its end: {}",
                    show(text)
                ),
            )),
        }
    }

    /// Of words.
    pub fn of<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
        }
    }

    /// `NAME=COMMAND`
    pub fn named(what: &str, text: &str) -> Result<(String, Self)> {
        match text.split_once('=') {
            Some((name, command)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), Self::parse(what, command)?))
            }
            _ => Err(Error::new(
                Kind::Usage,
                format!("{what}: expected NAME=COMMAND, found {}", show(text)),
            )),
        }
    }

    /// Its words as given.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The program and its arguments, with every placeholder replaced.
    pub fn resolve(&self, values: &Values<'_>, programs: &Programs) -> Result<Vec<OsString>> {
        let mut resolved: Vec<OsString> = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            if at == 0 {
                if programs.builtin.contains(&word.as_str()) {
                    resolved.push(programs.melisma.clone());
                } else if word == "melisma" {
                    resolved.push(programs.melisma.clone());
                    continue;
                }
            }
            resolved.push(filled(word, values)?);
        }
        Ok(resolved)
    }

    /// For people and files: quoted as a shell wants it, without control characters, passwords as `***`.
    pub fn shown(&self) -> String {
        let mut words: Vec<String> = self.words.iter().map(|word| masked(word)).collect();
        for at in 1..words.len() {
            if is_secret_option(&words[at - 1]) {
                "***".clone_into(&mut words[at]);
            }
        }
        let line = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
        printable(&line).into_owned()
    }
}

fn filled(word: &str, values: &Values<'_>) -> Result<OsString> {
    let mut word = word.to_owned();
    if word.contains("{input}") {
        let missing = || Error::new(Kind::Usage, "{input} needs --input, or --shape to generate one");
        let path = values.input.ok_or_else(missing)?;
        let not_text = || Error::config(format!("{}: expected a path that is UTF-8", path.display()));
        word = word.replace("{input}", path.to_str().ok_or_else(not_text)?);
    }
    if word.contains("{rows}") {
        let missing = || Error::new(Kind::Usage, "{rows} needs --shape, or --records");
        word = word.replace("{rows}", &values.rows.ok_or_else(missing)?.to_string());
    }
    Ok(word.into())
}

const SECRETS: [&str; 5] = ["password", "token", "secret", "api_key", "api-key"];

/// `--password`, whose value is the next word.
fn is_secret_option(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|name| {
        SECRETS
            .iter()
            .any(|secret| name.to_ascii_lowercase().ends_with(secret))
    })
}

/// The word without the password of a URL, and without the value of `password=...` and its kind.
fn masked(word: &str) -> String {
    let mut masked = word.to_owned();
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((user, host)) = rest.split_once('@')
        && let Some((user, _)) = user.split_once(':')
    {
        masked = format!("{scheme}://{user}:***@{host}");
    }
    for secret in SECRETS {
        let key = format!("{secret}=");
        if let Some(at) = masked.to_ascii_lowercase().find(&key) {
            let (before, value) = masked.split_at(at + key.len());
            let end = value.find([' ', '&', ';', '\'', '"']).unwrap_or(value.len());
            masked = format!("{before}***{}", &value[end..]);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs() -> Programs {
        Programs {
            melisma: "/bin/melisma".into(),
            builtin: vec!["tap-csv"],
        }
    }

    fn resolved(text: &str, values: &Values<'_>) -> Vec<String> {
        let words = CommandLine::parse("TAP", text)
            .unwrap()
            .resolve(values, &programs())
            .unwrap();
        words
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect()
    }

    #[test]
    fn words_are_those_of_a_shell() {
        let none = Values::default();
        assert_eq!(
            resolved("python tap.py --x 'a b'", &none),
            ["python", "tap.py", "--x", "a b"]
        );
        assert_eq!(resolved("sh -c 'a | b'", &none), ["sh", "-c", "a | b"]);
        for wrong in ["", "  ", "tap 'x"] {
            let error = CommandLine::parse("TAP", wrong).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{wrong}");
        }
    }

    #[test]
    fn builtin_plugins_and_melisma_are_this_program() {
        let none = Values::default();
        assert_eq!(
            resolved("tap-csv --config c", &none),
            ["/bin/melisma", "tap-csv", "--config", "c"]
        );
        assert_eq!(resolved("melisma pipe", &none), ["/bin/melisma", "pipe"]);
        assert_eq!(resolved("./melisma pipe", &none), ["./melisma", "pipe"]);
        assert_eq!(resolved("tap-other tap-csv", &none), ["tap-other", "tap-csv"]);
    }

    #[test]
    fn placeholders_are_filled_or_refused() {
        let values = Values {
            input: Some(Path::new("/tmp/in")),
            rows: Some(7),
        };
        assert_eq!(
            resolved("cat {input} --rows={rows}", &values),
            ["cat", "/tmp/in", "--rows=7"]
        );
        for word in ["cat {input}", "x {rows}"] {
            let line = CommandLine::parse("TAP", word).unwrap();
            assert_eq!(
                line.resolve(&Values::default(), &programs()).unwrap_err().kind(),
                Kind::Usage
            );
        }
    }

    #[test]
    fn rivals_have_names() {
        let (name, line) = CommandLine::named("--vs", "psql=psql -c 'a=b'").unwrap();
        assert_eq!(
            (name.as_str(), line.words()),
            ("psql", &["psql".to_owned(), "-c".into(), "a=b".into()][..])
        );
        assert!(CommandLine::named("--vs", "psql").is_err());
        assert!(CommandLine::named("--vs", "=psql").is_err());
    }

    #[test]
    fn passwords_and_control_characters_are_not_shown() {
        let shown = |text: &str| CommandLine::parse("TAP", text).unwrap().shown();
        let url = shown("psql postgresql://me:hunter2@host/db -c 'select 1'");
        assert_eq!(url, "psql 'postgresql://me:***@host/db' -c 'select 1'");
        assert!(!shown("tap --password=hunter2").contains("hunter2"));
        assert_eq!(shown("tap --password hunter2 x"), "tap --password '***' x");
        assert!(!shown("sh -c 'TARGET_PASSWORD=hunter2 target'").contains("hunter2"));
        assert!(!shown("tap '\u{1b}[2J'").contains('\u{1b}'));
    }
}
