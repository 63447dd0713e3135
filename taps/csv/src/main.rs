//! The executable of tap-csv.

melisma_sdk::tap_main!(tap_csv::TapCsv);
