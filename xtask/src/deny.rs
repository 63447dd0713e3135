//! `cargo xtask deny`: licences, sources, banned and duplicate crates.
//!
//! It reads `cargo metadata` and takes a second, where installing cargo-deny takes minutes of compiling. What it does
//! not do is look up security advisories, which needs a database from the network.

use std::collections::BTreeMap;

use crate::metadata::{self, Package};
use crate::{Result, graph, imports};

/// Licences that may be linked into a binary under MIT or Apache-2.0.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that must not come in, each with its reason.
const BANNED: &[(&str, &str)] = &[
    ("async-std", "blocking threads, no async runtime"),
    ("openssl-sys", "needs a system library; rustls does not"),
    (
        "reqwest",
        "ureq sends all requests; jsonschema would send some of its own, for a remote $ref",
    ),
];

/// Crates that these members may depend on, and no other, each with its reason. Libraries may bring them along.
const RESERVED: &[(&str, &[&str], &str)] = &[
    (
        "tokio",
        &["postgres", "cli"],
        "the clients of PostgreSQL and of object stores speak through it; all else is blocking threads",
    ),
    (
        "time",
        &["sdk", "tests/e2e"],
        "jiff is the one time library; records of authors may have the types of another",
    ),
];

/// Crates that may be there in several versions, each with its reason. Anything else in two versions is an error.
const DUPLICATES: &[(&str, &str)] = &[
    ("base64", "the PostgreSQL client is a version behind parquet"),
    (
        "bit-vec",
        "jsonschema's regular expressions are a version behind what makes the tests' certificates",
    ),
    (
        "phf",
        "the DOS code pages are a version behind the PostgreSQL client",
    ),
    ("phf_shared", "as phf"),
    (
        "const-oid",
        "the reader of certificates is a version behind the PostgreSQL client",
    ),
    (
        "crypto-common",
        "object_store's checksums are a version behind sha2",
    ),
    ("digest", "as crypto-common"),
    (
        "itertools",
        "criterion is two versions behind object_store; benches only",
    ),
    (
        "fallible-iterator",
        "the PostgreSQL client is a version behind rusqlite",
    ),
    (
        "getrandom",
        "arrow-array and jsonschema hash with ahash, tempfile and jobserver are a version ahead",
    ),
    (
        "hashbrown",
        "simd-json is a version behind indexmap; benches only",
    ),
    (
        "num-bigint",
        "jsonschema's fractions are a version behind parquet",
    ),
    ("r-efi", "never built: getrandom on UEFI"),
    ("wasi", "never built: getrandom on WASI"),
    ("windows-link", "adbc_driver_manager is ahead; never built here"),
    ("windows-result", "adbc_driver_manager is ahead; never built here"),
    (
        "windows-strings",
        "adbc_driver_manager is ahead; never built here",
    ),
    ("windows-sys", "ring is a version behind; never built here"),
    ("syn", "derive macros move one by one; only at build time"),
];

pub(crate) fn run() -> Result {
    let packages = metadata::packages()?;
    let mut found = graph::violations(&packages);
    found.extend(imports::violations()?);
    found.extend(sources(&packages));
    found.extend(packages.iter().filter_map(licence));
    found.extend(packages.iter().filter_map(banned));
    found.extend(packages.iter().flat_map(reserved));
    found.extend(duplicates(&packages, DUPLICATES));
    for line in &found {
        println!("deny: {line}");
    }
    if !found.is_empty() {
        return Err(format!("{} findings", found.len()));
    }
    println!(
        "deny: {} packages: licences, sources, bans, duplicates and imports are in order",
        packages.len()
    );
    Ok(())
}

/// One registry for all, and nothing from a git repository or a folder outside.
fn sources(packages: &[Package]) -> Vec<String> {
    let found: Vec<(&Package, &str)> = packages
        .iter()
        .filter_map(|package| Some((package, package.source.as_deref()?)))
        .collect();
    let registry = found
        .iter()
        .map(|(_, source)| *source)
        .find(|source| source.starts_with("registry+"));
    let strange = found.iter().filter(|(_, source)| Some(*source) != registry);
    strange
        .map(|(package, source)| format!("{} {} comes from {source}", package.name, package.version))
        .collect()
}

fn licence(package: &Package) -> Option<String> {
    let refused = || {
        format!(
            "{} {}: licence {:?}",
            package.name, package.version, package.licence
        )
    };
    (!allowed(&package.licence)).then(refused)
}

fn banned(package: &Package) -> Option<String> {
    let (name, why) = BANNED.iter().find(|(name, _)| package.name == *name)?;
    Some(format!("{name} is banned: {why}"))
}

fn reserved(package: &Package) -> Vec<String> {
    if package.source.is_some() {
        return Vec::new();
    }
    let taken = RESERVED.iter().filter(|(name, members, _)| {
        !members.contains(&package.folder.as_str()) && package.dependencies.iter().any(|to| to == name)
    });
    taken
        .map(|(name, _, why)| format!("{} must not depend on {name}: {why}", package.folder))
        .collect()
}

fn duplicates(packages: &[Package], known: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let mut lines = Vec::new();
    for (name, found) in versions.iter().filter(|(_, found)| found.len() > 1) {
        if !known.iter().any(|(known, _)| known == name) {
            lines.push(format!("{name} is there in versions {}", found.join(", ")));
        }
    }
    for (name, _) in known
        .iter()
        .filter(|(name, _)| versions.get(name).is_none_or(|found| found.len() < 2))
    {
        lines.push(format!(
            "{name} is listed as a duplicate, but is not one any more"
        ));
    }
    lines
}

/// Whether an SPDX expression can be fulfilled with the allowed licences: `AND` needs all, `OR` (or the old `/`) one.
fn allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace(" WITH ", "\u{0}");
    let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    let mut at = 0;
    any(&words, &mut at) && at == words.len()
}

fn any(words: &[&str], at: &mut usize) -> bool {
    let mut ok = all(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        ok |= all(words, at);
    }
    ok
}

fn all(words: &[&str], at: &mut usize) -> bool {
    let mut ok = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        ok &= one(words, at);
    }
    ok
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let ok = any(words, at);
        *at += 1;
        return ok;
    }
    LICENCES.contains(&word.replace('\u{0}', " WITH ").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_read_as_spdx_does() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR GPL-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "MPL-2.0", "MIT MIT", "(MIT"] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    fn package(version: &str) -> Package {
        Package {
            name: "x".into(),
            version: version.into(),
            licence: "MIT".into(),
            source: Some("registry+a".into()),
            folder: String::new(),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn a_git_repository_or_another_registry_is_found() {
        let from = |source: &str| Package {
            source: Some(source.into()),
            ..package("1.0.0")
        };
        let own = Package {
            source: None,
            ..package("1.0.0")
        };
        assert_eq!(
            sources(&[own, package("1.0.0"), package("2.0.0")]),
            Vec::<String>::new()
        );
        assert_eq!(
            sources(&[package("1.0.0"), from("git+b"), from("registry+b")]).len(),
            2
        );
    }

    #[test]
    fn a_second_version_is_found() {
        let twice = [package("1.0.0"), package("2.0.0")];
        assert_eq!(duplicates(&twice, &[]), ["x is there in versions 1.0.0, 2.0.0"]);
        assert_eq!(duplicates(&twice, &[("x", "why")]), Vec::<String>::new());
        assert_eq!(duplicates(&twice[..1], &[]), Vec::<String>::new());
        assert_eq!(
            duplicates(&twice[..1], &[("x", "why")]).len(),
            1,
            "an entry that is not needed any more"
        );
    }
}
