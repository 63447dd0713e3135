//! How much an author meets at the top of the crate's documentation.

use std::path::Path;

/// The names that a list in braces, or a single path, brings in.
fn names(import: &str) -> usize {
    let leaves = import.split([',', '{', '}']).map(str::trim);
    leaves
        .filter(|leaf| !leaf.is_empty() && !leaf.ends_with("::"))
        .count()
}

#[test]
fn at_most_sixty_public_items_are_at_the_top() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let text = std::fs::read_to_string(path).expect("a file");
    let code: Vec<&str> = text.lines().filter(|line| !line.starts_with("//")).collect();
    let code = code.join("\n");
    let shown = code.replace("#[doc(hidden)]\npub", "hidden");
    let modules = shown.matches("\npub mod ").count();
    let imports = shown
        .split("\npub use ")
        .skip(1)
        .filter_map(|rest| rest.split(';').next());
    // The macros package!, tap_main! and target_main! stand elsewhere, and Record is a trait and a derive.
    let count = modules + imports.map(names).sum::<usize>() + 4;
    assert!((30..=60).contains(&count), "{count}");
}
