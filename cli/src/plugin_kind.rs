//! Taps and targets by the names that Meltano has for them.

/// The two kinds of plugins that a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PluginKind {
    Extractor,
    Loader,
}

impl PluginKind {
    /// The name of the list in `meltano.yml`, and of the folder in `.meltano`.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Extractor => "extractors",
            Self::Loader => "loaders",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Extractor => "extractor",
            Self::Loader => "loader",
        }
    }

    /// The verb in variables such as `MELTANO_EXTRACT_...`.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Extractor => "extract",
            Self::Loader => "load",
        }
    }
}
