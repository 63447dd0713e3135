//! The progress bars of a run on a terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// One bar for each active stream, one for all streams, one for the target.
pub(super) struct Bars {
    all: MultiProgress,
    shown: Vec<ProgressBar>,
}

impl Bars {
    pub(super) fn new(all: &MultiProgress) -> Self {
        Self {
            all: all.clone(),
            shown: Vec::new(),
        }
    }

    /// Shows a name and a text in each bar. A bar that is not needed any more is removed explicitly, because one that is
    /// only dropped stays on the screen.
    pub(super) fn show(&mut self, lines: &[(String, String)]) {
        while self.shown.len() > lines.len() {
            if let Some(bar) = self.shown.pop() {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
        }
        for (index, (name, text)) in lines.iter().enumerate() {
            if self.shown.len() <= index {
                self.shown.push(self.all.add(bar()));
            }
            self.shown[index].set_prefix(name.clone());
            self.shown[index].set_message(text.clone());
            self.shown[index].tick();
        }
    }

    /// Removes all bars from the screen.
    pub(super) fn clear(&mut self) {
        self.show(&[]);
        let _ = self.all.clear();
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is constant and valid.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<24} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

    use super::*;

    #[test]
    fn bars_of_finished_streams_leave_no_ghost_lines() {
        let term = InMemoryTerm::new(20, 100);
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(
            Box::new(term.clone()),
            200,
        ));
        let mut bars = Bars::new(&all);
        let lines = |names: &[&str]| -> Vec<(String, String)> {
            names
                .iter()
                .map(|&name| (name.to_owned(), "moves".to_owned()))
                .collect()
        };
        for names in [&["a", "b", "target"][..], &["b", "target"], &["c", "target"]] {
            std::thread::sleep(Duration::from_millis(20));
            bars.show(&lines(names));
            all.suspend(|| term.write_line("a log line").expect("in memory"));
        }
        let screen = term.contents();
        assert!(screen.contains("c ") && screen.contains("target"), "{screen}");
        assert!(!screen.contains("a   ") && !screen.contains("b   "), "{screen}");
        bars.clear();
        drop(bars);
        let screen = term.contents();
        assert!(screen.lines().all(|line| line == "a log line"), "{screen}");
    }
}
