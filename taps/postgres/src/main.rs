//! The executable of tap-postgres.

melisma_sdk::tap_main!(tap_postgres::TapPostgres);
