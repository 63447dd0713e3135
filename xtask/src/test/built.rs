//! What the tests that call cargo themselves find built.
//!
//! Some tests build projects of others, as `melisma new` makes them. Cargo uses a library that it has built for the workspace when
//! its version, features and profile are the same; the features alone would differ, because a project asks for fewer. So the
//! tests add a package to each workspace of projects that depends on every library here with the features it was built
//! with, and a profile that optimises each as it is here. The projects then cost their own code instead of a hundred libraries.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Result, sh};

/// The libraries of others, by name and version.
#[derive(Default)]
pub(super) struct Built(BTreeMap<(String, String), Library>);

struct Library {
    /// A list of texts, which is the same in JSON and TOML.
    features: Value,
    /// Of the crate itself. What only a macro or a build script needs is never optimised.
    opt_level: String,
}

impl Built {
    /// Notes the library in a message of cargo, if it is about one.
    pub(super) fn note(&mut self, message: &Value) {
        let package = message["package_id"].as_str().unwrap_or_default();
        let Some((name, version)) = package
            .strip_prefix("registry+")
            .and_then(|package| package.rsplit_once('#')?.1.split_once('@'))
        else {
            return;
        };
        if message["target"]["kind"][0] == "custom-build" || message["reason"] != "compiler-artifact" {
            return;
        }
        let opt_level = message["profile"]["opt_level"].as_str().unwrap_or("0").to_owned();
        let library = self
            .0
            .entry((name.to_owned(), version.to_owned()))
            .or_insert_with(|| Library {
                features: message["features"].clone(),
                opt_level: opt_level.clone(),
            });
        // One that a build script needs as well is built twice.
        library.opt_level = opt_level.max(library.opt_level.clone());
    }

    /// Writes the package and the profile, and returns their folder. The libraries themselves are linked into a target folder of
    /// its own beside them, so that no cargo waits for the lock of another or writes where another reads.
    pub(super) fn write(&self) -> Result<PathBuf> {
        let folder = sh::target().join("built");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("lib.rs"), "//! Nothing but dependencies.\n"))
            .and_then(|()| fs::write(folder.join("Cargo.toml"), self.manifest()))
            .and_then(|()| fs::write(folder.join("profile.toml"), self.profile()))
            .and_then(|()| share(&sh::target().join("debug"), &folder.join("target/debug")))
            .map_err(|e| format!("cannot write {}: {e}", folder.display()))?;
        Ok(folder)
    }

    fn manifest(&self) -> String {
        let mut text =
            "[package]\nname = \"built\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n[dependencies]\n"
                .to_owned();
        for (number, ((name, version), library)) in self.0.iter().enumerate() {
            let features = &library.features;
            // Several versions of a package may be there, so each has a name of its own.
            let _ = writeln!(
                text,
                "d{number} = {{ package = \"{name}\", version = \"={version}\", default-features = false, features = {features} }}"
            );
        }
        text
    }

    fn profile(&self) -> String {
        // A macro or build script takes the level of its package before that of all build scripts: only what is never
        // optimised is named.
        let never = self.0.iter().filter(|(_, library)| library.opt_level == "0");
        let mut text = "[profile.dev]\nopt-level = 1\ndebug = false\nincremental = false\n\n".to_owned();
        text.push_str(
            "[profile.dev.build-override]\nopt-level = 0\ndebug = false\n\n[profile.dev.package]\n",
        );
        for own in ["melisma-engine", "melisma-sdk", "melisma-sdk-derive"] {
            let _ = writeln!(text, "{own} = {{ opt-level = 0 }}");
        }
        for ((name, version), _) in never {
            let _ = writeln!(text, "\"{name}@{version}\" = {{ opt-level = 0 }}");
        }
        text
    }
}

/// Makes what cargo has built in one target folder known in another.
fn share(from: &Path, to: &Path) -> io::Result<()> {
    add(&from.join("deps"), &to.join("deps"), &|from, to| {
        let name = from.file_name().unwrap_or_default();
        if name.to_string_lossy().starts_with("lib") {
            fs::hard_link(from, to)
        } else {
            Ok(())
        }
    })?;
    // Cargo writes over these, so they are not linked; by their times it sees that what is built is not older than its source.
    for folder in [".fingerprint", "build"] {
        add(&from.join(folder), &to.join(folder), &|from, to| {
            fs::copy(from, to)?;
            let copy = fs::File::options().append(true).open(to)?;
            copy.set_modified(from.metadata()?.modified()?)
        })?;
    }
    Ok(())
}

/// Adds the files of a folder that another one lacks.
fn add(from: &Path, to: &Path, file: &dyn Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            add(&entry.path(), &to, file)?;
        } else if !to.exists() {
            file(&entry.path(), &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_package_asks_for_what_was_built_and_for_nothing_else() {
        let mut built = Built::default();
        let mut note = |package: &str, kind: &str, features: Value, opt_level: &str| {
            built.note(&json!({
                "reason": "compiler-artifact", "package_id": package, "target": {"kind": [kind]}, "features": features,
                "profile": {"opt_level": opt_level},
            }));
        };
        note(
            "registry+sparse#syn@2.0.1",
            "lib",
            json!(["full", "parsing"]),
            "0",
        );
        note("registry+sparse#syn@3.0.9", "lib", json!([]), "1");
        note("registry+sparse#syn@3.0.9", "lib", json!([]), "0");
        note("registry+sparse#ring@0.17.1", "custom-build", json!(["std"]), "0");
        note("path+file:///m/sdk#melisma-sdk@0.1.0", "lib", json!(["tap"]), "1");
        let manifest = built.manifest();
        let (_, dependencies) = manifest.split_once("[dependencies]\n").expect("dependencies");
        assert_eq!(
            dependencies.lines().collect::<Vec<_>>(),
            [
                r#"d0 = { package = "syn", version = "=2.0.1", default-features = false, features = ["full","parsing"] }"#,
                r#"d1 = { package = "syn", version = "=3.0.9", default-features = false, features = [] }"#,
            ]
        );
        let profile = built.profile();
        assert!(
            profile.contains("\n\"syn@2.0.1\" = { opt-level = 0 }\n"),
            "{profile}"
        );
        assert!(!profile.contains("syn@3.0.9"), "{profile}");
    }
}
