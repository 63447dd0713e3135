//! A rate over time as one line of characters.

use std::env;

/// The most characters.
const WIDTH: usize = 24;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// For a terminal whose locale has no block characters.
const ASCII: [char; 8] = ['_', '.', '-', '~', '=', '+', '*', '#'];

/// Draws with the characters that the terminal has. There are no colours in it, so that `NO_COLOR` changes nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparkline(&'static [char; 8]);

impl Sparkline {
    /// The characters that the locale of this process has.
    pub(super) fn for_terminal() -> Self {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        // The first that is set decides, as in POSIX; none of them is the locale C.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        Self::for_locale(&locale.unwrap_or_default())
    }

    fn for_locale(locale: &str) -> Self {
        let locale = locale.to_ascii_lowercase();
        let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self(if is_utf8 { &BLOCKS } else { &ASCII })
    }

    /// The highest value has the highest character; without any value there is no line.
    pub(super) fn draw(self, values: &[u64]) -> String {
        let together = values.len().div_ceil(WIDTH).max(1);
        let sums: Vec<u64> = values
            .chunks(together)
            // The last group may be shorter: its mean, so that it does not look slower.
            .map(|group| group.iter().sum::<u64>() / group.len() as u64)
            .collect();
        let highest = sums.iter().copied().max().unwrap_or(0);
        if highest == 0 {
            return String::new();
        }
        let place = |value: u64| usize::try_from(u128::from(value) * 7 / u128::from(highest)).unwrap_or(7);
        sums.into_iter().map(|value| self.0[place(value)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_rises_with_the_rate_and_is_never_too_long() {
        let sparkline = Sparkline::for_locale("de_DE.UTF-8");
        assert_eq!(sparkline.draw(&[0, 1, 2, 3, 4, 5, 6, 7]), "▁▂▃▄▅▆▇█");
        assert_eq!(Sparkline::for_locale("C").draw(&[7, 0, 7]), "#_#");
        assert_eq!(Sparkline::for_locale("").draw(&[0, 0]), "");
        assert_eq!(sparkline.draw(&[]), "");
        for length in 1..200 {
            let line = sparkline.draw(&vec![u64::MAX / 256; length]);
            assert!(
                line.chars().count() <= WIDTH && line.chars().all(|c| c == '█'),
                "{line}"
            );
        }
    }
}
