//! Who a plugin is: its name, its version, its side of the pipe.

/// Which side of the pipe a plugin is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It writes messages.
    Tap,
    /// It reads messages.
    Target,
}

/// The name and the version of a connector's own crate: [`package!`](crate::package) asks cargo for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// The name of the executable, such as `tap-shop`.
    pub name: &'static str,
    /// Its version, such as `1.2.3`.
    pub version: &'static str,
}

/// What a plugin is called and can do.
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// `tap-csv`
    pub name: &'static str,
    /// `1.2.3`
    pub version: &'static str,
    /// Its side of the pipe.
    pub role: Role,
    /// The capabilities that `--about` lists.
    pub capabilities: &'static [&'static str],
    /// Settings that are options of the command line, too, each with its help: a file.
    pub options: &'static [(&'static str, &'static str)],
}

impl Plugin {
    /// The first part of its environment variables: `TAP_CSV`.
    pub fn prefix(&self) -> String {
        self.name.replace('-', "_").to_uppercase()
    }

    pub(crate) fn summary(&self) -> &'static str {
        match self.role {
            Role::Tap => "A Singer tap: reads a source and writes its records to stdout",
            Role::Target => "A Singer target: reads records from stdin and writes them to their destination",
        }
    }
}
