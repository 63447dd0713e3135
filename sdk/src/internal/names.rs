//! Names of tables and columns, which targets of SQL databases make of the names of streams and properties.

use std::collections::HashMap;

use crate::{Error, Result, show};

/// The name when it has at most `limit` bytes; else its front and a hash of all of it, the same in every run.
///
/// # Errors
/// An empty name, and one with U+0000.
pub fn fit(name: &str, limit: usize) -> Result<String> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::input(format!(
            "expected a name that a table or column can have, found \"{}\"",
            show(name)
        )));
    }
    if name.len() <= limit {
        return Ok(name.to_owned());
    }
    let mut end = limit.saturating_sub(9);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let hash = fnv(name.as_bytes());
    Ok(format!(
        "{}_{:08x}",
        &name[..end],
        (hash >> 32) ^ (hash & 0xFFFF_FFFF)
    ))
}

/// FNV-1a, 64 bits: the same in every version and on every machine.
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The columns of these properties, in their order. `name` makes a column of a property, `folded` is what the database compares
/// of it, `quoted` what statements have.
///
/// # Errors
/// Two properties that would be one column.
pub fn columns<'a>(
    properties: impl Iterator<Item = &'a str>,
    name: impl Fn(&str) -> Result<String>,
    folded: impl Fn(&str) -> String,
    quoted: impl Fn(&str) -> String,
) -> Result<Vec<String>> {
    let mut taken: HashMap<String, &str> = HashMap::new();
    properties
        .map(|property| {
            let name = name(property)?;
            match taken.insert(folded(&name), property) {
                None => Ok(name),
                Some(other) => Err(Error::input(format!(
                    "expected a column for each property, found that \"{}\" and \"{}\" are both the column {}",
                    show(other),
                    show(property),
                    quoted(&name)
                ))),
            }
        })
        .collect()
}

/// The name of a column that another one takes the place of: `x_20260823_1015`, or `x_20260823_1015_2` when that was done
/// before in the same minute.
///
/// # Errors
/// Those of `fit`.
pub fn aside(
    name: &str,
    stamp: &str,
    fit: impl Fn(&str) -> Result<String>,
    is_taken: impl Fn(&str) -> bool,
) -> Result<String> {
    let mut free = fit(&format!("{name}_{stamp}"))?;
    let mut number = 1;
    while is_taken(&free) {
        number += 1;
        free = fit(&format!("{name}_{stamp}_{number}"))?;
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_get_a_hash_that_tells_them_apart() {
        let long = "é".repeat(40);
        let fitted = fit(&long, 63).expect("fits");
        assert!(fitted.len() <= 63 && fitted.len() > 55, "{fitted}");
        assert_ne!(fitted, fit(&format!("{long}x"), 63).expect("fits"));
        assert_eq!(fit(&"x".repeat(63), 63).expect("fits"), "x".repeat(63));
        // The hash is part of users' tables: it must never change.
        assert_eq!(
            fit(&"x".repeat(64), 63).expect("fits"),
            format!("{}_0c07e2ee", "x".repeat(54))
        );
        assert!(fit("", 63).is_err() && fit("a\0", 63).is_err());
    }

    #[test]
    fn two_properties_are_never_one_column() {
        let columns = |names: &[&str]| {
            columns(
                names.iter().copied(),
                |name| fit(name, 63),
                str::to_lowercase,
                |name| format!("`{name}`"),
            )
        };
        assert_eq!(columns(&["id", "Name"]).expect("names"), ["id", "Name"]);
        let error = columns(&["id", "ID"]).expect_err("one column").to_string();
        assert!(
            error.ends_with(r#""id" and "ID" are both the column `ID`"#),
            "{error}"
        );
    }

    #[test]
    fn a_column_is_put_aside_by_a_name_that_is_free() {
        let aside = |taken: &[&str]| {
            aside(
                "x",
                "20260823_1015",
                |name| fit(name, 63),
                |name| taken.contains(&name),
            )
            .expect("a name")
        };
        assert_eq!(aside(&["x"]), "x_20260823_1015");
        assert_eq!(aside(&["x_20260823_1015"]), "x_20260823_1015_2");
    }
}
