//! A tap of two streams: projects, and the issues of each, which are found only through their project.

use melisma_sdk::{Context, JsonSchema, Output, Record, Result, Stream, Tap, json};
use serde::Deserialize;

/// A tracker of projects and issues.
#[derive(Deserialize, JsonSchema)]
struct Tracker {
    /// How many projects it has.
    projects: u32,
}

#[derive(Record)]
struct Project {
    id: u32,
}

#[derive(Record)]
struct Issue {
    project: u32,
    number: u32,
}

impl Tap for Tracker {
    type Config = Self;

    fn open(config: Self, _: &Context) -> Result<Self> {
        Ok(config)
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let issues = Stream::of::<Issue>("issues").key(["project", "number"]);
        let issues = issues.replication_key("number").sorted();
        let projects = Stream::of::<Project>("projects").key(["id"]);
        Ok(vec![projects.child(issues).sync(|output| self.sync(output))])
    }
}

impl Tracker {
    fn sync(&self, output: &mut Output<'_>) -> Result<()> {
        (1..=self.projects).try_for_each(|id| {
            output.record(&Project { id })?;
            output.child("issues", &json!({"project": id}), |output| {
                let since: u32 = output.bookmark()?.unwrap_or(1); // that of this project
                (since..=2).try_for_each(|number| output.record(&Issue { project: id, number }))
            })?;
            output.checkpoint() // the project and its issues are complete
        })
    }
}

melisma_sdk::tap_main!(Tracker);

#[cfg(test)]
mod tests;
