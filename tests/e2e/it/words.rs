//! Pages, help, settings and messages speak the field's English: what a reader of Meltano's, PostgreSQL's or ripgrep's
//! documentation need not translate.

use std::process::Command;

use crate::docs::pages;
use crate::harness::{melisma, root, run};

/// Words that were home-made here, and what the field says.
const HOME_MADE: &[(&str, &str)] = &[
    (
        "told",
        "a STATE is emitted; an error is reported; a record is logged",
    ),
    ("tells a STATE", "emits a STATE"),
    ("tell a STATE", "emit a STATE"),
    ("target tells", "the target emits, or reports"),
    ("taken, and not used", "accepted and ignored"),
    ("taken for compatibility", "accepted and ignored"),
    ("heed", "apply"),
    ("heeds", "applies"),
    ("heeded", "applied, or ignored"),
    ("goes before every", "takes precedence over"),
    ("goes before it", "takes precedence"),
    ("pass over", "skip"),
    ("passes over", "skips"),
    ("passes it over", "skips it"),
    ("passed over", "skipped"),
    ("set aside", "written to the dead-letter file"),
    ("sets aside", "writes to the dead-letter file"),
    ("sets it aside", "writes it to the dead-letter file"),
    ("in silence", "silently"),
    ("taken back", "rolled back, removed"),
    ("the general way", "the slow path"),
    ("stands twice", "is duplicated"),
    ("stand twice", "are duplicated"),
    ("goes on from", "resumes from"),
    ("went on from", "resumed from"),
    ("can not", "cannot"),
    ("so many", "the number of"),
    ("thousands of kills", "the results of N kills"),
    ("nobody", "no process, no reader: name who"),
    ("somebody", "another process, another program: name who"),
    ("each beside", "each compared with"),
    ("what becomes of", "what happens to"),
];

/// The first home-made word in `text`, as an accusation. Case and line ends make no difference; parts of longer words do.
fn home_made(place: &str, text: &str) -> Option<String> {
    let text = format!(
        " {} ",
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase()
    );
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    HOME_MADE.iter().find_map(|(word, instead)| {
        let found = text.match_indices(&word.to_lowercase()).find(|(at, found)| {
            !text[..*at].ends_with(part_of_word) && !text[at + found.len()..].starts_with(part_of_word)
        })?;
        let near: String = text[found.0..].chars().take(60).collect();
        Some(format!("{place}: {near:?}: say {instead:?}"))
    })
}

/// What a page says in sentences: no code, no names.
fn prose(page: &str) -> String {
    let outside = page.split("```").step_by(2).collect::<Vec<_>>().join(" ");
    outside.split('`').step_by(2).collect::<Vec<_>>().join("_")
}

/// The string literals of Rust source that are sentences: those with a space. Comments and tests at the end of a file
/// are left out.
fn sentences(source: &str) -> Vec<String> {
    let source = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, here) = rest.split_at(at);
        rest = if here.starts_with("//") {
            here.split_once('\n').map_or("", |(_, after)| after)
        } else if here.starts_with('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let raw = before.trim_end_matches('#').ends_with('r');
            let (literal, after) = if raw {
                raw_literal(here, hashes)
            } else {
                literal(here)
            };
            found.push(literal);
            after
        } else if let Some(after_tick) = here.strip_prefix('\'') {
            // A character, or the tick of a lifetime.
            let escape = after_tick
                .strip_prefix('\\')
                .and_then(|rest| rest.get(1..)?.split_once('\''));
            let plain = after_tick.chars().nth(1) == Some('\'');
            match escape {
                Some((_, after)) => after,
                None if plain => after_tick.split_once('\'').map_or("", |(_, after)| after),
                None => after_tick,
            }
        } else {
            &here[1..]
        };
    }
    found.retain(|literal| literal.contains(' '));
    found
}

/// The literal that begins with the quote at the start of `text`, its escapes as spaces, and what follows it.
fn literal(text: &str) -> (String, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                return (
                    text[1..at].replace("\\\n", " ").replace("\\n", " "),
                    &text[at + 1..],
                );
            }
            _ => {}
        }
    }
    panic!("a literal without an end: {text:.60}");
}

fn raw_literal(text: &str, hashes: usize) -> (String, &str) {
    let end = format!("\"{}", "#".repeat(hashes));
    let (literal, after) = text[1..].split_once(&end).expect("a raw literal with an end");
    (literal.to_owned(), after)
}

#[track_caller]
fn none(accusations: &[String]) {
    assert!(accusations.is_empty(), "{}", accusations.join("\n"));
}

#[test]
fn pages_speak_the_field_s_english() {
    let pages = pages();
    let accusations = pages
        .iter()
        .filter_map(|(page, text)| home_made(page, &prose(text)));
    none(&accusations.collect::<Vec<_>>());
}

#[test]
fn help_and_settings_speak_the_field_s_english() {
    let commands = [
        vec!["--help"],
        vec!["run", "--help"],
        vec!["pipe", "--help"],
        vec!["bench", "--help"],
        vec!["bench", "gen", "--help"],
        vec!["bench", "pair", "--help"],
        vec!["bench", "compare", "--help"],
        vec!["completions", "--help"],
    ];
    let of_plugins = melisma_processes::PLUGINS
        .iter()
        .flat_map(|plugin| [vec![*plugin, "--help"], vec![*plugin, "--about"]]);
    let accusations = commands.into_iter().chain(of_plugins).filter_map(|args| {
        let outcome = run(Command::new(melisma()).args(&args), b"").ok();
        let text = String::from_utf8(outcome.stdout).expect("UTF-8");
        home_made(&args.join(" "), &text)
    });
    none(&accusations.collect::<Vec<_>>());
}

#[test]
fn messages_speak_the_field_s_english() {
    // What a kill point says is for the fault harness and its report.
    let product = [
        "bench/src/*.rs",
        "engine/src/*.rs",
        "sdk/src/*.rs",
        "postgres/src/*.rs",
        "taps/*/src/*.rs",
        "targets/*/src/*.rs",
        "cli/src/*.rs",
        ":!engine/src/faults",
        ":!*tests.rs",
        ":!*/src/*/tests/*",
    ];
    let listing = run(
        Command::new("git")
            .arg("ls-files")
            .args(product)
            .current_dir(root()),
        b"",
    )
    .ok();
    let names = String::from_utf8(listing.stdout).expect("UTF-8");
    let mut accusations = Vec::new();
    let mut read = 0;
    for name in names.lines() {
        let source = std::fs::read_to_string(root().join(name)).expect("a file");
        let sentences = sentences(&source);
        read += sentences.len();
        accusations.extend(sentences.iter().filter_map(|sentence| home_made(name, sentence)));
    }
    assert!(read > 1000, "{read} sentences");
    none(&accusations);
}

#[test]
fn a_home_made_word_is_found_in_prose_and_in_messages() {
    let page = prose("A STATE is\ntold when `nobody told` it.\n```\ncan not\n```\nIt cannot be retold.");
    assert!(
        home_made("page", &page).is_some_and(|found| found.contains("told when")),
        "{page}"
    );
    assert_eq!(home_made("page", &prose("`told`, retold, and cannot")), None);
    let source = r##"
        // "nobody reads this"
        fn f<'a>(quote: char) { error!("it can \
            not be"); match quote { '"' => r#"a "raw" one"#, '\'' => "one", _ => "two words" } }
    "##;
    let found = sentences(source);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(home_made("source", &found[0]).is_some(), "{found:?}");
    assert_eq!(found[1..], [r#"a "raw" one"#, "two words"]);
}
