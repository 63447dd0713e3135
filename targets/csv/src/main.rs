//! The executable of target-csv.

melisma_sdk::target_main!(target_csv::TargetCsv);
