//! The attributes `#[serde(..)]` and `#[record(..)]`: those that change what is written are honoured or refused by name.

use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, ExprPath, Lit, LitStr, Meta, Token};

/// What the attributes of a struct or an enum say.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) rename_all: Option<Case>,
    /// The property that names the variant.
    pub(crate) tag: Option<String>,
}

/// What the attributes of a field or a variant say.
#[derive(Default)]
pub(crate) struct Item {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) skip: bool,
    pub(crate) skip_if: Option<ExprPath>,
    pub(crate) flatten: bool,
    /// Its type has `Serialize` and `JsonSchema`, and no `Field`.
    pub(crate) by_serde: bool,
    /// The `format` of its schema.
    pub(crate) format: Option<String>,
    pub(crate) description: Option<String>,
}

/// Attributes of serde that are about reading alone.
const READING: [&str; 10] = [
    "default",
    "alias",
    "deny_unknown_fields",
    "deserialize_with",
    "skip_deserializing",
    "bound",
    "borrow",
    "expecting",
    "from",
    "try_from",
];

impl Container {
    pub(crate) fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut found = Self::default();
        each(attributes, "serde", |meta, name| match name {
            "rename_all" => {
                found.rename_all = written(meta)?.map(|word| Case::parse(&word)).transpose()?;
                Ok(())
            }
            "tag" => {
                found.tag = Some(text(meta)?.value());
                Ok(())
            }
            "rename" => written(meta).map(drop),
            _ => other(meta, name),
        })?;
        each(attributes, "record", |meta, name| match name {
            "tag" => {
                found.tag = Some(text(meta)?.value());
                Ok(())
            }
            _ => Err(meta.error(format!("`{name}` is no attribute of a Record; there is `tag`"))),
        })?;
        Ok(found)
    }
}

impl Item {
    pub(crate) fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut found = Self {
            description: description(attributes),
            ..Self::default()
        };
        each(attributes, "serde", |meta, name| {
            match name {
                "rename" => found.rename = written(meta)?.map(|word| word.value()).or(found.rename.take()),
                "rename_all" => {
                    found.rename_all = written(meta)?.map(|word| Case::parse(&word)).transpose()?;
                }
                "skip" | "skip_serializing" => found.skip = true,
                "skip_serializing_if" => found.skip_if = Some(text(meta)?.parse()?),
                "flatten" => found.flatten = true,
                _ => other(meta, name)?,
            }
            Ok(())
        })?;
        each(attributes, "record", |meta, name| {
            match name {
                "serde" => found.by_serde = true,
                "format" => found.format = Some(text(meta)?.value()),
                _ => {
                    let message =
                        format!("`{name}` is no attribute of a field; there are `serde` and `format`");
                    return Err(meta.error(message));
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// Calls `read` with each attribute in `#[of(..)]`.
fn each(
    attributes: &[Attribute],
    of: &str,
    mut read: impl FnMut(&ParseNestedMeta<'_>, &str) -> syn::Result<()>,
) -> syn::Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(of))
        .try_for_each(|attribute| {
            attribute.parse_nested_meta(|meta| {
                let name = meta.path.to_token_stream().to_string();
                read(&meta, &name)
            })
        })
}

fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    meta.value()?.parse()
}

/// The value of `rename = "x"`, or of `rename(serialize = "x", deserialize = "y")` when writing.
fn written(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<LitStr>> {
    if meta.input.peek(Token![=]) {
        return text(meta).map(Some);
    }
    let mut found = None;
    meta.parse_nested_meta(|inner| {
        let word = text(&inner)?;
        if inner.path.is_ident("serialize") {
            found = Some(word);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Skips an attribute that is about reading, and refuses every other.
fn other(meta: &ParseNestedMeta<'_>, name: &str) -> syn::Result<()> {
    if !READING.contains(&name) {
        return Err(meta.error(format!(
            "`serde({name})` is not supported by Record, which would write something else; use Serialize and JsonSchema \
             instead, or `#[record(serde)]` on a field"
        )));
    }
    if meta.input.peek(Token![=]) {
        let _: Expr = meta.value()?.parse()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| inner.value()?.parse::<Expr>().map(drop))?;
    }
    Ok(())
}

/// The doc comment on one line.
fn description(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// How names are written: `rename_all`.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    fn parse(word: &LitStr) -> syn::Result<Self> {
        Ok(match word.value().as_str() {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return Err(syn::Error::new_spanned(word, "unknown rename_all")),
        })
    }

    /// The name of a field, which is in snake case.
    pub(crate) fn of_field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_uppercase(),
            other => other.of_variant(name),
        }
    }

    /// The name of a variant from its words: `InProgress` has two.
    pub(crate) fn of_variant(self, name: &str) -> String {
        let words = words(name);
        let lower = |sign: &str| words.join(sign);
        let capital = |word: &String| {
            let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            first.to_uppercase() + rest
        };
        let pascal = || words.iter().map(capital).collect::<String>();
        match self {
            Self::Lower => lower(""),
            Self::Upper => lower("").to_uppercase(),
            Self::Pascal => pascal(),
            Self::Camel => words
                .iter()
                .take(1)
                .cloned()
                .chain(words.iter().skip(1).map(capital))
                .collect(),
            Self::Snake => lower("_"),
            Self::ScreamingSnake => lower("_").to_uppercase(),
            Self::Kebab => lower("-"),
            Self::ScreamingKebab => lower("-").to_uppercase(),
        }
    }
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        let begins = c.is_uppercase() && words.last().is_some_and(|word| !word.is_empty());
        if c == '_' || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_those_of_serde() {
        for (case, field, variant) in [
            (Case::Lower, "updated_at", "inprogress"),
            (Case::Upper, "UPDATED_AT", "INPROGRESS"),
            (Case::Pascal, "UpdatedAt", "InProgress"),
            (Case::Camel, "updatedAt", "inProgress"),
            (Case::Snake, "updated_at", "in_progress"),
            (Case::ScreamingSnake, "UPDATED_AT", "IN_PROGRESS"),
            (Case::Kebab, "updated-at", "in-progress"),
            (Case::ScreamingKebab, "UPDATED-AT", "IN-PROGRESS"),
        ] {
            assert_eq!(case.of_field("updated_at"), field);
            assert_eq!(case.of_variant("InProgress"), variant);
        }
    }
}
