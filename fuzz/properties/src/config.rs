//! Config files, catalogs and state files: whatever they hold, no panic; and what is accepted means the same when it
//! is written and read again.
//!
//! The first byte chooses the kind of file.

use std::sync::LazyLock;

use melisma_sdk::config::Settings;
use melisma_sdk::fuzzing::{config, state};
use melisma_sdk::{Catalog, Method};
use serde_json::Value;

use crate::input::Input;
use crate::reference::{self, Json};

static SETTINGS: LazyLock<[Settings; 3]> = LazyLock::new(|| {
    [
        Settings::new::<tap_csv::Config>(),
        Settings::new::<target_postgres::Config>().and::<melisma_sdk::target::StandardConfig>(),
        Settings::new::<tap_postgres::Config>(),
    ]
});

/// See the [module](self).
pub fn check(data: &[u8]) {
    if reference::is_private_to_serde_json(&String::from_utf8_lossy(data)) {
        return;
    }
    let mut input = Input::new(data);
    match input.below(6) {
        choice @ 0..3 => settings(&SETTINGS[choice], input.rest()),
        3 | 4 => catalog(input.rest()),
        _ => a_state(input.rest()),
    }
}

fn settings(settings: &Settings, bytes: &[u8]) {
    let Ok(values) = config(settings, bytes) else {
        return;
    };
    let text = serde_json::to_vec(&values).expect("JSON");
    let again = config(settings, &text).expect("what was accepted");
    assert_eq!(again, values);
}

fn catalog(bytes: &[u8]) {
    let Ok(catalog) = Catalog::read(bytes, "catalog.json") else {
        return;
    };
    let text = catalog.to_text();
    let again = Catalog::read(text.as_bytes(), "catalog.json").expect("what was accepted");
    assert_eq!(again.to_text(), text);
    let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let values: [Value; 2] = [plain, text.as_bytes()].map(|text| serde_json::from_slice(text).expect("JSON"));
    assert_eq!(values[0], values[1]);
    for (entry, twin) in catalog.entries().zip(again.entries()) {
        let _ = (
            entry.schema(),
            entry.field("key-properties"),
            entry.metadata("selected"),
        );
        assert_eq!(entry.id(), twin.id());
        assert_eq!(entry.key_properties(), twin.key_properties());
        assert_eq!(entry.replication_key(), twin.replication_key());
        assert_eq!(
            entry.replication_method(Method::FullTable).is_ok(),
            twin.replication_method(Method::FullTable).is_ok()
        );
        let names = ["", "id", "a"];
        for name in names {
            let path = ["properties", name];
            assert_eq!(
                entry.selection().is_selected(&path),
                twin.selection().is_selected(&path)
            );
        }
    }
}

fn a_state(bytes: &[u8]) {
    let Ok(told) = state(bytes) else { return };
    assert!(!told.contains(&b'\n'), "a message is one line");
    assert_eq!(state(&told).expect("what was told"), told);
    let (Ok(before), Ok(told)) = (std::str::from_utf8(bytes), std::str::from_utf8(&told)) else {
        panic!("not UTF-8")
    };
    let before = reference::parse(before.trim_start_matches('\u{FEFF}').trim_ascii(), 127);
    let (Some(before), Some(after)) = (before, reference::parse(told, 127)) else {
        return;
    };
    let (Json::Object(before), after) = (before, after) else {
        return;
    };
    // Everything stays as it came, to the digit, but for the bookmarks and for what the last run was reading.
    let is_of_the_run = |name: &str| ["bookmarks", "currently_syncing"].contains(&name);
    for (name, _) in before.iter().filter(|(name, _)| !is_of_the_run(name)) {
        let value = before
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value);
        assert_eq!(after.get(name), value, "{name}");
    }
}
