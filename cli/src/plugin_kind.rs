//! The kinds of plugins, by the names that Meltano has for them.

/// What a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PluginKind {
    Extractor,
    Loader,
    Transform,
    Orchestrator,
    Transformer,
    File,
    Utility,
    Mapper,
}

impl PluginKind {
    /// All of them, in the order in which Meltano looks for a name.
    pub(crate) const ALL: [Self; 8] = [
        Self::Extractor,
        Self::Loader,
        Self::Transform,
        Self::Orchestrator,
        Self::Transformer,
        Self::File,
        Self::Utility,
        Self::Mapper,
    ];

    /// The name of the list in `meltano.yml`, and of the folder in `.meltano`.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Extractor => "extractors",
            Self::Loader => "loaders",
            Self::Transform => "transforms",
            Self::Orchestrator => "orchestrators",
            Self::Transformer => "transformers",
            Self::File => "files",
            Self::Utility => "utilities",
            Self::Mapper => "mappers",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Extractor => "extractor",
            Self::Loader => "loader",
            Self::Transform => "transform",
            Self::Orchestrator => "orchestrator",
            Self::Transformer => "transformer",
            Self::File => "file",
            Self::Utility => "utility",
            Self::Mapper => "mapper",
        }
    }

    /// The kind of that name, singular or plural.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| [kind.singular(), kind.plural()].contains(&name))
    }

    /// The kind that the name of a plugin suggests.
    pub(crate) fn of_name(plugin: &str) -> Self {
        if plugin.starts_with("tap-") {
            Self::Extractor
        } else if plugin.starts_with("target-") {
            Self::Loader
        } else {
            Self::Utility
        }
    }

    /// The verb in variables such as `MELTANO_EXTRACT_...`. Meltano cuts three letters off the plural, whatever they are.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Extractor => "extract",
            Self::Loader => "load",
            Self::Transform => "transform",
            Self::Orchestrator => "orchestrat",
            Self::Transformer => "transform",
            Self::File => "fi",
            Self::Utility => "utilize",
            Self::Mapper => "map",
        }
    }
}
