//! Projects and their issues, from an HTTP API.
use melisma_sdk::http::{Bearer, Client, Pages};
use melisma_sdk::{Context, JsonSchema, Record, Result, Secret, Stream, Tap};

/// Projects and their issues, from an HTTP API.
#[derive(serde::Deserialize, JsonSchema)]
struct @type@ {
    /// Where the API is.
    url: String,
    /// Sent as a bearer token.
    token: Secret<String>,
    /// Issues before this moment are left out of the first run.
    #[expect(dead_code, reason = "the SDK applies it")]
    start_date: Option<String>,
}

#[derive(Record)]
struct Project {
    id: i64,
    name: String,
}

#[derive(Record)]
struct Issue {
    project_id: i64,
    id: i64,
    title: String,
    updated_at: jiff::Timestamp,
}

impl Tap for @type@ {
    type Config = Self;

    fn open(config: Self, _: &Context) -> Result<Self> {
        Ok(config)
    }

    fn discover(&self, context: &Context) -> Result<Vec<Stream<'_>>> {
        let api = Client::new(&self.url, context)?
            .auth(Bearer::new(&self.token))
            .pages(Pages::number("page").size("per_page", 100));
        let issues = Stream::of::<Issue>("issues")
            .key(["id"])
            .replication_key("updated_at");
        // One request for each project, and `?since=` with the bookmark of that project.
        let issues = api
            .get("/projects/{project_id}/issues", issues)
            .from_parent("project_id", "id")
            .since("since");
        let projects = Stream::of::<Project>("projects").key(["id"]);
        Ok(vec![api.get("/projects", projects).child(issues).stream()?])
    }
}

melisma_sdk::tap_main!(@type@);

#[cfg(test)]
mod tests;
