//! The kinds of projects, and the files of each.

use clap::ValueEnum;

/// What a tap reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum TapKind {
    /// An HTTP API, in Rust: pages, a child stream, tests on recorded answers
    #[default]
    Rest,
    /// An HTTP API, described by a YAML file that tap-rest reads; no code
    Yaml,
    /// A database: tables and views of SQLite
    Sql,
    /// Files of a folder, read again when they have changed
    File,
}

/// How a target gets its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum TargetKind {
    /// One after another: a file of JSON lines for each stream
    #[default]
    Record,
    /// In Arrow batches: an Arrow file for each commit
    Batch,
    /// One after another, into tables of SQLite, with upsert
    Sql,
}

/// A project before names are put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Template {
    /// `tap-rest`
    pub(super) name: &'static str,
    /// One line, without a full stop.
    pub(super) description: &'static str,
    /// The features of melisma-sdk.
    pub(super) features: &'static [&'static str],
    /// Other crates, as lines of Cargo.toml.
    pub(super) dependencies: &'static str,
    pub(super) dev_dependencies: &'static str,
    /// The settings and the config in meltano.yml, and the same config as JSON.
    pub(super) settings: &'static str,
    pub(super) config: &'static str,
    pub(super) config_json: &'static str,
    /// Lines of the README about files that it alone has.
    pub(super) about_files: &'static str,
    /// Path in the project, and the text before names are put in.
    pub(super) files: &'static [(&'static str, &'static str)],
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $path))
    };
}

const RUSQLITE: &str = "# bundled: a user's machine need not have SQLite. cache: prepared statements are kept by their text.\n\
    rusqlite = { version = \"0.41\", default-features = false, features = [\"bundled\", \"cache\"] }\n";
const PATH_SETTING: &str = "    - {name: path}";

impl TapKind {
    pub(super) fn template(self) -> Template {
        match self {
            Self::Rest => TAP_REST,
            Self::Yaml => TAP_YAML,
            Self::Sql => TAP_SQL,
            Self::File => TAP_FILE,
        }
    }
}

impl TargetKind {
    pub(super) fn template(self) -> Template {
        match self {
            Self::Record => TARGET_RECORD,
            Self::Batch => TARGET_BATCH,
            Self::Sql => TARGET_SQL,
        }
    }
}

impl Template {
    /// A file that tap-rest reads, without a crate.
    pub(super) fn is_file_alone(&self) -> bool {
        self.features.is_empty()
    }

    pub(super) fn is_tap(&self) -> bool {
        self.name.starts_with("tap-")
    }
}

const TAP_REST: Template = Template {
    name: "tap-rest",
    description: "Projects and their issues, from an HTTP API",
    features: &["http", "jiff"],
    dependencies: "# The type of moments in records.\njiff = { version = \"0.2\", default-features = false, features = [\"std\"] }\n",
    dev_dependencies: "",
    settings: "    - {name: url}\n    - {name: token, sensitive: true}\n    - {name: start_date, kind: date_iso8601}",
    config: "      url: https://api.example.com/v1",
    config_json: "{\"url\": \"https://api.example.com/v1\", \"token\": \"...\"}",
    about_files: "- `tests/http/api.json` has what the API answers. `RECORD=1 cargo test` asks the API itself, with the settings in\n  \
        `config.json`, and records it anew. Secrets are masked; look for what else is private before you share the file.\n",
    files: &[
        ("src/main.rs", template!("tap-rest/main.rs")),
        ("src/tests.rs", template!("tap-rest/tests.rs")),
        ("tests/http/api.json", template!("tap-rest/api.json")),
    ],
};

const TAP_YAML: Template = Template {
    name: "tap-yaml",
    description: "Projects and their issues, from an HTTP API",
    features: &[],
    dependencies: "",
    dev_dependencies: "",
    settings: "",
    config: "",
    config_json: "",
    about_files: "",
    files: &[
        ("@name@.yaml", template!("tap-yaml/definition.yaml")),
        ("meltano.yml", template!("tap-yaml/meltano.yml")),
        ("README.md", template!("tap-yaml/readme.md")),
    ],
};

const TAP_SQL: Template = Template {
    name: "tap-sql",
    description: "The tables and views of an SQLite database",
    features: &["tap"],
    dependencies: RUSQLITE,
    dev_dependencies: "tempfile = \"3\"\n",
    settings: PATH_SETTING,
    config: "      path: @name@.db",
    config_json: "{\"path\": \"@name@.db\"}",
    about_files: "",
    files: &[
        ("src/main.rs", template!("tap-sql/main.rs")),
        ("src/tests.rs", template!("tap-sql/tests.rs")),
    ],
};

const TAP_FILE: Template = Template {
    name: "tap-file",
    description: "The lines of the text files in a folder",
    features: &["tap", "jiff"],
    dependencies: "# The type of moments in records.\njiff = { version = \"0.2\", default-features = false, features = [\"serde\", \"std\"] }\n",
    dev_dependencies: "",
    settings: "    - {name: folder}\n    - {name: extension}",
    config: "      folder: tests/files",
    config_json: "{\"folder\": \"tests/files\"}",
    about_files: "",
    files: &[
        ("src/main.rs", template!("tap-file/main.rs")),
        ("src/tests.rs", template!("tap-file/tests.rs")),
        ("tests/files/monday.txt", template!("tap-file/monday.txt")),
        ("tests/files/tuesday.txt", template!("tap-file/tuesday.txt")),
    ],
};

const TARGET_RECORD: Template = Template {
    name: "target-record",
    description: "Writes each record as a line of JSON, to a file for each stream",
    features: &["target"],
    dependencies: "",
    dev_dependencies: "tempfile = \"3\"\n",
    settings: "    - {name: folder}",
    config: "      folder: output",
    config_json: "{\"folder\": \"output\"}",
    about_files: "",
    files: &[
        ("src/main.rs", template!("target-record/main.rs")),
        ("src/tests.rs", template!("target-record/tests.rs")),
    ],
};

const TARGET_BATCH: Template = Template {
    name: "target-batch",
    description: "Writes Arrow files: one for each commit of a stream",
    features: &["target"],
    dependencies: "# The version that melisma_sdk::arrow is of.\narrow-ipc = { version = \"60\", default-features = false }\n",
    dev_dependencies: "serde_json = \"1\"\ntempfile = \"3\"\n",
    settings: "    - {name: folder}",
    config: "      folder: output",
    config_json: "{\"folder\": \"output\"}",
    about_files: "",
    files: &[
        ("src/main.rs", template!("target-batch/main.rs")),
        ("src/tests.rs", template!("target-batch/tests.rs")),
    ],
};

const TARGET_SQL: Template = Template {
    name: "target-sql",
    description: "Writes each stream to a table of an SQLite database",
    features: &["target"],
    dependencies: RUSQLITE,
    dev_dependencies: "serde_json = \"1\"\ntempfile = \"3\"\n",
    settings: PATH_SETTING,
    config: "      path: @name@.db",
    config_json: "{\"path\": \"@name@.db\"}",
    about_files: "",
    files: &[
        ("src/main.rs", template!("target-sql/main.rs")),
        ("src/tests.rs", template!("target-sql/tests.rs")),
    ],
};

/// The files that all projects with code have.
pub(super) const COMMON: &[(&str, &str)] = &[
    ("Cargo.toml", template!("common/cargo.toml")),
    ("pyproject.toml", template!("common/pyproject.toml")),
    (".github/workflows/ci.yml", template!("common/ci.yml")),
];
/// Those of a tap, and those of a target.
pub(super) const COMMON_TAP: &[(&str, &str)] = &[
    ("README.md", template!("common/readme-tap.md")),
    ("meltano.yml", template!("common/meltano-tap.yml")),
];
pub(super) const COMMON_TARGET: &[(&str, &str)] = &[
    ("README.md", template!("common/readme-target.md")),
    ("meltano.yml", template!("common/meltano-target.yml")),
    ("orders.csv", template!("common/orders.csv")),
];
/// What does not belong in a repository.
pub(super) const IGNORED: &str = template!("common/gitignore");
