//! A hash that identifies the pipeline of two command lines.
//!
//! A state belongs to what its tap reads and its target writes. Of command lines melisma knows only the words, so the id
//! of their state contains a hash of all words of both: with another script, config file or option it is another state.
//! The content of files is not part of it: after an edit of its config file a pipeline keeps its state, as a plugin of a
//! project does.
//!
//! For example, `python3 tap.py --config c.json` and `/usr/bin/python3.12 tap.py --config=./c.json` have the same hash:
//! folder and version of what starts the plugin do not matter, nor does the way in which an option or a path is written.

use std::path::Path;

use super::launcher::program;
use crate::hash::fnv1a;

/// Sixteen hex digits for the words of two command lines. `launchers` are the indexes of words that only start a plugin.
///
/// `here` is the folder that relative paths start from; a path below it is the same in its relative and its absolute
/// form. When several folders share the store (`shared`), the folder is part of the hash.
pub(super) fn hash(lines: [(&[String], &[usize]); 2], here: &Path, shared: bool) -> String {
    let mut text = String::new();
    if shared {
        text.push_str(&here.to_string_lossy());
    }
    for (words, launchers) in lines {
        // Words contain no control characters, so no other split into lines or words gives the same text.
        text.push('\u{1}');
        for (at, word) in words.iter().enumerate() {
            if launchers.contains(&at) {
                // Its folder and version do not change what is read. melisma itself starts built-in plugins and makes no
                // difference at all.
                let name = program(word);
                if name == "melisma" {
                    continue;
                }
                text.push_str(name);
            } else if at == 0 {
                text.push_str(word);
            } else {
                push(&mut text, word, here);
            }
            text.push('\0');
        }
    }
    format!("{:016x}", fnv1a(text.as_bytes()))
}

/// The part of the hash that an id contains.
pub(super) fn short(hash: &str) -> &str {
    &hash[..8]
}

/// `--option=value` is `--option value`, `./x` is `x`, and so is `x` with its whole path.
fn push(text: &mut String, word: &str, here: &Path) {
    if let Some((option, value)) = word
        .split_once('=')
        .filter(|(option, _)| option.starts_with("--"))
    {
        text.push_str(option);
        text.push('\0');
        return push(text, value, here);
    }
    let below = Path::new(word).strip_prefix(here).ok().and_then(Path::to_str);
    text.push_str(below.or_else(|| word.strip_prefix("./")).unwrap_or(word));
}

#[cfg(test)]
mod tests {
    use super::super::launcher::plugin;
    use super::*;

    fn of(tap: &str, target: &str) -> String {
        in_folder(tap, target, "/data/here", false)
    }

    fn in_folder(tap: &str, target: &str, here: &str, shared: bool) -> String {
        let words = [tap, target].map(|line| shlex::split(line).expect("closed"));
        let launchers = [&words[0], &words[1]].map(|words| plugin(words).launchers);
        hash(
            [(&words[0], &launchers[0]), (&words[1], &launchers[1])],
            Path::new(here),
            shared,
        )
    }

    /// Ids of stored states contain this value, so it must not change.
    #[test]
    fn the_hash_is_the_same_in_every_version() {
        assert_eq!(
            of("tap-csv --config a.json", "target-jsonl --config t.json"),
            "c8ea56f446a1fccc"
        );
    }

    #[test]
    fn other_words_are_another_pipeline() {
        let one = of("python3 tap_a.py a.json", "target-jsonl --config a.json");
        for (tap, target) in [
            ("python3 tap_b.py a.json", "target-jsonl --config a.json"),
            ("python3 tap_a.py b.json", "target-jsonl --config a.json"),
            ("python3 tap_a.py a.json", "target-jsonl --config b.json"),
            ("python3 tap_a.py a.json x", "target-jsonl --config a.json"),
            ("python3 'tap_a.py a.json'", "target-jsonl --config a.json"),
            ("env A=1 python3 tap_a.py a.json", "target-jsonl --config a.json"),
            ("target-jsonl --config a.json", "python3 tap_a.py a.json"),
            ("python3 tap_a.py a.json target-jsonl", "--config a.json"),
        ] {
            assert_ne!(of(tap, target), one, "{tap} | {target}");
        }
    }

    #[test]
    fn other_ways_to_write_the_same_are_the_same() {
        let one = of("python3 tap.py --config c.json", "target-jsonl --config t.json");
        for (tap, target) in [
            (
                "python3  tap.py --config 'c.json'",
                "target-jsonl --config t.json",
            ),
            (
                "/venv/bin/python3.12 tap.py --config=c.json",
                "target-jsonl --config ./t.json",
            ),
            (
                "python tap.py --config /data/here/c.json",
                "melisma target-jsonl --config t.json",
            ),
        ] {
            assert_eq!(of(tap, target), one, "{tap} | {target}");
        }
    }

    #[test]
    fn a_folder_counts_where_others_share_the_store() {
        let of = |here, shared| in_folder("tap --config c.json", "target", here, shared);
        assert_eq!(of("/a", false), of("/b", false));
        assert_ne!(of("/a", true), of("/b", true));
    }
}
