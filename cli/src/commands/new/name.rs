//! The name of a new plugin, and the names that follow from it.

use melisma_sdk::{Error, Result, show};

use crate::builtin;

/// The longest name, so that names of files and environment variables made of it stay short.
const LONGEST: usize = 64;

/// The names of a plugin called `shop`.
#[derive(Debug)]
pub(super) struct Name {
    /// `shop`
    pub(super) short: String,
    /// `tap-shop`
    pub(super) package: String,
}

impl Name {
    /// `prefix` is `tap` or `target`.
    pub(super) fn new(prefix: &str, given: &str) -> Result<Self> {
        let short = given.strip_prefix(&format!("{prefix}-")).unwrap_or(given);
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let starts = short.starts_with(|c: char| c.is_ascii_lowercase());
        let hyphens = short.ends_with('-') || short.contains("--");
        if !starts || hyphens || !short.chars().all(letters) || short.len() > LONGEST {
            return Err(Error::config(format!(
                "NAME: expected at most {LONGEST} lower-case letters, digits and single hyphens, the first a letter, found {}",
                show(given)
            )));
        }
        let package = format!("{prefix}-{short}");
        if builtin::find(&package).is_some() {
            return Err(Error::config(format!(
                "NAME: {package} is built into melisma; choose another name"
            )));
        }
        Ok(Self {
            short: short.to_owned(),
            package,
        })
    }

    /// `tap_shop`
    pub(super) fn namespace(&self) -> String {
        self.package.replace('-', "_")
    }

    /// `TAP_SHOP`
    pub(super) fn prefix(&self) -> String {
        self.namespace().to_uppercase()
    }

    /// `TapShop`
    pub(super) fn type_name(&self) -> String {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        self.package.split('-').map(capital).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_one() {
        for given in ["my-shop2", "tap-my-shop2"] {
            let name = Name::new("tap", given).expect("a name");
            assert_eq!(name.short, "my-shop2");
            assert_eq!(name.package, "tap-my-shop2");
            assert_eq!(name.namespace(), "tap_my_shop2");
            assert_eq!(name.prefix(), "TAP_MY_SHOP2");
            assert_eq!(name.type_name(), "TapMyShop2");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for given in [
            "",
            "Shop",
            "shop_x",
            "2shop",
            "-shop",
            "shop-",
            "a--b",
            "a/b",
            "..",
            "tap-",
            "é",
            &"a".repeat(65),
        ] {
            let error = Name::new("tap", given).expect_err(given).to_string();
            assert!(
                error.starts_with("NAME: expected at most 64 lower-case letters"),
                "{error}"
            );
        }
        let error = Name::new("target", "parquet").expect_err("built in").to_string();
        assert!(error.contains("target-parquet is built into melisma"), "{error}");
    }
}
