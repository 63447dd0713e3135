//! Errors of drivers as errors of melisma.

use adbc_core::error::{Error as DriverError, Status};
use melisma_sdk::{Error, Kind, show};

/// The bytes of a driver's message that are shown.
const SHOWN: usize = 400;

/// The error of a driver, while `doing` something.
pub fn failed(doing: &str, error: &DriverError) -> Error {
    let kind = if is_locked(error) {
        Kind::Retry
    } else if let Some(kind) = kind_of_state(&state(error)) {
        kind
    } else {
        match error.status {
            Status::Unauthenticated
            | Status::Unauthorized
            | Status::InvalidArguments
            | Status::NotImplemented => Kind::Config,
            Status::Integrity | Status::InvalidData => Kind::Input,
            Status::Timeout | Status::Cancelled => Kind::Retry,
            _ => Kind::Io,
        }
    };
    Error::new(kind, format!("{doing}: {}", message(error)))
}

/// Whether another process or transaction is in the way.
pub fn is_locked(error: &DriverError) -> bool {
    let said = |text: &str| error.message.contains(text);
    said("database is locked")
        || said("Could not set lock on file")
        || said("TransactionContext Error: Conflict")
}

/// The five characters of the SQLSTATE, zeros or others where there is none.
fn state(error: &DriverError) -> String {
    let bytes = error.sqlstate.iter();
    bytes.map(|&byte| char::from(byte.cast_unsigned())).collect()
}

/// What a SQLSTATE says of the next attempt, where it does; the classes are those of PostgreSQL.
fn kind_of_state(state: &str) -> Option<Kind> {
    Some(match state {
        "55P03" | "55006" | "57014" | "57P03" | "53000" | "53200" | "53300" => Kind::Retry,
        "53100" => Kind::Io,
        _ => match state.get(..2)? {
            // Serialization failures and deadlocks.
            "40" => Kind::Retry,
            // The connection broke, or the server ended it.
            "08" | "57" => Kind::Unavailable,
            // A value that its type does not have, or that a constraint refuses.
            "22" | "23" => Kind::Input,
            "28" | "3D" => Kind::Config,
            _ => return None,
        },
    })
}

/// The first line of a message: later ones point into the statement.
fn message(error: &DriverError) -> String {
    let line = error.message.lines().next().unwrap_or_default().trim();
    let mut shown = String::new();
    let mut rest = line;
    while !rest.is_empty() && shown.len() < SHOWN {
        let mut end = rest.len().min(100);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        shown.push_str(&show(&rest[..end]));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        shown.push_str("...");
    }
    let state = state(error);
    let mut codes = Vec::new();
    if state.bytes().all(|byte| byte.is_ascii_alphanumeric()) && state != "00000" {
        codes.push(format!("SQLSTATE {state}"));
    }
    // The least integer says that there is more than a code.
    if error.vendor_code != 0 && error.vendor_code != i32::MIN {
        codes.push(format!("code {}", error.vendor_code));
    }
    if codes.is_empty() {
        shown
    } else {
        format!("{shown} ({})", codes.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str, status: Status) -> DriverError {
        DriverError::with_message_and_status(message, status)
    }

    #[test]
    fn an_error_has_the_first_line_of_the_message_the_codes_and_a_kind() {
        let mut refused = error("no such\ttable\nLINE 1: select", Status::InvalidData);
        refused.vendor_code = 7;
        refused.sqlstate = *b"42P01".map(u8::cast_signed).first_chunk().expect("five");
        let shown = failed("cannot read t", &refused);
        assert_eq!(
            shown.to_string(),
            "cannot read t: no such\\ttable (SQLSTATE 42P01, code 7)"
        );
        assert_eq!(shown.kind(), Kind::Input);
        let long = failed("x", &error(&"é".repeat(1000), Status::Internal)).to_string();
        assert!(long.len() < 520 && long.ends_with("..."), "{long}");
        assert_eq!(
            failed("x", &error("database is locked", Status::Internal)).kind(),
            Kind::Retry
        );
        for (state, kind) in [
            (b"40P01", Kind::Retry),
            (b"22021", Kind::Input),
            (b"57P01", Kind::Unavailable),
            (b"28P01", Kind::Config),
            (b"XX000", Kind::Io),
        ] {
            let mut refused = error("x", Status::Internal);
            refused.sqlstate = *state.map(u8::cast_signed).first_chunk().expect("five");
            assert_eq!(failed("x", &refused).kind(), kind, "{state:?}");
        }
    }
}
