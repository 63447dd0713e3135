//! `cargo xtask malformed`: the tests of malformed input, more of them.

use crate::{Result, postgres, setup, sh};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Mutants of real streams, and of each property's seeds.
    #[arg(long, default_value_t = 100_000)]
    mutants: u64,
    /// Another seed gives other mutants.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The extreme sizes as they are called: 100,000 streams, a million schemas.
    #[arg(long)]
    full: bool,
}

pub(crate) fn run(args: &Args) -> Result {
    let postgres = postgres::folders(&setup::pythons()?.postgres)?;
    for test in [["melisma-tests", "malformed"], ["melisma-properties", ""]] {
        let mut cargo = sh::cargo();
        cargo
            .args([
                "test",
                "--locked",
                "--package",
                test[0],
                "--test",
                "it",
                "--",
                test[1],
            ])
            .env("MELISMA_TEST_POSTGRES", &postgres)
            .env("MELISMA_TEST_MUTANTS", args.mutants.to_string())
            .env("MELISMA_TEST_SEED", args.seed.to_string());
        if args.full {
            cargo.env("MELISMA_TEST_EXTREMES", "full");
        }
        sh::run(&mut cargo)?;
    }
    Ok(())
}
