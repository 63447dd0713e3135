//! Projects, issues and events of a tracker: three streams of an HTTP API, one of them a child of another.
use melisma_sdk::http::{Client, OAuth2, Pages};
use melisma_sdk::{Context, JsonSchema, Record, Result, Secret, Stream, Tap};

/// Projects, issues and events of a tracker.
#[derive(serde::Deserialize, JsonSchema)]
struct Tracker {
    /// Where the tracker is.
    url: String,
    /// The OAuth client's id.
    client_id: String,
    /// The OAuth client's secret.
    client_secret: Secret<String>,
    /// Issues and events before this moment are left out of the first run.
    #[expect(dead_code, reason = "the SDK applies it")]
    start_date: Option<String>,
}
#[derive(Record)]
struct Project {
    id: i64,
    name: String,
    owner: Owner,
    archived: bool,
}
#[derive(Record)]
struct Owner {
    login: String,
    email: Option<String>,
}
#[derive(Record)]
struct Issue {
    project_id: i64,
    id: i64,
    title: String,
    updated_at: jiff::Timestamp,
    labels: Vec<String>,
    estimate: Option<f64>,
}
#[derive(Record)]
struct Event {
    id: i64,
    kind: String,
    updated_at: jiff::Timestamp,
}
impl Tap for Tracker {
    type Config = Self;
    fn open(config: Self, _: &Context) -> Result<Self> {
        Ok(config)
    }
    fn discover(&self, context: &Context) -> Result<Vec<Stream<'_>>> {
        let auth = OAuth2::client_credentials("/token", &self.client_id, &self.client_secret);
        let api = Client::new(&self.url, context)?.auth(auth).pages(Pages::link_header()).since("since");
        let issues = Stream::of::<Issue>("issues").key(["id"]).replication_key("updated_at").sorted();
        let events = Stream::of::<Event>("events").key(["id"]).replication_key("updated_at").sorted();
        let issues = api.get("/projects/{project_id}/issues", issues).from_parent("project_id", "id");
        let projects = api.get("/projects", Stream::of::<Project>("projects").key(["id"])).child(issues);
        Ok(vec![projects.stream()?, api.get("/events", events).stream()?])
    }
}
melisma_sdk::tap_main!(Tracker);

#[cfg(test)]
mod tests;
