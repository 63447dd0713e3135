//! `cargo xtask faults`: kills melisma in every way and place, and looks whether anything got lost.

use std::path::PathBuf;
use std::process::Command;

use melisma_testing::postgres::installations;

use crate::bench::machine;
use crate::{Result, postgres, setup, sh};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Everything: each point on the way of each target in three ways, and 1,000 kills; writes docs/faults.md.
    #[arg(long)]
    full: bool,
    /// What all that is random follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only what has this in its name, such as `sink.commit.before:kill:target-csv`, `kills:3:` or `planted`.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// How many at a time; as many as there are processors by default.
    #[arg(long)]
    workers: Option<usize>,
}

pub(crate) fn run(args: &Args) -> Result {
    let mut harness = Command::new(build()?.join("melisma-faults"));
    harness.arg("run").args(["--seed", &args.seed.to_string()]);
    if let Some(only) = &args.only {
        harness.args(["--only", only]);
    } else if args.full {
        let page = sh::root().join("docs/faults.md");
        harness
            .args(["--full", "--machine", &kind_of_machine(), "--page"])
            .arg(page);
    }
    if let Some(workers) = args.workers {
        harness.args(["--workers", &workers.to_string()]);
    }
    harness.envs(setup::databases()?);
    if installations().is_empty() {
        harness.env(
            "MELISMA_TEST_POSTGRES",
            postgres::folders(&setup::pythons()?.postgres)?,
        );
    }
    sh::run(&mut harness)
}

/// Builds `melisma` and the harness; the folder that they are in. Debug builds have the kill points.
pub(crate) fn build() -> Result<PathBuf> {
    // The whole workspace, so that dependencies have the features that `cargo xtask test` builds them with.
    let mut cargo = sh::cargo();
    cargo.args(["build", "--locked", "--workspace"]);
    sh::run(cargo.args(["--bin", "melisma", "--bin", "melisma-faults"]))?;
    Ok(sh::target().join("debug"))
}

/// Such as `2 cores of an AMD EPYC`, for the page.
fn kind_of_machine() -> String {
    let machine = machine::describe();
    let text = |name: &str| machine[name].as_str().unwrap_or_default().to_owned();
    let rustc = text("rustc");
    let rustc = rustc.split(" (").next().unwrap_or_default();
    format!("{} cores, {}, Linux, {rustc}", machine["cores"], text("cpu"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use crate::sh;

    #[test]
    fn no_member_goes_without_the_lints_that_forbid_unsafe() {
        let root = sh::root();
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).expect("a manifest");
        assert!(read(root.join("Cargo.toml")).contains("unsafe_code = \"forbid\""));
        for package in crate::metadata::packages().expect("cargo metadata runs") {
            if package.source.is_none() {
                let manifest = read(root.join(&package.folder).join("Cargo.toml"));
                assert!(
                    manifest.contains("[lints]\nworkspace = true"),
                    "{}",
                    package.folder
                );
            }
        }
    }

    /// The eighth invariant: a crate with the lints of this workspace does not compile with an `unsafe` block in it, though
    /// the block allows itself.
    #[test]
    fn an_unsafe_block_is_refused_whatever_it_allows_itself() {
        let folder = sh::target().join("tmp/planted-unsafe");
        std::fs::create_dir_all(folder.join("src")).expect("a folder");
        let workspace = std::fs::read_to_string(sh::root().join("Cargo.toml")).expect("Cargo.toml");
        let lints = workspace.find("[workspace.lints.rust]").expect("lints");
        let (_, lints) = workspace.split_at(lints);
        let lints = lints.split("[profile").next().unwrap_or_default();
        let manifest = "[package]\nname = \"planted-unsafe\"\nedition = \"2024\"\n\n[lints]\nworkspace = true\n\n[workspace]\n";
        std::fs::write(folder.join("Cargo.toml"), format!("{manifest}\n{lints}")).expect("written");
        let check = |body: &str| {
            let code = format!(
                "//! Planted.\n\n/// The first byte.\npub fn first(text: &str) -> u8 {{\n    {body}\n}}\n"
            );
            std::fs::write(folder.join("src/lib.rs"), code).expect("written");
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["check", "--quiet", "--offline"]).current_dir(&folder);
            let output = cargo.output().expect("cargo starts");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.success(), said)
        };
        let (fine, said) = check("text.bytes().next().unwrap_or(0)");
        assert!(fine, "{said}");
        let (fine, said) = check("#[allow(unsafe_code)]\n    unsafe { *text.as_ptr() }");
        assert!(!fine, "an `unsafe` block compiles");
        assert!(said.contains("incompatible with previous forbid"), "{said}");
    }
}
