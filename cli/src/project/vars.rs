//! Environment variables: their names, and what the process of a plugin gets.

use super::Vars;

/// The parts joined by `_`, in capitals, with `_` for everything but letters and digits.
pub(crate) fn env_name(parts: &[&str]) -> String {
    parts
        .join("_")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// Lays `over` onto `base`.
pub(crate) fn overlay(base: &mut Vars, over: &Vars) {
    base.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_meltano_makes_them() {
        assert_eq!(env_name(&["tap-a", "nested.leaf"]), "TAP_A_NESTED_LEAF");
        assert_eq!(env_name(&["tap-a", "_select"]), "TAP_A__SELECT");
        assert_eq!(
            env_name(&["tap-a", "_metadata.users.replication-method"]),
            "TAP_A__METADATA_USERS_REPLICATION_METHOD"
        );
    }
}
