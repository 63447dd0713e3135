//! A connector, as a program that has it inside calls it.

use std::ffi::OsString;
use std::process::ExitCode;

use super::copied::Form;
use crate::config::Settings;
use crate::plugin::Package;

/// What a program calls of a connector that it has inside. A connector has it as a `static`: then all that the engine makes
/// of it is compiled in the connector's crate, and not once more in each program.
#[derive(Clone, Copy, Debug)]
pub struct Connector {
    /// Whether it can store STATE beside its rows.
    pub stores_state: bool,
    /// Whether it is a tap that can hand rows over in forms of COPY ([`copied`](super::copied)).
    pub hands_over_copied: bool,
    /// Whether it is a target that takes such rows, and in which form.
    pub takes_copied: Option<Form>,
    /// Its settings.
    pub settings: fn() -> Settings,
    /// Its command line, which completions are made of.
    pub command: fn(Package) -> clap::Command,
    /// Its main; the first argument is the program's name.
    pub main: fn(Package, Vec<OsString>) -> ExitCode,
}

impl Connector {
    /// That of a tap.
    #[cfg(feature = "tap")]
    pub const fn tap<T: crate::Tap>() -> Self {
        Self {
            stores_state: false,
            hands_over_copied: false,
            takes_copied: None,
            settings: crate::tap::settings::<T>,
            command: crate::tap::command::<T>,
            main: crate::tap::main_tap::<T>,
        }
    }

    /// That of a target.
    #[cfg(feature = "target")]
    pub const fn target<T: crate::Target>() -> Self {
        Self {
            stores_state: T::CAPABILITIES.stored_state,
            hands_over_copied: false,
            takes_copied: None,
            settings: || Settings::new::<T::Config>().and::<crate::target::StandardConfig>(),
            command: crate::target::command::<T>,
            main: crate::target::main_target::<T>,
        }
    }

    /// The same tap, which can hand rows over in forms of COPY.
    #[must_use]
    pub const fn handing_over_copied(self) -> Self {
        Self {
            hands_over_copied: true,
            ..self
        }
    }

    /// The same target, whose encoders take rows in this form of COPY, or most of them.
    #[must_use]
    pub const fn taking_copied(self, form: Form) -> Self {
        Self {
            takes_copied: Some(form),
            ..self
        }
    }
}
