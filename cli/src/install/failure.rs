//! The reason of a failed installation, from what the installer has written.

/// The longest reason that is shown; the log has all of it.
const MAX_CHARS: usize = 300;

/// The line that says why pip or uv failed.
///
/// pip marks such lines with `ERROR:` and puts the most specific one last. uv writes `error:` and causes below it, and older
/// versions of it draw a tree:
///
/// ```text
/// error: No solution found when resolving dependencies
///   cause: Because tap-x was not found in the package registry ...
///
///   × No solution found when resolving dependencies:
///   ╰─▶ Because tap-x was not found in the package registry ...
/// ```
pub(super) fn reason(log: &str) -> Option<String> {
    let lines: Vec<&str> = log
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let marked = |mark: &str| {
        lines
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix(mark))
            .map(str::to_owned)
    };
    let tree = || {
        let start = lines.iter().position(|line| line.starts_with('×'))?;
        let words = lines[start..]
            .iter()
            .take_while(|line| !line.starts_with("hint:"))
            .map(|line| line.trim_start_matches(|c: char| !c.is_alphanumeric()));
        Some(words.collect::<Vec<_>>().join(" "))
    };
    let causes = || {
        let start = lines.iter().rposition(|line| line.starts_with("error:"))?;
        let words = lines[start..].iter().enumerate().map_while(|(at, line)| {
            let mark = if at == 0 { "error:" } else { "cause:" };
            line.strip_prefix(mark).map(str::trim)
        });
        Some(words.collect::<Vec<_>>().join(": "))
    };
    let reason = marked("ERROR:")
        .or_else(tree)
        .or_else(causes)
        .or_else(|| lines.last().map(|&line| line.to_owned()))?;
    let reason: String = without_credentials(reason.trim())
        .chars()
        .take(MAX_CHARS)
        .collect();
    Some(reason)
}

/// The text with the user and password of each URL replaced.
fn without_credentials(text: &str) -> String {
    let word = |word: &str| match word.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            match rest[..end].rfind('@') {
                Some(at) => format!("{scheme}://****{}", &rest[at..]),
                None => word.to_owned(),
            }
        }
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_of_pip_is_the_reason() {
        let log = "Collecting tap-x\nERROR: Could not find a version (from versions: none)\n\
                   ERROR: No matching distribution found for tap-x\n";
        assert_eq!(
            reason(log).as_deref(),
            Some("No matching distribution found for tap-x")
        );
    }

    #[test]
    fn the_tree_of_uv_is_one_sentence() {
        let log = "Using Python 3.11\n  × No solution found when resolving dependencies:\n  ╰─▶ Because tap-x was not found and\n      you require tap-x, that is all.\n";
        assert_eq!(
            reason(log).as_deref(),
            Some(
                "No solution found when resolving dependencies: Because tap-x was not found and you require tap-x, that is all."
            )
        );
    }

    #[test]
    fn an_error_of_uv_comes_with_its_causes() {
        let log = "Using Python 3.11\nerror: No solution found when resolving dependencies\n  cause: Because tap-x was not found\n\nhint: no\n";
        assert_eq!(
            reason(log).as_deref(),
            Some("No solution found when resolving dependencies: Because tap-x was not found")
        );
    }

    #[test]
    fn credentials_in_urls_are_not_shown() {
        assert_eq!(
            reason("fatal: cannot clone 'https://user:secret@git.example.com/tap@v1'").as_deref(),
            Some("fatal: cannot clone 'https://****@git.example.com/tap@v1'")
        );
        assert_eq!(reason(""), None);
    }
}
