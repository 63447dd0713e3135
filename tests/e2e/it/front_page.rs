//! The code of the SDK's front page, built as its reader builds it: in a crate with the dependencies that the page names,
//! on the files that are published and no others.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::authors::{share_builds, workspace};
use crate::harness::root;

/// The crates that a connector gets with melisma-sdk.
const CRATES: [(&str, &str); 3] = [
    ("melisma-engine", "engine"),
    ("melisma-sdk", "sdk"),
    ("melisma-sdk-derive", "sdk-derive"),
];

/// The output of cargo in a folder; it must succeed.
fn cargo(folder: &Path, args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    let output = share_builds(cargo.current_dir(folder).args(args))
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Copies the published files of our crates into a workspace of their own, which has the versions of this one.
fn publish(to: &Path) {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let (_, shared) = manifest.split_once("[workspace.package]").expect("shared keys");
    let (shared, _) = shared.split_once("\n[profile").expect("profiles behind them");
    workspace(
        to,
        &["engine", "sdk", "sdk-derive", "page"],
        &format!("\n[workspace.package]{shared}"),
    );
    for (name, folder) in CRATES {
        let list = cargo(
            root(),
            &[
                "package",
                "--list",
                "--allow-dirty",
                "--offline",
                "--package",
                name,
            ],
        );
        for file in list.lines() {
            let (from, to) = (root().join(folder).join(file), to.join(folder).join(file));
            // Cargo makes some of the files itself.
            if from.exists() && !file.contains("Cargo.toml.orig") {
                fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
                fs::copy(from, to).expect("copies");
            }
        }
    }
}

/// The first block of code in a page that begins with this line, without what rustdoc hides.
fn block(page: &str, fence: &str) -> String {
    let (_, rest) = page.split_once(&format!("{fence}\n")).expect("a block of code");
    let (block, _) = rest.split_once("\n```").expect("its end");
    let shown = block
        .lines()
        .filter(|line| *line != "#" && !line.starts_with("# "));
    shown.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_front_page_compiles_with_what_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    publish(folder.path());
    let page = fs::read_to_string(root().join("sdk/src/lib.rs")).expect("a page");
    let page: Vec<&str> = page
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let readme = fs::read_to_string(root().join("sdk/README.md")).expect("a page");
    let dependencies = block(&readme, "```toml").replace(
        "melisma-sdk = \"0.1\"",
        "melisma-sdk = { version = \"0.1\", path = \"../sdk\" }",
    );
    assert!(dependencies.contains("../sdk"), "{dependencies}");
    let page_folder = folder.path().join("page");
    fs::create_dir_all(page_folder.join("src")).expect("a folder");
    let package = "[package]\nname = \"tap-shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n";
    fs::write(page_folder.join("Cargo.toml"), format!("{package}{dependencies}")).expect("writes");
    fs::write(page_folder.join("src/main.rs"), block(&page.join("\n"), "```")).expect("writes");
    cargo(&page_folder, &["build", "--offline", "--quiet", "--workspace"]);
}
