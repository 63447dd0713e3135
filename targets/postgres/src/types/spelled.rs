//! Parses the type names that taps give (`x-sql-datatype`).
//!
//! The name becomes part of a statement, so it is taken apart here and put together anew from its parts. What is not a
//! name of a type is malformed, whoever wrote it. What may be the name of a type of another database (`NUMBER(38,0)`,
//! `enum('a','b')`, `bigint unsigned`) is distinguished from what this server can be asked for.
//!
//! ```text
//! timestamp(3) with time zone   public."Mood"[]   geometry(Point,4326)    one type each
//! enum('a','b')   bigint unsigned                                         types, but not of PostgreSQL
//! int, drop column secret   text) ; --   int default f()                  malformed
//! ```

use std::iter::Peekable;
use std::str::Chars;

use melisma_postgres::identifier;

/// The longest name that is read, in bytes.
const LONGEST: usize = 200;

/// Types of SQL whose names are several words; `interval` has its own rule.
const SEVERAL_WORDS: [&str; 12] = [
    "double precision",
    "character varying",
    "char varying",
    "national character",
    "national char",
    "national character varying",
    "national char varying",
    "bit varying",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
];

/// The fields of an interval, as in `interval day to second`.
const FIELDS: [&str; 7] = ["year", "month", "day", "hour", "minute", "second", "to"];

/// The name of a type, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spelled {
    /// The words, or the one name that may be quoted and qualified.
    words: String,
    /// What stands in the brackets, with them.
    arguments: String,
    /// The words behind the brackets.
    tail: String,
    /// Whether it is an array.
    array: bool,
    /// Whether PostgreSQL could have a type that is spelled like this.
    native: bool,
}

impl Spelled {
    /// Reads a name; `None` when it is malformed.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let mut reader = Reader(text.trim().chars().peekable());
        let (words, single) = reader.name()?;
        let (mut arguments, mut native) = (String::new(), true);
        if reader.0.peek() == Some(&'(') {
            (arguments, native) = reader.arguments()?;
        }
        let (tail, _) = if reader.at_word() {
            reader.name()?
        } else {
            (String::new(), true)
        };
        let mut array = false;
        while reader.0.peek() == Some(&'[') {
            reader.bounds()?;
            array = true;
        }
        if reader.0.next().is_some() {
            return None;
        }
        native &= if single && tail.is_empty() {
            true
        } else {
            several(&words, &tail)
        };
        Some(Self {
            words,
            arguments,
            tail,
            array,
            native,
        })
    }

    /// Whether the server can be asked for it.
    pub(crate) fn native(&self) -> bool {
        self.native
    }

    pub(crate) fn is_array(&self) -> bool {
        self.array
    }

    pub(crate) fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The type for a statement; of an array, the type of its elements.
    pub(crate) fn element(&self) -> String {
        let space = if self.tail.is_empty() { "" } else { " " };
        format!("{}{}{space}{}", self.words, self.arguments, self.tail)
    }

    /// The type for a statement.
    pub(crate) fn sql(&self) -> String {
        format!("{}{}", self.element(), if self.array { "[]" } else { "" })
    }
}

/// Whether these words are a type of SQL.
fn several(words: &str, tail: &str) -> bool {
    let all = format!("{words} {tail}").trim().to_ascii_lowercase();
    match all.strip_prefix("interval ") {
        Some(fields) => fields.split(' ').all(|field| FIELDS.contains(&field)),
        None => SEVERAL_WORDS.contains(&all.as_str()),
    }
}

struct Reader<'t>(Peekable<Chars<'t>>);

impl Reader<'_> {
    fn skip_spaces(&mut self) {
        while self.0.next_if(|c| *c == ' ').is_some() {}
    }

    fn at_word(&mut self) -> bool {
        self.skip_spaces();
        self.0
            .peek()
            .is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '"'))
    }

    /// Words with one space between them, and whether it is one name, with its schema before it or not.
    fn name(&mut self) -> Option<(String, bool)> {
        let (mut name, mut words) = (String::new(), 0);
        while self.at_word() {
            if words > 0 {
                name.push(' ');
            }
            words += 1;
            self.word(&mut name)?;
            while self.0.next_if_eq(&'.').is_some() {
                name.push('.');
                self.word(&mut name)?;
            }
        }
        (words > 0).then_some((name, words == 1))
    }

    /// A word, or a name in quotes, which is quoted anew.
    fn word(&mut self, out: &mut String) -> Option<()> {
        if self.0.next_if_eq(&'"').is_some() {
            let mut name = String::new();
            loop {
                match self.0.next()? {
                    '"' if self.0.next_if_eq(&'"').is_none() => break,
                    c if c.is_control() => return None,
                    c => name.push(c),
                }
            }
            out.push_str(&identifier(&name));
            return (!name.is_empty()).then_some(());
        }
        let start = out.len();
        let is_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$');
        while let Some(c) = self.0.next_if(is_word) {
            out.push(c);
        }
        let first = out[start..].chars().next()?;
        (!first.is_numeric() && first != '$').then_some(())
    }

    /// Numbers and words between one pair of brackets, and whether PostgreSQL could read them: it has no types with
    /// texts there.
    fn arguments(&mut self) -> Option<(String, bool)> {
        let (mut all, mut native) = (String::new(), true);
        self.0.next();
        all.push('(');
        loop {
            self.skip_spaces();
            if self.0.peek() == Some(&'\'') {
                self.text()?;
                native = false;
            } else {
                let start = all.len();
                let is_argument = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
                while let Some(c) = self.0.next_if(is_argument) {
                    all.push(c);
                }
                let (first, rest) = all[start..].split_at_checked(1)?;
                let number = rest.bytes().all(|byte| byte.is_ascii_digit())
                    && (first != "-" || !rest.is_empty())
                    && (first == "-" || first.as_bytes()[0].is_ascii_digit());
                let word = !first.as_bytes()[0].is_ascii_digit() && !all[start..].contains('-');
                if !number && !word {
                    return None;
                }
            }
            self.skip_spaces();
            match self.0.next()? {
                ',' => all.push(','),
                ')' => break,
                _ => return None,
            }
        }
        all.push(')');
        Some((all, native))
    }

    /// A text of another database's enumeration.
    fn text(&mut self) -> Option<()> {
        self.0.next();
        loop {
            match self.0.next()? {
                '\'' if self.0.next_if_eq(&'\'').is_none() => return Some(()),
                c if c.is_control() || c == '\\' => return None,
                _ => {}
            }
        }
    }

    /// `[]` or `[3]`.
    fn bounds(&mut self) -> Option<()> {
        self.0.next();
        while self.0.next_if(char::is_ascii_digit).is_some() {}
        self.0.next_if_eq(&']')?;
        self.skip_spaces();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_put_together_anew() {
        for (text, sql) in [
            ("int", "int"),
            (" timestamp(0) ", "timestamp(0)"),
            ("timestamp( 3 )  with   time zone", "timestamp(3) with time zone"),
            ("double precision", "double precision"),
            ("character varying (20)", "character varying(20)"),
            ("numeric(10, 2)", "numeric(10,2)"),
            ("numeric(5,-2)", "numeric(5,-2)"),
            ("integer[]", "integer[]"),
            ("text[3][]", "text[]"),
            ("interval day to second(3)", "interval day to second(3)"),
            ("public.mood", "public.mood"),
            (
                "\"My \"\"odd\"\" schema\".\"Type\"[]",
                "\"My \"\"odd\"\" schema\".\"Type\"[]",
            ),
            ("geometry(Point,4326)", "geometry(Point,4326)"),
            ("größe", "größe"),
        ] {
            let spelled = Spelled::read(text).expect(text);
            assert_eq!((spelled.sql().as_str(), spelled.native()), (sql, true), "{text}");
        }
    }

    #[test]
    fn types_of_other_databases_are_names_that_no_server_is_asked_for() {
        for text in [
            "bigint(20) unsigned",
            "int unsigned",
            "enum('a','it''s (b)')",
            "long raw",
            "int default 5",
            "int not null",
            "int primary key",
            "text collate pg_catalog",
            "interval of time",
            "setof int",
        ] {
            let native = Spelled::read(text).map(|spelled| spelled.native());
            // Words that are none are malformed, and both never become part of a statement.
            assert_ne!(native, Some(true), "{text}");
        }
        for text in ["enum('a','b')", "bigint(20) unsigned", "variant"] {
            assert!(Spelled::read(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_of_a_type_is_malformed() {
        for text in [
            "",
            " ",
            "int, drop column secret",
            "int, disable row level security",
            "int, alter column secret type text using concat(md5(secret))",
            "text, add column e text default pg_read_file(concat(chr(47)))",
            "text); drop table x; --",
            "int; drop table x",
            "int -- x",
            "int/**/",
            "int default f()",
            "varchar((3))",
            "varchar(3)(4)",
            "varchar(",
            "varchar()",
            "varchar(3 4)",
            "varchar(3, )",
            "numeric(--1)",
            "numeric(1-1)",
            "varchar(3)) drop table x",
            "int[",
            "int[a]",
            "int[]x",
            "\"x",
            "\"\"",
            "\"x\"; drop table y",
            "public.",
            ".x",
            "5",
            "$$x$$",
            "int\ndefault",
            "int\u{a0}x;",
            "int'",
            "e'x'",
            "enum('a\\')",
            "text using x::text",
            "a=b",
            "x\0",
        ] {
            assert_eq!(Spelled::read(text), None, "{text}");
        }
        assert_eq!(Spelled::read(&"x".repeat(201)), None);
    }
}
