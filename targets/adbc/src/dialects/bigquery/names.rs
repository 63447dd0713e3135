//! How a property's name becomes a column's in BigQuery.

use std::borrow::Cow;

/// How a property's name becomes a column's.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct ColumnNames {
    pub(crate) lower: bool,
    pub(crate) snake_case: bool,
    pub(crate) underscore_before_digit: bool,
    pub(crate) periods_as_underscores: bool,
}

impl ColumnNames {
    /// The name of the column for a property.
    pub(super) fn column(self, property: &str) -> Cow<'_, str> {
        let mut name = Cow::Borrowed(property);
        if self.periods_as_underscores {
            name = name.replace('.', "_").into();
        }
        if self.snake_case {
            name = snake_case(&name).into();
        }
        if self.lower {
            name = name.to_lowercase().into();
        }
        if self.underscore_before_digit && name.starts_with(|c: char| c.is_ascii_digit()) {
            name = format!("_{name}").into();
        }
        name
    }
}

/// `orderId` as `order_id`
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before: Option<char> = None;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_a_word = before.is_some_and(|before| {
            before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || before.is_ascii_uppercase() && rest.peek().is_some_and(char::is_ascii_lowercase)
        });
        if c.is_ascii_uppercase() && ends_a_word {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        before = Some(c);
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_the_settings_say() {
        let all = ColumnNames {
            lower: true,
            snake_case: true,
            underscore_before_digit: true,
            periods_as_underscores: true,
        };
        for (property, column) in [
            ("orderId", "order_id"),
            ("HTTPStatus", "http_status"),
            ("a.b", "a_b"),
            ("1st", "_1st"),
            ("plain", "plain"),
        ] {
            assert_eq!(all.column(property), column);
            assert_eq!(ColumnNames::default().column(property), property);
        }
    }
}
