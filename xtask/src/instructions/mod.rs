//! `cargo xtask instructions`: how many instructions a record takes on the hot paths, compared with a committed baseline.
//!
//! Times vary with the machine and with what else it does; instructions do not. Callgrind counts them on a processor of its
//! own: on x86-64 one with AVX2 where the machine has that, and never with AVX-512. What chooses its code by the processor
//! (memchr, simdutf8, the C library) therefore chooses the same on every machine with AVX2.

mod baseline;
mod callgrind;

use crate::{Result, setup, sh};
use baseline::{Baseline, Counted, most_apart};
use callgrind::Part;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Count these parts only
    names: Vec<String>,
    /// Count `melisma pipe` too: it needs the whole program, whose build takes minutes
    #[arg(long)]
    pipe: bool,
    /// Count twice, and write what was counted to benches/instructions.json
    #[arg(long)]
    write: bool,
}

/// The most that two counts of the same program may differ by: where a map with a random seed puts its keys changes a little.
const MOST_APART: f64 = 0.005;

pub(crate) fn run(args: &Args) -> Result {
    if let Some(why) = callgrind::other_processor() {
        println!("instructions: not counted, because {why}");
        return Ok(());
    }
    if let Err(why) = setup::valgrind() {
        println!("instructions: not counted, because {why}");
        return Ok(());
    }
    let parts = chosen(args)?;
    let counted = count(&parts)?;
    let path = sh::root().join("benches/instructions.json");
    if args.write {
        return write(args, &parts, counted);
    }
    let comparison = Baseline::read(&path)?.compare(&counted);
    print!("{}", comparison.table);
    if comparison.wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\n`callgrind_annotate {}/PART.callgrind` says where. When it must be so, `cargo xtask instructions --write` renews the \
         baseline. {}",
        comparison.wrong.join("\n"),
        callgrind::folder().display(),
        comparison.built_by,
    ))
}

/// Renews the baseline, if a second count agrees.
fn write(args: &Args, parts: &[Part], counted: Vec<Counted>) -> Result {
    let (name, apart) = most_apart(&counted, &count(parts)?);
    let percent = apart * 100.0;
    println!("two counts differ by at most {percent:.3}% ({name})");
    if apart > MOST_APART {
        return Err(format!(
            "two counts of {name} differ by {percent:.2}%: not written"
        ));
    }
    let path = sh::root().join("benches/instructions.json");
    let is_whole = args.names.is_empty() && args.pipe;
    let before = if is_whole || !path.exists() {
        Baseline::default()
    } else {
        Baseline::read(&path)?
    };
    before.with(counted).write(&path)?;
    println!("written: {}", path.display());
    Ok(())
}

/// The parts that are asked for, built.
fn chosen(args: &Args) -> Result<Vec<Part>> {
    let mut parts = callgrind::library()?;
    if args.pipe {
        parts.extend(callgrind::PIPES);
    }
    if !args.names.is_empty() {
        let names: Vec<&str> = parts.iter().map(Part::name).collect();
        if let Some(unknown) = args.names.iter().find(|name| !names.contains(&name.as_str())) {
            return Err(format!(
                "there is no part {unknown}; there are {}",
                names.join(", ")
            ));
        }
        parts.retain(|part| args.names.iter().any(|name| name == part.name()));
    }
    callgrind::prepare(&parts)?;
    Ok(parts)
}

fn count(parts: &[Part]) -> Result<Vec<Counted>> {
    parts.iter().map(callgrind::count).collect()
}
