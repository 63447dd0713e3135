//! What `cargo metadata` says of the workspace and its dependencies.

use serde_json::Value;

use crate::{Result, sh};

/// A package of the dependency graph.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression, empty when the package names none.
    pub(crate) licence: String,
    /// Where it comes from; `None` for a member of the workspace.
    pub(crate) source: Option<String>,
    /// The folder of Cargo.toml, relative to the root of the repository; for members only.
    pub(crate) folder: String,
    /// Direct dependencies of every kind (normal, dev, build), as package names.
    pub(crate) dependencies: Vec<String>,
}

/// Every package that the workspace can pull in, on any platform and with any of its own features.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let json =
        sh::output(sh::cargo().args(["metadata", "--locked", "--format-version=1", "--all-features"]))?;
    let value: Value = serde_json::from_str(&json).map_err(|e| format!("cargo metadata: {e}"))?;
    let root = format!("{}/", sh::root().display());
    let list = value["packages"]
        .as_array()
        .ok_or("cargo metadata: no packages")?;
    Ok(list.iter().map(|package| read(package, &root)).collect())
}

fn read(package: &Value, root: &str) -> Package {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let manifest = text("manifest_path");
    let folder = manifest.strip_prefix(root).unwrap_or(&manifest);
    let dependencies = package["dependencies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Package {
        name: text("name"),
        version: text("version"),
        licence: text("license"),
        source: package["source"].as_str().map(str::to_owned),
        folder: folder
            .trim_end_matches("Cargo.toml")
            .trim_end_matches('/')
            .to_owned(),
        dependencies: dependencies
            .iter()
            .filter_map(|d| d["name"].as_str().map(str::to_owned))
            .collect(),
    }
}
