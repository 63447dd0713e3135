//! The rival of tap-csv: reads a CSV file with the csv crate and looks at every field, nothing more.
//!
//! Prints the number of rows and of field bytes to stderr.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        let _ = writeln!(std::io::stderr(), "usage: csv-reader FILE");
        return ExitCode::FAILURE;
    };
    match read(&path) {
        Ok((rows, bytes)) => {
            let _ = writeln!(std::io::stderr(), "{rows} rows, {bytes} bytes in fields");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn read(path: &std::ffi::OsStr) -> csv::Result<(u64, u64)> {
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(1 << 18)
        .from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut bytes) = (0, 0);
    while reader.read_byte_record(&mut record)? {
        rows += 1;
        bytes += record.iter().map(|field| field.len() as u64).sum::<u64>();
    }
    Ok((rows, bytes))
}
