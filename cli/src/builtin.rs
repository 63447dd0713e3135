//! The taps and targets that `melisma` carries inside.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::base_name;

/// A plugin that needs no install.
pub(crate) struct Builtin {
    /// Its name and that of its executable.
    pub(crate) name: &'static str,
    /// One line for the help.
    pub(crate) about: &'static str,
}

/// All of them, taps first.
pub(crate) const PLUGINS: &[Builtin] = &[];

/// The built-in plugin of that name.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    PLUGINS.iter().find(|plugin| plugin.name == name)
}

/// Runs a built-in plugin when `args` ask for one: `melisma tap-csv ...`, or a link named `tap-csv` to this program.
pub(crate) fn run(args: &[OsString]) -> Option<ExitCode> {
    let called = args.first().and_then(base_name).and_then(find);
    let (plugin, _rest) = match called {
        Some(plugin) => (plugin, args.get(1..)?),
        None => (find(args.get(1)?.to_str()?)?, args.get(2..)?),
    };
    let _ = plugin;
    None
}
