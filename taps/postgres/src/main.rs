//! The program: see the library.
use std::process::ExitCode;
fn main() -> ExitCode {
    melisma_sdk::run_tap::<tap_postgres::TapPostgres>()
}
