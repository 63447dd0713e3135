//! Placeholder
use crate::Result;
pub(crate) mod corpora {
    use crate::Result;
    pub(crate) fn generate(_: &[String]) -> Result {
        Ok(())
    }
}
#[derive(clap::Args)]
pub(crate) struct Args {
    name: Option<String>,
}
pub(crate) fn run(args: &Args) -> Result {
    let _ = &args.name;
    Ok(())
}
