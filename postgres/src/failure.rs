//! Errors of the server, told as melisma tells errors.

use melisma_sdk::{Error, Kind, show};
use postgres::error::{DbError, SqlState};

/// The error of an operation, such as `cannot create table "melty"."orders"`.
///
/// It has the server's message, its detail and hint, and the SQLSTATE; each at most 120 bytes where it may hold data.
/// Its [`Kind`] follows the class of the SQLSTATE (PostgreSQL manual, appendix A); without one the connection is
/// gone: [`Kind::Unavailable`].
pub fn failed(doing: &str, error: postgres::Error) -> Error {
    let Some(told) = error.as_db_error() else {
        return unavailable(doing, error);
    };
    let mut message = format!("{doing}: {}", short(told.message()));
    for (what, text) in [
        ("", told.detail()),
        ("at ", told.where_()),
        ("hint: ", told.hint()),
    ] {
        if let Some(text) = text {
            message.push_str("; ");
            message.push_str(what);
            message.push_str(&show(text));
        }
    }
    message.push_str(" (SQLSTATE ");
    message.push_str(told.code().code());
    message.push(')');
    Error::new(kind(told), message)
}

/// A message of the server without most of a long value that it quotes: `invalid input syntax for type uuid: "..."`.
fn short(message: &str) -> String {
    const LONGEST: usize = 300;
    let parts: Vec<_> = message.split('"').map(show_part).collect();
    let mut short = parts.join("\"");
    if short.len() > LONGEST {
        short.truncate(short.floor_char_boundary(LONGEST));
        short.push_str("...");
    }
    short
}

fn show_part(part: &str) -> std::borrow::Cow<'_, str> {
    if part.len() > 120 {
        show(part).into()
    } else {
        part.into()
    }
}

/// The server can not be reached, or went away in the middle.
fn unavailable(doing: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let mut message = format!("{doing}: no connection to the PostgreSQL server");
    // The outermost says "error connecting to server" and the like; those below say why.
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    Error::new(Kind::Unavailable, message)
}

fn kind(error: &DbError) -> Kind {
    let code = error.code();
    if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) {
        return Kind::Retry;
    }
    match code.code().get(..2) {
        Some("08" | "57") => Kind::Unavailable,
        Some("40") => Kind::Retry,
        Some("21" | "22" | "23") => Kind::Input,
        Some("53" | "58") => Kind::Io,
        Some("XX") => Kind::Unavailable,
        // Privileges, missing objects, wrong passwords, a schema that can not be: what is set up does not fit.
        _ => Kind::Config,
    }
}
