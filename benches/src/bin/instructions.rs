//! What `cargo xtask instructions` runs under callgrind.
//!
//! `instructions list` prints the names of the parts, `instructions make FOLDER` writes their inputs, and `instructions PART
//! FOLDER` runs one and prints how many records it had.

use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use melisma_benches::parts;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["list"] => writeln!(io::stdout(), "{}", parts::NAMES.join("\n")),
        ["make", folder] => parts::make(Path::new(folder)),
        [part, folder] => count(part, Path::new(folder)),
        _ => Err(io::Error::other(
            "usage: instructions list | make FOLDER | PART FOLDER",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn count(part: &str, folder: &Path) -> io::Result<()> {
    let mut work = parts::work(part, folder)?;
    // What happens only once, such as finding out what the processor has, is not what a record costs.
    (work.run)();
    counted_by_callgrind(&mut *work.run);
    writeln!(io::stdout(), "{}", work.records)
}

/// Callgrind counts while this function runs, and nothing else: `--toggle-collect` names it.
#[inline(never)]
fn counted_by_callgrind(run: &mut dyn FnMut()) {
    run();
    // Otherwise the call is a jump, and this function has ended before the work begins.
    black_box(());
}
