//! The direction of imports: `engine <- sdk <- adbc, bench, postgres <- taps, targets <- cli <- fuzz/properties <- benches, tests/e2e, tests/faults`.

use crate::metadata::Package;

/// The layers, lowest first. A member may depend on members of lower layers only, never on its neighbours.
///
/// `adbc` and `postgres` are what the ADBC and the PostgreSQL connectors share, and `bench` what `melisma bench` is made of.
/// `sdk-derive` is a macro of the sdk, `tests/servers` starts the servers of the tests and `tests/processes` runs programs: these
/// three know no member.
const LAYERS: [&[&str]; 8] = [
    &["sdk-derive", "tests/processes", "tests/servers"],
    &["engine"],
    &["sdk"],
    &["adbc", "bench", "postgres"],
    &["taps/", "targets/", "examples/"],
    &["cli"],
    &["fuzz/properties"],
    &["benches", "tests/e2e", "tests/faults"],
];

/// Every edge that goes against the direction, as a sentence. Development dependencies count.
pub(crate) fn violations(packages: &[Package]) -> Vec<String> {
    let members: Vec<&Package> = packages
        .iter()
        .filter(|package| package.source.is_none())
        .collect();
    let mut found = Vec::new();
    for member in &members {
        let edges = member
            .dependencies
            .iter()
            .filter_map(|name| members.iter().find(|to| to.name == *name));
        for to in edges {
            if let Some(why) = forbidden(&member.folder, &to.folder) {
                found.push(format!(
                    "{} must not depend on {}: {why}",
                    member.folder, to.folder
                ));
            }
        }
        if member.folder != "xtask" && layer(&member.folder).is_none() {
            found.push(format!(
                "{} has no layer: name one in xtask/src/graph.rs",
                member.folder
            ));
        }
    }
    found
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| {
        layer.iter().any(|name| {
            if name.ends_with('/') {
                folder.starts_with(name)
            } else {
                folder == *name
            }
        })
    })
}

fn forbidden(from: &str, to: &str) -> Option<&'static str> {
    if from == "xtask" && matches!(to, "tests/processes" | "tests/servers") {
        return None;
    }
    let (Some(above), Some(below)) = (layer(from), layer(to)) else {
        return Some("xtask stands apart, so that it builds in seconds");
    };
    if above <= below {
        Some(
            "imports run engine <- sdk <- adbc, bench, postgres <- taps, targets <- cli <- fuzz/properties <- benches, tests/e2e, tests/faults",
        )
    } else if to == "engine" && layer(from) == layer("taps/") {
        Some("connectors see the engine through the sdk only")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(folder: &str, dependencies: &[&str]) -> Package {
        Package {
            name: folder.replace('/', "-"),
            version: "0.1.0".into(),
            licence: String::new(),
            source: None,
            folder: folder.into(),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn imports_of_this_workspace_run_one_way() {
        let packages = crate::metadata::packages().expect("cargo metadata runs");
        assert!(
            packages.iter().any(|package| package.folder == "taps/csv"),
            "the members are found"
        );
        assert_eq!(violations(&packages), Vec::<String>::new());
    }

    #[test]
    fn an_edge_upwards_sideways_or_past_the_sdk_is_found() {
        let engine = || member("engine", &[]);
        let sdk = || member("sdk", &["engine"]);
        let tap = || member("taps-csv", &["sdk"]);
        assert!(violations(&[engine(), sdk()]).is_empty());
        assert_eq!(
            violations(&[member("engine", &["sdk"]), member("sdk", &[])]).len(),
            1,
            "upwards"
        );
        assert_eq!(
            violations(&[engine(), member("targets/jsonl", &["engine"])]).len(),
            1,
            "past the sdk"
        );
        let sideways = [member("taps/csv", &[]), member("targets/csv", &["taps-csv"])];
        assert_eq!(violations(&sideways).len(), 1, "sideways");
        assert_eq!(violations(&[tap()]).len(), 1, "a folder without a layer");
        assert_eq!(
            violations(&[engine(), member("xtask", &["engine"])]).len(),
            1,
            "xtask stands apart"
        );
    }
}
