//! Puts names and versions into the files of a template.
//!
//! A place is a word between two `@`: no file of a template has such a word in any other sense.

use std::fmt::Write as _;
use std::path::Path;

use uuid::Uuid;

use super::kind::{COMMON, COMMON_TAP, COMMON_TARGET, IGNORED, Template};
use super::name::Name;

/// What goes into the files of a project.
pub(super) struct Values {
    template: Template,
    pairs: Vec<(&'static str, String)>,
}

impl Values {
    /// `sdk` is the folder of melisma-sdk, when it does not come from crates.io.
    pub(super) fn new(name: &Name, template: Template, sdk: Option<&Path>) -> Self {
        let pairs = vec![
            // Those with places in them come first.
            ("dependencies", dependencies(template, sdk)),
            ("dev_dependencies", dev_dependencies(template, sdk)),
            ("settings", template.settings.to_owned()),
            ("config", template.config.to_owned()),
            ("config_example", config_example(template)),
            ("files", template.about_files.to_owned()),
            ("description", template.description.to_owned()),
            ("name", name.short.clone()),
            ("package", name.package.clone()),
            ("namespace", name.namespace()),
            ("PREFIX", name.prefix()),
            ("type", name.type_name()),
            ("project_id", Uuid::now_v7().to_string()),
        ];
        Self { template, pairs }
    }

    /// The paths and the texts of all files.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let common: &[&[(&str, &str)]] = match self.template {
            template if template.is_file_alone() => &[],
            template if template.is_tap() => &[COMMON, COMMON_TAP],
            _ => &[COMMON, COMMON_TARGET],
        };
        let own = self.template.files.iter().chain(common.iter().copied().flatten());
        let ignored = (".gitignore", IGNORED);
        let all = own.chain(std::iter::once(&ignored));
        all.map(|(path, text)| (self.fill(path), self.fill(text)))
            .collect()
    }

    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (place, value) in &self.pairs {
            text = text.replace(&format!("@{place}@"), value);
        }
        text
    }
}

/// Where melisma-sdk comes from.
fn source(sdk: Option<&Path>) -> String {
    match sdk {
        // A JSON string is one of TOML, too.
        Some(folder) => format!("path = {}", serde_json::Value::from(folder.to_string_lossy())),
        None => {
            let mut version = env!("CARGO_PKG_VERSION").split('.');
            let [major, minor] = [version.next(), version.next()].map(Option::unwrap_or_default);
            format!("version = \"{major}.{minor}\"")
        }
    }
}

fn dependencies(template: Template, sdk: Option<&Path>) -> String {
    let features = template.features.join("\", \"");
    let source = source(sdk);
    let mut text = template.dependencies.to_owned();
    let _ = writeln!(
        text,
        "melisma-sdk = {{ {source}, default-features = false, features = [\"{features}\"] }}"
    );
    text.push_str("# The derives of the config name these two.\nschemars = \"1\"\n");
    text.push_str("serde = { version = \"1\", features = [\"derive\"] }\n");
    if template.name == "tap-sql" {
        text.push_str("serde_json = \"1\"\n");
    }
    text
}

fn dev_dependencies(template: Template, sdk: Option<&Path>) -> String {
    let source = source(sdk);
    let check = format!("melisma-sdk = {{ {source}, default-features = false, features = [\"check\"] }}\n");
    check + template.dev_dependencies
}

/// How the README has the settings written to a file.
fn config_example(template: Template) -> String {
    format!(
        "`config.json` has the settings, and is not for the repository:\n\n```json\n{}\n```\n",
        template.config_json
    )
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::commands::new::kind::{TapKind, TargetKind};

    fn all() -> Vec<Template> {
        let taps = TapKind::value_variants().iter().map(|kind| kind.template());
        taps.chain(TargetKind::value_variants().iter().map(|kind| kind.template()))
            .collect()
    }

    #[test]
    fn no_place_is_left() {
        for template in all() {
            let prefix = if template.is_tap() { "tap" } else { "target" };
            let name = Name::new(prefix, "my-shop").expect("a name");
            for (path, text) in Values::new(&name, template, None).files() {
                let mut parts = text.split('@');
                parts.next();
                let place = parts
                    .find(|part| part.chars().all(|c| c.is_alphabetic() || c == '_') && !part.is_empty());
                assert_eq!(place, None, "{} {path}", template.name);
                assert!(!path.contains('@'), "{path}");
            }
        }
    }

    #[test]
    fn the_sdk_is_that_of_a_version_or_of_a_folder() {
        let name = Name::new("tap", "shop").expect("a name");
        let manifest = |sdk: Option<&Path>| {
            let files = Values::new(&name, TapKind::Rest.template(), sdk).files();
            files
                .into_iter()
                .find(|(path, _)| path == "Cargo.toml")
                .expect("a manifest")
                .1
        };
        assert!(manifest(None).contains("melisma-sdk = { version = \"0.1\", default-features = false"));
        let text = manifest(Some(Path::new("/src/a \"b\"/sdk")));
        assert!(
            text.contains(r#"melisma-sdk = { path = "/src/a \"b\"/sdk", default-features = false"#),
            "{text}"
        );
    }
}
