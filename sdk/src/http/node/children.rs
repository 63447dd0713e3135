//! Parents and children: the children of one record are read after it, and those of the next are asked for meanwhile.

use std::collections::VecDeque;

use melisma_engine::{Error, Result};
use serde_json::Value;

use super::Node;
use super::fetch::Fetch;
use crate::http::json::Json;
use crate::http::pages::Paginator;
use crate::http::since::{SINCE, UNTIL};
use crate::http::template::Scope;
use crate::http::window::{Window, Windows};
use crate::tap::Output;

/// The first page of a child of one parent.
struct Ahead {
    context: Scope,
    /// `None` when the child is not read.
    first: Option<(Window, Windows, Fetch)>,
}

impl Node {
    /// Writes the records of a page, and reads the children of each.
    pub(super) fn write(
        &self,
        output: &mut Output<'_>,
        records: &[Json<'_>],
        scope: &Scope,
        added: &[(&str, Value)],
    ) -> Result<()> {
        if self.children.is_empty() {
            for json in records {
                self.write_one(output, *json, added)?;
            }
            return output.checkpoint();
        }
        let reads: Vec<bool> = self
            .children
            .iter()
            .map(|child| output.reads_child(&child.name))
            .collect();
        let window = self.client.concurrency().saturating_sub(1) / self.children.len() + 1;
        let mut ahead: VecDeque<Vec<Ahead>> = VecDeque::new();
        let mut parents = records.iter();
        for json in records {
            while ahead.len() < window
                && let Some(parent) = parents.next()
            {
                ahead.push_back(self.ahead(output, *parent, scope, &reads)?);
            }
            self.write_one(output, *json, added)?;
            for (child, ahead) in self.children.iter().zip(ahead.pop_front().into_iter().flatten()) {
                child.read_for_parent(output, ahead)?;
            }
            output.checkpoint()?;
        }
        Ok(())
    }

    /// Asks for the first pages of a parent's children.
    fn ahead(
        &self,
        output: &Output<'_>,
        parent: Json<'_>,
        scope: &Scope,
        reads: &[bool],
    ) -> Result<Vec<Ahead>> {
        let children = self.children.iter().zip(reads);
        let ahead = children.map(|(child, reads)| {
            child
                .ahead_of(output, parent, scope, *reads)
                .map_err(|error| error.in_stream(&child.name))
        });
        ahead.collect()
    }

    /// What the children of this parent are found by.
    pub(in crate::http) fn context_of(&self, parent: Json<'_>, scope: &Scope) -> Result<Scope> {
        let mut context = scope.clone();
        context.remove(SINCE);
        context.remove(UNTIL);
        for (name, path) in &self.context {
            let value = path.first(parent).filter(|value| !value.is_null());
            let value = value.ok_or_else(|| {
                Error::input(format!(
                    "a record of the parent has no {}, which {name} is taken from",
                    path.as_str()
                ))
            })?;
            context.insert(name.clone(), value.to_value());
        }
        Ok(context)
    }

    fn ahead_of(&self, output: &Output<'_>, parent: Json<'_>, scope: &Scope, reads: bool) -> Result<Ahead> {
        let context = self.context_of(parent, scope)?;
        if !reads {
            return Ok(Ahead { context, first: None });
        }
        let bookmark = output.child_bookmark(&self.name, (!self.shared_bookmark).then_some(&context))?;
        let mut windows = self.windows(context.clone(), bookmark, output.start_date())?;
        let first = match windows.next().transpose()? {
            Some(first) => {
                let request = self.request(&first.scope, &Paginator::new(&self.paging).first())?;
                Some((first, windows, self.start(request)))
            }
            None => None,
        };
        Ok(Ahead { context, first })
    }

    fn read_for_parent(&self, output: &mut Output<'_>, ahead: Ahead) -> Result<()> {
        let Ahead { context, first } = ahead;
        let Some((first, windows, fetch)) = first else {
            return Ok(());
        };
        let read = |output: &mut Output<'_>| self.read_windows(output, first, windows, fetch);
        if self.shared_bookmark {
            output.child_with_one_bookmark(&self.name, read)
        } else {
            output.child(&self.name, &context, read)
        }
    }
}
