//! Whether the machine was quiet enough to believe the times.

use crate::plan::Settings;
use crate::report::{Case, Measured, Outcome, Role, seconds};

/// A run that is shorter than this is mostly starting and waiting.
const SHORT: f64 = 0.05;

/// Adds what casts doubt on the times of a case, and what else there is to say about them.
///
/// The subject and its rivals decide. Floors are so short that their spread says little; it is a note.
pub fn judge(case: &mut Case, settings: &Settings) {
    let (mut doubts, mut notes) = (Vec::new(), Vec::new());
    for candidate in measured(case) {
        let Some(figures) = &candidate.figures else {
            continue;
        };
        if figures.spread > settings.max_spread {
            let text = format!(
                "{}: the middle half of its times spans {:.0}% of their median, more than {:.0}%",
                candidate.name,
                figures.spread * 100.0,
                settings.max_spread * 100.0
            );
            if candidate.role == Role::Floor {
                notes.push(text);
            } else {
                doubts.push(text);
            }
        }
        if candidate.role == Role::Subject && figures.wall_seconds.median < SHORT {
            notes.push(format!(
                "{}: {} is mostly start-up; more rows would say more",
                candidate.name,
                seconds(figures.wall_seconds.median)
            ));
        }
    }
    if let Some(load) = load(case).filter(|load| *load > settings.max_load) {
        doubts.push(format!(
            "other processes used {load:.2} cores during the runs, more than {:.2}",
            settings.max_load
        ));
    }
    case.doubts.extend(doubts);
    case.notes.extend(notes);
}

/// The cores that other processes used, over all timed runs: one run alone is too short for a clock of 10 ms.
pub fn load(case: &Case) -> Option<f64> {
    let runs: Vec<_> = measured(case).flat_map(|candidate| &candidate.runs).collect();
    let wall: f64 = runs.iter().map(|run| run.wall_seconds).sum();
    let other: Option<f64> = runs.iter().map(|run| run.other_seconds).sum();
    other.filter(|_| wall > 0.0).map(|other| other / wall)
}

fn measured(case: &Case) -> impl Iterator<Item = &Measured> {
    case.candidates
        .iter()
        .filter(|candidate| candidate.outcome == Outcome::Measured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CheckForm, Figures, RunForm};

    const SETTINGS: Settings = Settings {
        runs: 3,
        max_spread: 0.1,
        max_load: 0.25,
    };

    fn case(role: Role, times: &[f64], other: f64) -> Case {
        let runs: Vec<RunForm> = times
            .iter()
            .map(|&wall_seconds| RunForm {
                wall_seconds,
                other_seconds: Some(other * wall_seconds),
                ..RunForm::default()
            })
            .collect();
        Case {
            candidates: vec![Measured {
                name: "x".into(),
                role,
                command: String::new(),
                outcome: Outcome::Measured,
                why: None,
                check: CheckForm::default(),
                figures: Figures::of(&runs, None, None),
                runs,
            }],
            ..Case::default()
        }
    }

    fn doubts(mut case: Case) -> usize {
        judge(&mut case, &SETTINGS);
        case.doubts.len()
    }

    #[test]
    fn a_wide_spread_and_a_busy_machine_are_doubts() {
        assert_eq!(doubts(case(Role::Subject, &[1.0, 1.02, 1.04], 0.1)), 0);
        assert_eq!(doubts(case(Role::Rival, &[1.0, 1.5, 2.0], 0.1)), 1);
        assert_eq!(doubts(case(Role::Floor, &[1.0, 1.5, 2.0], 0.1)), 0);
        assert_eq!(doubts(case(Role::Subject, &[1.0, 1.02, 1.04], 0.5)), 1);
    }

    #[test]
    fn a_short_run_is_noted() {
        let mut short = case(Role::Subject, &[0.01, 0.01], 0.0);
        judge(&mut short, &SETTINGS);
        assert!(
            short.doubts.is_empty() && short.notes[0].contains("10.0 ms is mostly start-up"),
            "{:?}",
            short.notes
        );
    }
}
