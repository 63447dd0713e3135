//! `cargo xtask docs`: writes the settings of each plugin, as `--about` tells them, into its page under docs/, and results of
//! benchmarks as tables into the pages that show them.

mod results;

use std::fs;
use std::process::Command;

use crate::{Result, sh};

const BEGIN: &str = "<!-- what --about says; `cargo xtask docs` writes it -->\n";
const END: &str = "<!-- end -->\n";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the results of benchmarks, for which nothing is built
    #[arg(long)]
    results: bool,
}

pub(crate) fn run(args: &Args) -> Result {
    if !args.results {
        settings()?;
    }
    results::write()
}

fn settings() -> Result {
    sh::run(sh::cargo().args(["build", "--quiet", "--package=melisma"]))?;
    let melisma = sh::target().join("debug/melisma");
    for plugin in melisma_processes::PLUGINS {
        let about = sh::output(Command::new(&melisma).args([plugin, "--about", "--format", "markdown"]))?;
        let path = sh::root().join("docs").join(format!("{plugin}.md"));
        let page = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let page = replace(&page, &about).ok_or_else(|| format!("{} has no {BEGIN}", path.display()))?;
        fs::write(&path, page).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    Ok(())
}

/// The page with the part between the marks replaced.
fn replace(page: &str, about: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    // One heading of the first level is enough for a page.
    let about = format!("\n{}", about.trim()).replace("\n#", "\n##");
    Some(format!("{before}{BEGIN}{about}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_the_marks_changes() {
        let page = format!("# x\n\n{BEGIN}\nold\n\n{END}\nmore\n");
        let new = replace(&page, "# new\n").unwrap_or_default();
        assert_eq!(new, format!("# x\n\n{BEGIN}\n## new\n\n{END}\nmore\n"));
        assert_eq!(replace(&new, "# new").as_deref(), Some(new.as_str()));
        assert_eq!(replace("no marks", "new"), None);
    }
}
