//! The executable of target-postgres.

melisma_sdk::target_main!(target_postgres::TargetPostgres);
