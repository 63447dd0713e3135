//! The error type of all crates: what went wrong, where in the input, and the exit code of the process.

use std::fmt::{self, Write as _};

use crate::printable::{self, Printable};

/// What every fallible call of melisma returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The family of an [`Error`]; decides the exit code (sysexits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The command line is wrong: exit 64.
    Usage,
    /// The input breaks the protocol, its schema or a limit: exit 65.
    Input,
    /// A peer (server, child process) is not there or went away: exit 69.
    Unavailable,
    /// A bug of melisma: exit 70. The ledger is poisoned and tells no more STATE.
    Bug,
    /// Reading or writing failed: exit 74.
    Io,
    /// May work when tried again: exit 75.
    Retry,
    /// The configuration or the catalog is wrong: exit 78.
    Config,
    /// A plugin failed for a reason of its own: exit 1.
    Failed,
    /// A signal asked for the end, and what was in hand is finished: exit 128 + signal.
    Interrupted(i32),
}

impl Kind {
    /// The exit code of a process that ends with this kind of error.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 64,
            Self::Input => 65,
            Self::Unavailable => 69,
            Self::Bug => 70,
            Self::Io => 74,
            Self::Retry => 75,
            Self::Config => 78,
            Self::Failed => 1,
            Self::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(255),
        }
    }
}

impl Kind {
    /// The kind that a process means with this exit code, when it is one of those of [`exit_code`](Self::exit_code)
    /// that stand for a kind of error and not for a signal.
    pub fn of_exit_code(code: i32) -> Option<Self> {
        [
            Self::Usage,
            Self::Input,
            Self::Unavailable,
            Self::Bug,
            Self::Io,
            Self::Retry,
            Self::Config,
            Self::Failed,
        ]
        .into_iter()
        .find(|kind| i32::from(kind.exit_code()) == code)
    }
}

/// A place in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, counted from 1.
    pub line: u64,
    /// Bytes from the start of the input.
    pub byte: u64,
}

/// An error with its kind, its place and its cause.
///
/// It prints on one line: `line 3, byte 512, stream orders: l_tax: expected a number, found "abc"`.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    position: Option<Position>,
    stream: Option<Box<str>>,
    message: Box<str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into().into_boxed_str();
        Self(Box::new(Inner {
            kind,
            position: None,
            stream: None,
            message,
            source: None,
        }))
    }

    /// The input is wrong ([`Kind::Input`]).
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// The configuration or the catalog is wrong ([`Kind::Config`]).
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    /// A bug of melisma ([`Kind::Bug`]).
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message)
    }

    /// Reading or writing failed ([`Kind::Io`]); `what` names the thing, such as `cannot write /tmp/x`.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::new(Kind::Io, what).with_source(source)
    }

    /// Adds the place in the input, unless one is known already.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.0.position.get_or_insert(position);
        self
    }

    /// Adds the stream, unless one is known already.
    #[must_use]
    pub fn in_stream(mut self, stream: &str) -> Self {
        self.0.stream.get_or_insert_with(|| stream.into());
        self
    }

    /// Adds what may help to the end of the message.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.0.message = format!("{}; {hint}", self.0.message).into();
        self
    }

    /// Adds the cause; it is printed after the message.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The cause.
    ///
    /// ```
    /// use melisma_engine::Error;
    ///
    /// let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
    /// let error = Error::io("cannot read orders.csv", gone);
    /// assert_eq!(error.to_string(), "cannot read orders.csv: entity not found");
    /// let cause = error.cause().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    /// assert_eq!(cause.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
    /// ```
    pub fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }

    /// The family of the error.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What went wrong, without the place and the cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the input, when that is known.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The stream, when that is known.
    pub fn stream(&self) -> Option<&str> {
        self.0.stream.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        match (&inner.position, inner.stream.as_deref().map(show)) {
            (Some(at), Some(stream)) => write!(f, "line {}, byte {}, stream {stream}: ", at.line, at.byte)?,
            (Some(at), None) => write!(f, "line {}, byte {}: ", at.line, at.byte)?,
            (None, Some(stream)) => write!(f, "stream {stream}: ")?,
            (None, None) => {}
        }
        // Names come from the input, and causes from servers: one with a line end in it must not look like two lines.
        let mut out = Printable(f);
        out.write_str(&inner.message)?;
        match &inner.source {
            Some(source) => write!(out, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    /// What is below the cause. The cause itself is a part of the message, and a caller that prints the chain of errors would
    /// print it twice; [`cause`](Self::cause) gives it.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause()?.source()
    }
}

impl From<std::io::Error> for Error {
    /// An error of reading or writing, with the place in the source whose `?` made it: what failed there, only
    /// [`io`](Error::io) can say.
    #[track_caller]
    fn from(source: std::io::Error) -> Self {
        let place = std::panic::Location::caller();
        Self::io(
            format!("reading or writing failed ({}:{})", place.file(), place.line()),
            source,
        )
    }
}

/// At most this many bytes of input are shown in an error.
const SHOWN: usize = 120;

/// Shows a piece of input in an error: at most 120 bytes of it, cut at a character, and what is not
/// [`printable`](mod@crate::printable) escaped.
/// ```
/// assert_eq!(melisma_engine::error::show("two\nlines"), r"two\nlines");
/// ```
pub fn show(found: &str) -> String {
    let mut end = found.len().min(SHOWN);
    while !found.is_char_boundary(end) {
        end -= 1;
    }
    let mut shown = String::with_capacity(end + 3);
    for c in found[..end].chars() {
        printable::push(&mut shown, c);
    }
    if end < found.len() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_where_what_and_why_on_one_line() {
        let error = Error::input(r#"l_tax: expected a number, found "abc""#)
            .at(Position { line: 3, byte: 512 })
            .in_stream("orders");
        assert_eq!(
            error.to_string(),
            r#"line 3, byte 512, stream orders: l_tax: expected a number, found "abc""#
        );
        assert_eq!(error.kind().exit_code(), 65);
    }

    #[test]
    fn names_of_the_input_neither_break_the_line_nor_fill_it() {
        let error = Error::input("a\nb: expected a number").in_stream(&"s\0".repeat(1000));
        let text = error.to_string();
        assert!(
            text.starts_with(r"stream s\u{0}s\u{0}") && text.len() < 600,
            "{text}"
        );
        assert!(text.ends_with(r"...: a\nb: expected a number"), "{text}");
    }

    #[test]
    fn a_cause_is_escaped_too() {
        let error = Error::config("refused").with_source("ERROR: \u{1b}[2J\nforged \u{202e}line");
        assert_eq!(
            error.to_string(),
            r"refused: ERROR: \u{1b}[2J\nforged \u{202e}line"
        );
    }

    #[test]
    fn a_chain_of_errors_has_each_of_them_once() {
        let below = Error::config("the lowest").with_source("its cause");
        let error = Error::io("cannot read", std::io::Error::other(below));
        let mut chain = vec![error.to_string()];
        let mut next = std::error::Error::source(&error);
        while let Some(error) = next {
            chain.push(error.to_string());
            next = error.source();
        }
        assert_eq!(chain.join("; ").matches("the lowest").count(), 1, "{chain:?}");
    }

    #[test]
    fn an_error_of_io_says_where_it_was_made() {
        let fails = || -> Result<()> { Err(std::io::Error::from(std::io::ErrorKind::NotFound))? };
        let text = fails().expect_err("fails").to_string();
        assert!(
            text.starts_with("reading or writing failed (") && text.contains("error.rs:"),
            "{text}"
        );
    }

    #[test]
    fn an_exit_code_gives_its_kind_back() {
        for code in [64, 65, 69, 70, 74, 75, 78, 1] {
            assert_eq!(
                Kind::of_exit_code(code).map(|kind| i32::from(kind.exit_code())),
                Some(code)
            );
        }
        assert_eq!([0, 2, 66, 130, 143].map(Kind::of_exit_code), [None; 5]);
    }

    #[test]
    fn shows_at_most_120_bytes_and_never_half_a_character() {
        let long = "é".repeat(100);
        let shown = show(&long);
        assert_eq!(shown, format!("{}...", "é".repeat(60)));
        assert_eq!(show("a\tb"), "a\\tb");
    }
}
