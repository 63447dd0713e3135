//! Translates regular expressions from Python's syntax to that of ECMA-262, which JSON Schema uses.
//!
//! Most taps are written in Python, and so are the patterns of their schemas. `\A[a-z]+\Z` becomes `^[a-z]+$`,
//! `(?i)yes` becomes `(?i:yes)`, `(?P<year>\d{4})-(?P=year)` becomes `(\d{4})-(?:\1)`: a check needs no names of groups.
//! Possessive quantifiers and atomic groups become ordinary ones, which match a little more and never less.

/// Why a pattern has no translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Python's `re` refuses it, too.
    Invalid,
    /// Python takes it, and nothing here can say the same: a conditional, the flags `x` and `L`, `\N{...}`.
    Unsupported,
}

/// The pattern in the spelling of ECMA-262.
pub(super) fn translate(pattern: &str) -> Result<String, Problem> {
    let mut translator = Translator {
        rest: pattern,
        out: String::with_capacity(pattern.len() + 8),
        open: 0,
        names: Vec::new(),
        groups: 0,
        after: After::Nothing,
        multi_line: false,
    };
    let flags = translator.leading_flags()?;
    translator.multi_line = flags.contains('m') || pattern.contains("(?") && has_scoped_m(pattern);
    while let Some(c) = translator.next() {
        translator.step(c)?;
    }
    if translator.open > 0 {
        return Err(Problem::Invalid);
    }
    Ok(match flags.as_str() {
        "" => translator.out,
        flags => format!("(?{flags}:{})", translator.out),
    })
}

/// Whether a group of the pattern may turn the flag `m` on.
fn has_scoped_m(pattern: &str) -> bool {
    pattern.split("(?").skip(1).any(|group| {
        let flags = group.split([':', '-', ')']).next().unwrap_or_default();
        flags.contains('m') && flags.bytes().all(|flag| flag.is_ascii_lowercase())
    })
}

/// What stands before, and so whether a quantifier may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// The start of a branch, or an assertion.
    Nothing,
    Atom,
    Quantifier,
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
    /// Groups that are not closed.
    open: usize,
    /// The names of groups, and their numbers.
    names: Vec<(&'p str, usize)>,
    groups: usize,
    after: After,
    /// Whether `^` and `$` may mean the start and the end of a line.
    multi_line: bool,
}

impl<'p> Translator<'p> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn eat(&mut self, expected: &str) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What stands before `end`, which is left out.
    fn until(&mut self, end: char) -> Result<&'p str, Problem> {
        let (before, rest) = self.rest.split_once(end).ok_or(Problem::Invalid)?;
        self.rest = rest;
        Ok(before)
    }

    /// The characters at the front that `is` knows, at most `most` of them.
    fn take(&mut self, most: usize, is: impl Fn(char) -> bool) -> &'p str {
        let length = self
            .rest
            .chars()
            .take(most)
            .take_while(|c| is(*c))
            .map(char::len_utf8)
            .sum();
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// `(?i)` at the start holds for the whole pattern.
    fn leading_flags(&mut self) -> Result<String, Problem> {
        let mut all = String::new();
        while let Some(group) = self.rest.strip_prefix("(?")
            && let Some((flags, rest)) = group.split_once(')')
            && !flags.is_empty()
            && flags.bytes().all(|flag| flag.is_ascii_alphabetic())
        {
            for flag in known_flags(flags)?.chars() {
                if !all.contains(flag) {
                    all.push(flag);
                }
            }
            self.rest = rest;
        }
        Ok(all)
    }

    fn step(&mut self, c: char) -> Result<(), Problem> {
        match c {
            '\\' => return self.escape(),
            '[' => return self.class(),
            '(' => return self.group(),
            ')' => {
                self.open = self.open.checked_sub(1).ok_or(Problem::Invalid)?;
                self.out.push(')');
                self.after = After::Atom;
            }
            '*' | '+' | '?' => {
                self.out.push(c);
                return self.quantified();
            }
            '{' => return self.braces(),
            '|' | '^' | '$' => {
                self.out.push(c);
                self.after = After::Nothing;
            }
            '}' | ']' => self.literal(c),
            '.' => self.atom("."),
            _ => self.literal(c),
        }
        Ok(())
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.after = After::Atom;
    }

    fn literal(&mut self, c: char) {
        if matches!(
            c,
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/'
        ) {
            self.out.push('\\');
        }
        self.out.push(c);
        self.after = After::Atom;
    }

    /// A quantifier was written; a lazy one stays so, a possessive one becomes an ordinary one.
    fn quantified(&mut self) -> Result<(), Problem> {
        if self.after != After::Atom {
            return Err(Problem::Invalid);
        }
        if self.eat("?") {
            self.out.push('?');
        } else {
            self.eat("+");
        }
        self.after = After::Quantifier;
        Ok(())
    }

    /// `{2}`, `{2,}`, `{,3}` and `{2,3}` are quantifiers; any other brace is one.
    fn braces(&mut self) -> Result<(), Problem> {
        let Some((inside, rest)) = self.rest.split_once('}') else {
            self.literal('{');
            return Ok(());
        };
        let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if inside.is_empty() || !is_number(least) || !is_number(most) {
            self.literal('{');
            return Ok(());
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_| Problem::Unsupported);
        let least = if least.is_empty() { 0 } else { number(least)? };
        if !most.is_empty() && number(most)? < least {
            return Err(Problem::Invalid);
        }
        self.rest = rest;
        let quantifier = if inside.contains(',') {
            format!("{{{least},{most}}}")
        } else {
            format!("{{{least}}}")
        };
        self.out.push_str(&quantifier);
        self.quantified()
    }

    fn escape(&mut self) -> Result<(), Problem> {
        let c = self.next().ok_or(Problem::Invalid)?;
        match c {
            'A' | 'Z' | 'z' => {
                self.out.push_str(match (c, self.multi_line) {
                    ('A', false) => "^",
                    ('A', true) => r"(?<![\s\S])",
                    (_, false) => "$",
                    (_, true) => r"(?![\s\S])",
                });
                self.after = After::Nothing;
            }
            'b' | 'B' => {
                self.out.extend(['\\', c]);
                self.after = After::Nothing;
            }
            'k' if self.eat("<") => {
                let name = self.until('>')?;
                return self.back_to(name);
            }
            '1'..='9' if !is_octal(c, self.rest) => {
                let more = self.take(1, |c| c.is_ascii_digit());
                let number = format!("{c}{more}").parse().map_err(|_| Problem::Invalid)?;
                return self.back(number);
            }
            _ => {
                let text = self.character(c)?;
                self.atom(&text);
            }
        }
        Ok(())
    }

    /// What an escape that stands for characters becomes, in a class or outside of one.
    fn character(&mut self, c: char) -> Result<String, Problem> {
        Ok(match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'n' | 'r' | 't' | 'f' | 'v' => format!("\\{c}"),
            'a' => r"\x07".to_owned(),
            '0'..='7' => {
                let more = self.take(2, |c| c.is_digit(8));
                let code = u32::from_str_radix(&format!("{c}{more}"), 8).map_err(|_| Problem::Invalid)?;
                format!("\\u{{{code:x}}}")
            }
            'x' | 'u' | 'U' => {
                let length = match c {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let digits = self.take(length, |c| c.is_ascii_hexdigit());
                let code = u32::from_str_radix(digits, 16).map_err(|_| Problem::Invalid)?;
                if digits.len() < length || code > 0x0010_FFFF {
                    return Err(Problem::Invalid);
                }
                // Half a surrogate pair is no character of a text that is UTF-8.
                char::from_u32(code).ok_or(Problem::Unsupported)?;
                format!("\\u{{{code:x}}}")
            }
            'N' | 'p' | 'P' | 'c' => return Err(Problem::Unsupported),
            c if c.is_ascii_alphanumeric() => return Err(Problem::Invalid),
            c if c.is_ascii_punctuation() => format!("\\{c}"),
            c => c.to_string(),
        })
    }

    fn class(&mut self) -> Result<(), Problem> {
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.next().ok_or(Problem::Invalid)? {
                ']' if !first => break,
                c @ (']' | '[' | '^') => self.out.extend(['\\', c]),
                '\\' => match self.next().ok_or(Problem::Invalid)? {
                    'b' => self.out.push_str(r"\x08"),
                    c => {
                        let text = self.character(c)?;
                        self.out.push_str(&text);
                    }
                },
                c => self.out.push(c),
            }
            first = false;
        }
        self.atom("]");
        Ok(())
    }

    fn group(&mut self) -> Result<(), Problem> {
        let opens = if !self.eat("?") {
            self.groups += 1;
            "("
        } else if self.eat("#") {
            self.until(')')?;
            return Ok(());
        } else if self.eat("P=") {
            let name = self.until(')')?;
            return self.back_to(name);
        } else if self.eat("<=") {
            "(?<="
        } else if self.eat("<!") {
            "(?<!"
        } else if self.eat("P<") || self.eat("<") {
            let name = self.until('>')?;
            if !is_name(name) || self.number(name).is_some() {
                return Err(Problem::Invalid);
            }
            self.groups += 1;
            self.names.push((name, self.groups));
            "("
        } else if self.eat(":") || self.eat(">") {
            "(?:"
        } else if self.eat("=") {
            "(?="
        } else if self.eat("!") {
            "(?!"
        } else if self.rest.starts_with('(') {
            return Err(Problem::Unsupported);
        } else {
            return self.flagged();
        };
        self.out.push_str(opens);
        self.enter();
        Ok(())
    }

    fn enter(&mut self) {
        self.open += 1;
        self.after = After::Nothing;
    }

    /// `(?i:...)`, `(?s-i:...)`
    fn flagged(&mut self) -> Result<(), Problem> {
        let flags = self.until(':')?;
        let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
        let (on, off) = (known_flags(on)?, known_flags(off)?);
        let opens = match (on.as_str(), off.as_str()) {
            ("", "") => "(?:".to_owned(),
            (on, "") => format!("(?{on}:"),
            (on, off) => format!("(?{on}-{off}:"),
        };
        self.out.push_str(&opens);
        self.enter();
        Ok(())
    }

    fn number(&self, name: &str) -> Option<usize> {
        let found = self.names.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }

    fn back_to(&mut self, name: &str) -> Result<(), Problem> {
        let number = self.number(name).ok_or(Problem::Invalid)?;
        self.back(number)
    }

    /// What the group of this number has matched. In a group of its own: a digit may follow.
    fn back(&mut self, number: usize) -> Result<(), Problem> {
        if number > self.groups {
            return Err(Problem::Invalid);
        }
        self.atom(&format!("(?:\\{number})"));
        Ok(())
    }
}

/// Whether a backslash before these digits is a character's code, and no group's number.
fn is_octal(first: char, rest: &str) -> bool {
    let octal = |byte: Option<&u8>| matches!(byte, Some(b'0'..=b'7'));
    let bytes = rest.as_bytes();
    matches!(first, '1'..='3') && octal(bytes.first()) && octal(bytes.get(1))
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// Those of Python's flags that change what is matched; `a` and `u` are about `\w` and its like, which are ASCII in JSON
/// Schema whatever they say.
fn known_flags(flags: &str) -> Result<String, Problem> {
    let mut known = String::new();
    for flag in flags.chars() {
        match flag {
            'i' | 'm' | 's' if !known.contains(flag) => known.push(flag),
            'i' | 'm' | 's' | 'a' | 'u' => {}
            'x' | 'L' => return Err(Problem::Unsupported),
            _ => return Err(Problem::Invalid),
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::pattern::takes_pattern;

    #[test]
    fn python_becomes_ecma() {
        for (python, expected) in [
            (r"\Aa\Z", "^a$"),
            ("(?i)A", "(?i:A)"),
            ("(?si)a.b", "(?si:a.b)"),
            ("(?u)a", "a"),
            ("(?m)^a\\Z", r"(?m:^a(?![\s\S]))"),
            (r"(?P<y>\d{4})-(?P=y)", r"(\d{4})-(?:\1)"),
            (r"(?P<a>x)(?P<b>y)\2", r"(x)(y)(?:\2)"),
            ("a++b*+c?+d{2}+", "a+b*c?d{2}"),
            ("(?>a|b)c", "(?:a|b)c"),
            ("a{,3}b{2,}c{1}", "a{0,3}b{2,}c{1}"),
            ("{a}]", r"\{a\}\]"),
            ("a(?# what it is)b", "ab"),
            ("(?a:x)(?i-s:y)", "(?:x)(?i-s:y)"),
            ("[]a]", r"[\]a]"),
            ("[^][]", r"[^\]\[]"),
            (r"[\b\a]", r"[\x08\x07]"),
            (r"\041\x41\u00e9\U0001F600", r"\u{21}\u{41}\u{e9}\u{1f600}"),
            (r"\é\-\_\ ", r"é\-\_ "),
            (r"(?<!a)b(?<=c)", r"(?<!a)b(?<=c)"),
        ] {
            let found = translate(python).expect(python);
            assert_eq!(found, expected, "{python}");
            assert!(takes_pattern(&found), "{found}");
        }
    }

    #[test]
    fn what_python_refuses_is_invalid() {
        for pattern in [
            "(",
            ")",
            "a)",
            "[a",
            "[]",
            "*a",
            "a**",
            "(a{2}){3}{4}",
            "a{3,2}",
            "\\",
            r"\q",
            "(?P<1>a)",
            "(?P=x)",
            r"(a)\2",
            "(?P<a>x)(?P<a>y)",
            "(?z)a",
            r"\x4",
            "|*",
            "(?#open",
        ] {
            assert_eq!(translate(pattern), Err(Problem::Invalid), "{pattern}");
        }
        for pattern in ["(a)?(?(1)b|c)", "(?x) a b", r"\N{DIGIT ONE}"] {
            assert_eq!(translate(pattern), Err(Problem::Unsupported), "{pattern}");
        }
    }
}
