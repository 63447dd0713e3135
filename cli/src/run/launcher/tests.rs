//! Command lines as people write them.

use shlex::split;

use super::*;

/// The name, and what the plugin gets.
fn of(line: &str) -> (String, Vec<String>) {
    let words = split(line).expect("closed");
    let plugin = plugin(&words);
    (plugin.name, words[plugin.args..].to_vec())
}

#[test]
fn what_starts_a_plugin_is_not_the_plugin() {
    for (line, name, args) in [
        ("tap-x --config c.json", "tap-x", "--config c.json"),
        ("./bin/tap.sh -s x", "tap", "-s x"),
        ("python3 -s tap_a.py --state s", "tap_a", "--state s"),
        (
            "/usr/bin/python3.11 -W ignore -u tap_a.py c.json",
            "tap_a",
            "c.json",
        ),
        ("python3 -Im tap_x --config c", "tap_x", "--config c"),
        ("python3 -m tap_x -s s", "tap_x", "-s s"),
        ("python -c 'import tap; tap.main()' -s s", "python", "-s s"),
        (
            "node --config n.json -r ts-node/register tap.js --config c",
            "tap",
            "--config c",
        ),
        (
            "node --config=n.json -r ts-node/register tap.js --config c",
            "tap",
            "--config c",
        ),
        ("bash -c 'tap --state s' x --config c", "bash", "x --config c"),
        ("bash -euo pipefail tap.sh --catalog c", "tap", "--catalog c"),
        ("sh -lc 'x'", "sh", ""),
        ("env -i A=1 B=2 python3 -s tap.py -p c", "tap", "-p c"),
        (
            "uv run --with x==1 --project p python -s tap.py --config c",
            "tap",
            "--config c",
        ),
        ("uvx --from tap-x==1.2 tap-x --state s", "tap-x", "--state s"),
        ("uv tool run tap-x", "tap-x", ""),
        ("poetry run tap-x --config c", "tap-x", "--config c"),
        ("nice -n 5 timeout -k 9 60 tap-x -s s", "tap-x", "-s s"),
        (
            "docker run --rm -i -v /a:/b --env=A=1 ghcr.io/o/tap-x:1.2 --config c",
            "tap-x",
            "--config c",
        ),
        ("docker exec -i box tap-x --config c", "tap-x", "--config c"),
        ("meltano invoke tap-x --config c", "tap-x", "--config c"),
        ("melisma tap-csv --config c", "tap-csv", "--config c"),
        ("java -cp x.jar -jar tap.jar --config c", "tap", "--config c"),
        ("perl -I lib tap.pl -s s", "tap", "-s s"),
        ("sudo -u etl A=1 tap-x -s s", "tap-x", "-s s"),
        ("python3", "python3", ""),
        ("env A=1", "env", "A=1"),
        ("uv --version", "uv", "--version"),
        ("'my tap: x'", "my tap", ""),
    ] {
        let (found, rest) = of(line);
        let name = name.replace(' ', "_");
        assert_eq!(
            (found.as_str(), rest.join(" ").as_str()),
            (name.as_str(), args),
            "{line}"
        );
    }
}

#[test]
fn words_after_a_shell_script_are_passed_only_when_it_uses_them() {
    for (line, added) in [
        ("bash -c 'tap --config c'", Added::Dropped),
        ("bash -c 'exec tap \"$@\"'", Added::PassedAfterName),
        ("bash -ec 'exec tap \"$@\"' tap", Added::Passed),
        ("python3 -c 'import sys'", Added::Passed),
        ("bash tap.sh", Added::Passed),
    ] {
        assert_eq!(plugin(&split(line).expect("closed")).added, added, "{line}");
    }
}
