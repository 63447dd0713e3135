//! Converts errors of the server and the connection to melisma's error type.

use melisma_sdk::{Error, Kind, show};

/// The error of an operation, such as `cannot create table "melty"."orders"`.
///
/// It has the server's message, its detail and hint, and the SQLSTATE; each at most 120 bytes where it may hold data.
/// Its [`Kind`] follows the class of the SQLSTATE (PostgreSQL manual, appendix A); without one the connection is
/// gone: [`Kind::Unavailable`].
pub fn failed(doing: &str, error: postgres::Error) -> Error {
    let Some(server_error) = error.as_db_error() else {
        return unavailable(doing, error);
    };
    let mut message = format!("{doing}: {}", short(server_error.message()));
    for (what, text) in [
        ("", server_error.detail()),
        ("at ", server_error.where_()),
        ("hint: ", server_error.hint()),
    ] {
        if let Some(text) = text {
            message.push_str("; ");
            message.push_str(what);
            message.push_str(&show(text));
        }
    }
    message.push_str(" (SQLSTATE ");
    message.push_str(server_error.code().code());
    message.push(')');
    Error::new(kind(server_error.code().code()), message)
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

/// The server cannot be reached, or went away in the middle.
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

/// What a SQLSTATE says about the next attempt (PostgreSQL manual, appendix A).
fn kind(code: &str) -> Kind {
    match code {
        // The server has no room for us at the moment, is starting or stopping, or somebody is in the way: connections,
        // memory, locks, a cancelled statement, an object in use, a transaction that it found too old.
        "53000" | "53200" | "53300" | "57P03" | "57014" | "55P03" | "55006" | "25P03" | "25P04" => {
            Kind::Retry
        }
        // Its disk is full.
        "53100" => Kind::Io,
        // A limit of the server's configuration, such as temp_file_limit.
        "53400" => Kind::Config,
        _ => match code.get(..2) {
            // Serialization failures and deadlocks.
            Some("40") => Kind::Retry,
            // The connection broke, or the server was shut down, crashed or ended it.
            Some("08" | "57" | "XX") => Kind::Unavailable,
            // Values, constraints, and rows that a view or a policy on a view does not admit.
            Some("21" | "22" | "23" | "44") => Kind::Input,
            Some("53" | "58") => Kind::Io,
            // Privileges, missing objects, wrong passwords, a schema that cannot be: what is set up does not fit.
            _ => Kind::Config,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_try_again() {
        for (code, what, expected) in [
            ("53300", "too many connections", Kind::Retry),
            ("53200", "out of memory, or out of locks", Kind::Retry),
            ("53000", "insufficient resources", Kind::Retry),
            ("57P03", "the server is starting up", Kind::Retry),
            ("57014", "a statement ran into its time limit", Kind::Retry),
            ("55P03", "a lock did not come in time", Kind::Retry),
            ("55006", "an object is in use", Kind::Retry),
            ("25P03", "a transaction was idle for too long", Kind::Retry),
            ("25P04", "a transaction took too long", Kind::Retry),
            ("40001", "a serialization failure", Kind::Retry),
            ("40P01", "a deadlock", Kind::Retry),
        ] {
            assert_eq!(kind(code), expected, "{code}: {what}");
        }
    }

    #[test]
    fn other_errors_say_who_has_to_act() {
        for (code, what, expected) in [
            ("08006", "the connection failed", Kind::Unavailable),
            ("57P01", "an administrator ended the session", Kind::Unavailable),
            ("57P02", "the server crashed", Kind::Unavailable),
            ("57P05", "a session was idle for too long", Kind::Unavailable),
            ("XX000", "a bug of the server", Kind::Unavailable),
            ("53100", "the server's disk is full", Kind::Io),
            ("58030", "the server cannot read a file", Kind::Io),
            ("53400", "a limit of the configuration", Kind::Config),
            ("28P01", "a wrong password", Kind::Config),
            ("3D000", "no such database", Kind::Config),
            ("42501", "a missing privilege", Kind::Config),
            ("42P01", "no such table", Kind::Config),
            ("0A000", "not supported", Kind::Config),
            ("22003", "a number out of range", Kind::Input),
            ("23505", "a duplicate key", Kind::Input),
            ("23514", "a check constraint", Kind::Input),
            ("44000", "a view's check option", Kind::Input),
            ("21000", "a row twice in a statement", Kind::Input),
        ] {
            assert_eq!(kind(code), expected, "{code}: {what}");
        }
    }
}
