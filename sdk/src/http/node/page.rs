//! A page: parsed, checked, and its records.

use melisma_engine::{Error, Kind, Result};
use serde_json::{Map, Value};
use simd_json::Node as Tape;

use super::Node;
use crate::http::json::{Json, Parser};
use crate::http::record::Record;
use crate::http::request::Response;
use crate::http::template::Scope;
use crate::http::url;
use crate::secret;
use crate::tap::Output;

impl Node {
    /// Parses the body of an answer.
    pub(in crate::http) fn parse<'b>(
        &'b self,
        parser: &mut Parser,
        body: &'b mut Vec<u8>,
        answer: &Response,
    ) -> Result<Vec<Tape<'b>>> {
        self.format.parse(parser, body).map_err(|error| {
            let (url, is) = (url::shown(&answer.url), answer.header("content-type"));
            // A login page or a proxy's apology comes with a status that says that all is well.
            let is = is.map_or(String::new(), |is| {
                format!(", which says that it is {}", melisma_engine::error::show(is))
            });
            Error::input(format!("{url}: the answer{is}: {}", error.message())).in_stream(&self.name)
        })
    }

    /// The root and the records of an answer, which may say that the request failed.
    pub(in crate::http) fn records_of<'t>(
        &self,
        nodes: &'t [Tape<'t>],
        answer: &Response,
    ) -> Result<(Json<'t>, Vec<Json<'t>>)> {
        let root = Json::root(nodes);
        self.check_failure(root, answer)?;
        let mut records = Vec::new();
        self.records.each(root, &mut |record| {
            records.push(record);
            Ok(())
        })?;
        Ok((root, records))
    }

    /// Fails when the answer says so, whatever its status.
    fn check_failure(&self, root: Json<'_>, answer: &Response) -> Result<()> {
        let found = self.failure.as_ref().and_then(|path| path.first(root));
        let Some(found) = found.filter(|found| found.is_truthy()) else {
            return Ok(());
        };
        let said = found.as_str().or_else(|| found.get("message")?.as_str());
        let said = melisma_engine::error::show(&secret::mask(said.unwrap_or("it does not say why")));
        let url = url::shown(&answer.url);
        Err(Error::new(
            Kind::Unavailable,
            format!("{url}: the answer says that the request failed: {said}"),
        ))
    }

    /// Whether a record meets all conditions.
    pub(in crate::http) fn keeps(&self, record: Json<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(record))
    }

    pub(super) fn write_one(
        &self,
        output: &mut Output<'_>,
        json: Json<'_>,
        added: &[(&str, Value)],
    ) -> Result<()> {
        if !json.is_object() {
            let (path, kind) = (self.records.as_str(), json.kind());
            return Err(Error::input(format!(
                "the records at {path} are to be objects, and one is {kind}"
            )));
        }
        let record = Record {
            json,
            added,
            view: &self.view,
        };
        let Some(map) = &self.map else {
            return output.record(&record);
        };
        match self.mapped(&**map, &record)? {
            Some(record) => output.record(&record),
            None => Ok(()),
        }
    }

    /// A record after [`RestStream::map`](crate::http::RestStream::map).
    pub(in crate::http) fn mapped(
        &self,
        map: &(dyn Fn(Map<String, Value>) -> Result<Option<Value>> + Send + Sync),
        record: &Record<'_>,
    ) -> Result<Option<Value>> {
        match serde_json::to_value(record) {
            Ok(Value::Object(record)) => map(record).map_err(|error| error.in_stream(&self.name)),
            Ok(_) => Ok(None),
            Err(error) => Err(Error::input("a record cannot be written as JSON")
                .with_source(error)
                .in_stream(&self.name)),
        }
    }

    /// The properties that are added to all records of these pages.
    pub(in crate::http) fn added(&self, scope: &Scope) -> Result<Vec<(&str, Value)>> {
        let pairs = self.add.iter().map(|(name, value)| {
            let value = value.value(scope)?.unwrap_or_default();
            Ok((name.as_str(), value))
        });
        pairs.collect()
    }
}
