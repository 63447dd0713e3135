//! How a plugin is started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use melisma_sdk::internal::copied;
use melisma_sdk::target::{COUNTS_VARIABLE, RUN_VERDICT_VARIABLE};
use melisma_sdk::{Error, Kind, Result};

use crate::builtin::Builtin;

/// The program of a plugin with its arguments and environment variables.
pub(crate) struct Program {
    /// The name that its log lines get.
    pub(crate) name: String,
    /// The file to execute, or a name that is looked up on the path.
    pub(crate) file: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// All its environment variables; `None` for those of this process.
    pub(crate) vars: Option<BTreeMap<String, String>>,
    /// Additional environment variables.
    pub(crate) more_vars: Vec<(&'static str, OsString)>,
    /// The folder that it works in; `None` for that of this process.
    pub(crate) folder: Option<PathBuf>,
    /// The built-in plugin that it is, if any.
    pub(crate) builtin: Option<&'static Builtin>,
}

impl Program {
    /// A program that is not part of melisma.
    pub(crate) fn external(name: &str, file: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            file,
            args: Vec::new(),
            vars: None,
            more_vars: Vec::new(),
            folder: None,
            builtin: None,
        }
    }

    /// A built-in plugin: this program again, with the name of the plugin as its first argument.
    pub(crate) fn builtin(plugin: &'static Builtin) -> Result<Self> {
        let file = std::env::current_exe()
            .map_err(|error| Error::io("cannot find the executable of melisma", error))?;
        Ok(Self {
            args: vec![plugin.name.into()],
            builtin: Some(plugin),
            ..Self::external(plugin.name, file)
        })
    }

    /// Whether it is a target that can store STATE next to its rows.
    pub(crate) fn stores_state(&self) -> bool {
        self.builtin.is_some_and(Builtin::stores_state)
    }

    /// The command, in a process group of its own. So Ctrl-C on the terminal reaches melisma alone, which passes it on once,
    /// and processes that the plugin starts can be killed with it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        command
            .args(&self.args)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some(vars) = &self.vars {
            command.env_clear().envs(vars);
        }
        command.envs(self.more_vars.iter().map(|(name, value)| (name, value)));
        // Variables of a run that started this one: they are not about these processes.
        for of_a_run in [COUNTS_VARIABLE, RUN_VERDICT_VARIABLE, copied::VARIABLE] {
            command.env_remove(of_a_run);
        }
        command
    }

    /// Starts the process.
    pub(crate) fn spawn(&self, mut command: Command) -> Result<Child> {
        command.spawn().map_err(|error| {
            let hint = if error.kind() == std::io::ErrorKind::NotFound {
                " (is it installed?)"
            } else {
                ""
            };
            let file = self.file.display();
            Error::new(
                not_started(&error),
                format!("cannot start {} as {file}{hint}", self.name),
            )
            .with_source(error)
        })
    }
}

/// A machine may have free resources later, so that is worth a retry; a file that cannot be executed is not.
fn not_started(error: &std::io::Error) -> Kind {
    use std::io::ErrorKind as K;
    match error.kind() {
        K::WouldBlock | K::OutOfMemory | K::ResourceBusy | K::ExecutableFileBusy => Kind::Retry,
        K::NotFound | K::PermissionDenied | K::NotADirectory | K::IsADirectory => Kind::Config,
        // The file is not an executable. `ErrorKind` has no name for that.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => Kind::Config,
        _ => Kind::Io,
    }
}
