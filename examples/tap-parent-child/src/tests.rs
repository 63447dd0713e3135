use melisma_sdk::check;

use super::{Tracker, json};

#[test]
fn it_keeps_the_rules_of_a_tap() {
    let report = check::tap::<Tracker>().config(json!({"projects": 3})).passes();
    assert_eq!(report.records("issues").len(), 6);
    assert_eq!(report.second_records("issues").len(), 3);
}
