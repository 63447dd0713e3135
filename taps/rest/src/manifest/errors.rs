//! What a manifest says about answers: `DefaultErrorHandler`, `CompositeErrorHandler`, and how long they wait.

use std::time::Duration;

use melisma_sdk::Result;
use melisma_sdk::http::{Judge, Judgement, Response};
use serde_json::Value;

use super::headers::headers;
use super::jinja::{self, Names, Scope, Templates, Text};
use super::part::Part;
use super::waits::Wait;

const ANSWER: Names<'static> = &["headers", "request_url", "response"];

/// The handlers of a requester, one after the other.
#[derive(Default)]
pub(super) struct Handler {
    handlers: Vec<One>,
    waits: Vec<Wait>,
    scope: Scope,
}

#[derive(Default)]
struct One {
    filters: Vec<Filter>,
    retries: Option<u32>,
}

struct Filter {
    action: Action,
    codes: Vec<u16>,
    contains: Option<String>,
    predicate: Option<Text>,
    message: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Success,
    Ignore,
    Retry,
    RateLimited,
    Fail,
    Refresh,
}

impl Handler {
    pub(super) fn of(part: Option<&Part<'_>>, templates: &Templates, scope: &Scope) -> Result<Self> {
        let mut made = Self {
            scope: scope.clone(),
            ..Self::default()
        };
        if let Some(part) = part {
            made.add(part, templates)?;
        }
        Ok(made)
    }

    fn add(&mut self, part: &Part<'_>, templates: &Templates) -> Result<()> {
        if part.kind() == "CompositeErrorHandler" {
            return part
                .children("error_handlers")?
                .iter()
                .try_for_each(|inner| self.add(inner, templates));
        }
        let filters = part.children("response_filters")?;
        let retries = part
            .text(templates, "max_retries", &[])?
            .map(|text| text.value(&self.scope))
            .transpose()?;
        let retries = retries.map(|value| {
            let whole = value.as_u64().and_then(|whole| u32::try_from(whole).ok());
            whole.ok_or_else(|| part.refuse("max_retries", "is no whole number"))
        });
        self.handlers.push(One {
            filters: filters
                .iter()
                .map(|filter| Filter::of(filter, templates))
                .collect::<Result<_>>()?,
            retries: retries.transpose()?,
        });
        for wait in part.children("backoff_strategies")? {
            self.waits.push(Wait::of(&wait, templates, &self.scope)?);
        }
        Ok(())
    }

    /// What the first handler that knows says.
    fn decide(&self, answer: &Response) -> Option<(Action, Option<String>)> {
        let seen = Seen::of(answer, &self.scope);
        let mut last = None;
        for handler in &self.handlers {
            let matching = handler
                .filters
                .iter()
                .find(|filter| filter.matches(answer, &seen));
            let decided = match matching {
                Some(filter) => Some((filter.action, filter.message(&seen))),
                None if answer.status() < 400 => Some((Action::Success, None)),
                // The client knows what is done as a rule.
                None => None,
            };
            if let Some((Action::Success | Action::Retry | Action::Ignore, _)) = decided {
                return decided;
            }
            last = decided;
        }
        last
    }
}

impl Judge for Handler {
    fn judge(&self, answer: &Response) -> Option<Judgement> {
        let (action, message) = self.decide(answer)?;
        Some(match action {
            // An answer that is ignored and was good has records all the same.
            Action::Success | Action::Ignore => Judgement::Take,
            Action::Retry => Judgement::Retry,
            Action::RateLimited => Judgement::Wait,
            Action::Refresh => Judgement::Renew,
            Action::Fail => Judgement::Fail(message),
        })
    }

    fn wait(&self, answer: Option<&Response>, tried: u32) -> Option<Duration> {
        let wait = self.waits.iter().find_map(|wait| wait.seconds(answer, tried))?;
        Duration::try_from_secs_f64(wait.max(0.0)).ok()
    }

    fn tries(&self) -> Option<u32> {
        let retries = self
            .handlers
            .first()
            .and_then(|handler| handler.retries)
            .unwrap_or(5);
        Some(retries.saturating_add(1))
    }
}

/// An answer for expressions.
struct Seen {
    body: Value,
    scope: Scope,
}

impl Seen {
    fn of(answer: &Response, scope: &Scope) -> Self {
        let body = answer.json().unwrap_or_default();
        let body = if body.is_null() {
            serde_json::json!({})
        } else {
            body
        };
        let url = answer.url().split(['?', '#']).next().unwrap_or_default();
        let scope = scope.clone();
        Self {
            scope: scope
                .with("response", jinja::value(&body))
                .with("headers", headers(answer))
                .with("request_url", url.into()),
            body,
        }
    }
}

impl Filter {
    fn of(part: &Part<'_>, templates: &Templates) -> Result<Self> {
        let action = match part.str("action") {
            Some("SUCCESS") => Action::Success,
            Some("IGNORE") => Action::Ignore,
            Some("RETRY") => Action::Retry,
            Some("RATE_LIMITED") => Action::RateLimited,
            Some("REFRESH_TOKEN_THEN_RETRY") => Action::Refresh,
            Some("FAIL") | None => Action::Fail,
            Some(other) => {
                return Err(part.refuse(
                    "action",
                    &format!("{} is not supported", melisma_sdk::show(other)),
                ));
            }
        };
        let codes = part
            .get("http_codes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let code = |code: &Value| code.as_u64().and_then(|code| u16::try_from(code).ok());
        let codes = codes
            .map(|value| code(value).ok_or_else(|| part.refuse("http_codes", "has one that is no status")));
        Ok(Self {
            action,
            codes: codes.collect::<Result<_>>()?,
            contains: part.str("error_message_contains").map(str::to_owned),
            predicate: part.text(templates, "predicate", ANSWER)?,
            message: part.text(templates, "error_message", ANSWER)?,
        })
    }

    fn matches(&self, answer: &Response, seen: &Seen) -> bool {
        let met = |text: &Text| text.is_true(&seen.scope).unwrap_or(false);
        let contains =
            |word: &String| error_message(&seen.body).is_some_and(|text| text.contains(word.as_str()));
        self.codes.contains(&answer.status())
            || self.predicate.as_ref().is_some_and(met)
            || self.contains.as_ref().is_some_and(contains)
    }

    fn message(&self, seen: &Seen) -> Option<String> {
        let message = self.message.as_ref()?.text(&seen.scope).ok()?;
        (!message.is_empty()).then_some(message)
    }
}

/// The text of an error in an answer, wherever APIs put it.
fn error_message(body: &Value) -> Option<String> {
    match body {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(error_message).collect();
            Some(texts.join(", "))
        }
        Value::Object(members) => {
            let names = [
                "message",
                "messages",
                "error",
                "errors",
                "failures",
                "failure",
                "detail",
                "err",
                "error_message",
                "msg",
                "reason",
                "status_message",
            ];
            let found = names.iter().filter_map(|name| members.get(*name));
            found
                .into_iter()
                .find(|value| jinja::python_truth(value))
                .and_then(error_message)
        }
        _ => None,
    }
}
