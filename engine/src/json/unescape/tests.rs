use proptest::prelude::*;

use super::*;

#[test]
fn reads_pythons_escapes() {
    let mut text = String::new();
    unescape(r"\u00e9\u6f22\ud83d\ude00\/", &mut text);
    assert_eq!(text, "é漢😀/");
}

/// Text as JSON writers have it, and now and then one that is wrong.
fn any_string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -!#-Z]{0,20}",
        4 => "\\\\u[0-9a-fA-C]{4}",
        2 => "\\\\ud[89ab][0-9a-f]{2}\\\\ud[c-f][0-9a-f]{2}",
        2 => "\\\\[nrtbf\"/\\\\]",
        1 => "[é漢😀]{0,9}",
        1 => "[ -!#-Z]{60,200}",
    ];
    let wrong = "(\\\\ud[89ab]00|\\\\u12g4|\\\\u1|\\\\x|\u{1}|\"|\\\\)";
    let wrong = prop_oneof![9 => Just(String::new()), 1 => wrong];
    (
        prop::collection::vec(piece, 0..40),
        any::<prop::sample::Index>(),
        wrong,
    )
        .prop_map(|(mut all, at, wrong)| {
            all.insert(at.index(all.len() + 1), wrong);
            all.concat()
        })
}

proptest! {
    #[test]
    fn reads_what_serde_json_reads(raw in any_string(), after in "[ -~]{0,80}") {
        let json = format!("\"{raw}\"{after}");
        let first = scan::string_end(json.as_bytes(), 1).unwrap_or(json.len());
        let oracle = serde_json::Deserializer::from_str(&json).into_iter::<String>().next().expect("a value");
        match (crate::json::skip::string(json.as_bytes(), 1), oracle) {
            (Ok((end, escaped)), Ok(oracle)) => {
                let raw = &json[1..end - 1];
                prop_assert_eq!(escaped, raw.contains('\\'));
                let (mut unescaped, mut read) = (String::new(), String::new());
                unescape(raw, &mut unescaped);
                prop_assert_eq!(&unescaped, &oracle);
                prop_assert_eq!(read_string(&json, (1, first), &mut read, &mut Room::default()), Ok(end));
                prop_assert_eq!(&read, &oracle);
            }
            (Err(expected), Err(_)) => {
                prop_assert_eq!(read_string(&json, (1, first), &mut String::new(), &mut Room::default()), Err(expected));
            }
            (found, oracle) => prop_assert!(false, "{json}: {found:?}, serde_json says {oracle:?}"),
        }
    }

    /// What was never checked gives some text, and no panic.
    #[test]
    fn takes_anything(raw in "([\\\\uéd8c0a\"\u{1}]{0,60}|[\\\\ué漢😀a]{0,900})") {
        let mut text = String::new();
        unescape(&raw, &mut text);
        prop_assert!(raw.is_empty() || !text.is_empty());
    }
}

#[test]
fn a_lone_surrogate_becomes_a_replacement_character() {
    for raw in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\n"] {
        let mut text = String::new();
        unescape(raw, &mut text);
        assert!(text.starts_with('\u{FFFD}'), "{raw}");
    }
}
