//! The properties over the seeds, the inputs that once failed, and mutants of both.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use melisma_properties::mutate::{Random, mutate};
use melisma_properties::spelled::bytes;
use melisma_properties::{ALL, Property, decode, envelope, lines, reference};

/// Mutants of each property in the test command; `MELISMA_TEST_MUTANTS` is another number.
const MUTANTS: usize = 4_000;

fn folder(kind: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(kind)
        .join(name)
}

/// The files of a folder, in the order of their names; none when there is no such folder.
fn files(kind: &str, name: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder(kind, name)) else {
        return Vec::new();
    };
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let bytes = fs::read(entry.path()).expect("a file");
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    files.sort();
    files
}

/// Runs a check; says which input it was when it fails.
fn run(property: &Property, input: &[u8], what: &str) {
    let failed = std::panic::catch_unwind(|| (property.check)(input)).is_err();
    assert!(
        !failed,
        "{} does not hold for {what}: {}",
        property.name,
        input.escape_ascii()
    );
}

fn check(name: &str) {
    let property = ALL
        .iter()
        .find(|property| property.name == name)
        .expect("a property");
    let seeds = files("seeds", name);
    assert!(seeds.len() >= 2, "{name} has seeds");
    let findings = files("findings", name);
    for (file, input) in seeds.iter().chain(&findings) {
        run(property, input, file);
    }
    let mutants = std::env::var("MELISMA_TEST_MUTANTS")
        .ok()
        .and_then(|n| n.parse().ok());
    let seed = std::env::var("MELISMA_TEST_SEED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    let mut random = Random::new(seed);
    for n in 0..mutants.unwrap_or(MUTANTS) {
        let (file, seed) = &seeds[random.below(seeds.len())];
        let mut mutant = seed.clone();
        let other = &seeds[random.below(seeds.len())].1;
        mutate(&mut random, &mut mutant, other);
        run(property, &mutant, &format!("mutant {n} of {file}"));
    }
}

/// One test a property, so that they run side by side and are named when they fail.
macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_property_has_a_test_and_a_target() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(ALL.iter().map(|property| property.name).collect::<Vec<_>>(), tested);
            for name in tested {
                assert!(folder("fuzz_targets", &format!("{name}.rs")).exists(), "{name} is fuzzed");
            }
        }
    };
}

tests!(config copy csv decode envelope journal ledger lines pgbinary plan);

#[test]
fn the_page_says_of_each_property_what_must_hold() {
    let page = fs::read_to_string(folder("../docs", "fuzzing.md")).expect("a page");
    let table: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| target | what must hold"))
        .skip(2)
        .map_while(|line| line.strip_prefix("| `"))
        .collect();
    let described: BTreeSet<&str> = table
        .iter()
        .filter_map(|line| line.split_once("` | "))
        .filter(|(_, text)| text.split_whitespace().count() > 5)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(described, ALL.iter().map(|property| property.name).collect());
}

/// Texts that JSON parsers disagree about, as values of a record and of a STATE and as lines of their own.
#[test]
fn json_texts_are_read_as_the_naive_reader_reads_them() {
    let table = include_str!("json.tsv");
    let cases: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(cases.len() >= 300, "{}", cases.len());
    for case in cases {
        let fields: Vec<&str> = case.splitn(4, '\t').collect();
        let [category, name, class, text] = fields[..] else {
            panic!("four fields: {case}")
        };
        let text = bytes(text);
        let found = serde_json::from_slice::<serde_json::Value>(&text);
        assert_eq!(found.is_ok(), class == "y", "{category} {name}: {found:?}");
        let naive = std::str::from_utf8(&text).ok().filter(|text| text.len() < 10_000);
        if let Some(text) = naive {
            assert_eq!(
                reference::parse(text, 127).is_some(),
                class != "n",
                "{category} {name}"
            );
        }
        let within = |before: &str, after: &str| [before.as_bytes(), &text, after.as_bytes()].concat();
        // The bytes before choose a schema without types, and a strict reader.
        decode::check(&within("\0\0{\"a\":", "}"));
        envelope::check(&within(
            "\0{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"a\":",
            "}}",
        ));
        envelope::check(&within("\0{\"type\":\"STATE\",\"value\":", "}"));
        lines::check(&within("", "\n"));
    }
}
