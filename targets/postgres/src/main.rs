//! The executable of target-postgres.

fn main() -> std::process::ExitCode {
    melisma_sdk::run_target::<target_postgres::TargetPostgres>()
}
