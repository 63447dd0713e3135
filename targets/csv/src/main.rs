//! `target-csv`: writes Singer streams as CSV files.

fn main() -> std::process::ExitCode {
    melisma_sdk::target::run_target::<target_csv::TargetCsv>()
}
