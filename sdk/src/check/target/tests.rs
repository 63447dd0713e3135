//! Targets that break one rule each, as what they do with their input.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;

/// The rows of each stream by id.
type Tables = BTreeMap<String, Vec<Value>>;

/// What a target does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    Nothing,
    KeepsUnknown,
    KeepsInvalid,
    StatesEarly,
    DropsLastState,
    OwnState,
    /// At a line with this part.
    Fails(&'static str),
    Appends,
    /// The record with this id.
    Loses(i64),
}

impl Mistake {
    fn load(self, tables: &RefCell<Tables>, input: &Input) -> Ended {
        let mut emitted = Vec::new();
        let mut known: Vec<&str> = Vec::new();
        let states = input.states();
        for (at, line) in input.lines.iter().enumerate() {
            let stream = line["stream"].as_str().unwrap_or_default();
            if matches!(self, Self::Fails(part) if line.to_string().contains(part)) {
                return Ended {
                    emitted,
                    done: Err(Error::new(Kind::Io, "cannot")),
                };
            }
            match line["type"].as_str() {
                Some("SCHEMA") => known.push(stream),
                Some("RECORD") => {
                    let refused = (self != Self::KeepsUnknown && !known.contains(&stream))
                        || (self != Self::KeepsInvalid && line["record"]["id"].is_string());
                    if refused {
                        return Ended {
                            emitted,
                            done: Err(Error::input("refused")),
                        };
                    }
                    self.write(&mut tables.borrow_mut(), stream, &line["record"]);
                }
                _ => {
                    let last = states.last().is_some_and(|(last, _)| *last == at);
                    if last && self == Self::DropsLastState {
                        continue;
                    }
                    let text = if self == Self::OwnState {
                        json!({"mine": at})
                    } else {
                        line["value"].clone()
                    };
                    let rows = input.streams().into_iter().filter(|stream| !stream.contains('/'));
                    let all = tables.borrow();
                    let of = |stream: &str| {
                        let mut rows = all.get(stream).cloned().unwrap_or_default();
                        if self == Self::StatesEarly {
                            rows.pop();
                        }
                        (stream.to_owned(), Ok(rows))
                    };
                    emitted.push(Emitted {
                        text: text.to_string(),
                        rows: rows.map(of).collect(),
                    });
                }
            }
        }
        Ended {
            emitted,
            done: Ok(()),
        }
    }

    fn write(self, tables: &mut Tables, stream: &str, record: &Value) {
        let rows = tables.entry(stream.to_owned()).or_default();
        if self != Self::Appends {
            rows.retain(|row| row["id"] != record["id"]);
        }
        if !matches!(self, Self::Loses(id) if record["id"] == id) {
            rows.push(record.clone());
        }
    }

    /// The rules that it breaks, with their lines.
    fn broken(self) -> Vec<(Rule, Option<usize>)> {
        let tables = Arc::new(Mutex::new(RefCell::new(Tables::new())));
        let shared = Arc::clone(&tables);
        let rows: Reader = Arc::new(move |stream| {
            let tables = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let rows = tables.borrow().get(stream).cloned();
            Ok(rows.unwrap_or_default())
        });
        let program = Program {
            load: &|_, input| self.load(&tables.lock().unwrap_or_else(PoisonError::into_inner), input),
            rows: Some(&rows),
            upserts: true,
        };
        let mut report = Report::default();
        check(&program, &mut report);
        report
            .broken()
            .iter()
            .map(|broken| (broken.rule, broken.line))
            .collect()
    }
}

#[test]
fn a_good_target_breaks_nothing() {
    assert_eq!(Mistake::Nothing.broken(), []);
}

#[test]
fn each_rule_can_fail() {
    let fails = |part| Mistake::Fails(part).broken();
    assert_eq!(fails(input::EMPTY), [(Rule::TakesEmptyStream, None)]);
    assert_eq!(fails("check/Odd"), [(Rule::TakesAnyName, None)]);
    assert_eq!(fails("amount"), [(Rule::TakesSchemaChange, None)]);
    assert_eq!(
        fails(input::ITEMS),
        [(Rule::TakesRecords, None), (Rule::RunsAgain, None)]
    );
    let rule = Rule::RefusesUnknownStream;
    assert_eq!(Mistake::KeepsUnknown.broken(), [(rule, None)]);
    let rule = Rule::RefusesInvalidRecord;
    assert_eq!(Mistake::KeepsInvalid.broken(), [(rule, None)]);
    let has = |mistake: Mistake, rule, line| {
        let broken = mistake.broken();
        assert!(broken.contains(&(rule, line)), "{mistake:?}: {broken:?}");
    };
    has(Mistake::StatesEarly, Rule::StateAfterCommit, Some(13));
    has(Mistake::DropsLastState, Rule::EmitsStates, Some(46));
    has(Mistake::OwnState, Rule::EmitsStates, None);
    has(Mistake::Loses(20), Rule::HoldsRecords, None);
    assert_eq!(Mistake::Appends.broken(), [(Rule::ReplacesByKey, None)]);
}
