//! Some records of a stream and of its children, to see what they look like: for schemas that are inferred.

use std::collections::BTreeMap;

use melisma_engine::Result;
use serde_json::Value;

use super::json::{Json, Parser};
use super::node::Node;
use super::pages::Paginator;
use super::record::Record;
use super::stream::RestStream;
use super::template::Scope;
use super::window::to_sample;

/// The parents whose children are looked at: the children of one may be none.
const PARENTS: usize = 10;

/// Records by the names of their streams.
pub type Samples = BTreeMap<String, Vec<Value>>;

impl RestStream<'_> {
    /// Up to `count` records of the first page of this stream, and of that of each child of some of them. Nothing is
    /// written.
    pub fn sample(self, count: usize) -> Result<Samples> {
        let (_, node) = self.compile(&[])?;
        let mut found = Samples::new();
        node.sample_partitions(count, &mut found)?;
        Ok(found)
    }
}

impl Node {
    fn sample_partitions(&self, count: usize, found: &mut Samples) -> Result<()> {
        if self.partitions.is_empty() {
            return self.sample(&Scope::new(), count, found);
        }
        let mut partitions = self.partitions.iter().take(PARENTS);
        partitions.try_for_each(|partition| self.sample(partition, count, found))
    }

    fn sample(&self, scope: &Scope, count: usize, found: &mut Samples) -> Result<()> {
        for scope in to_sample(self.since.as_ref(), scope, self.client.now())? {
            self.sample_window(&scope, count, found)?;
        }
        Ok(())
    }

    fn sample_window(&self, scope: &Scope, count: usize, found: &mut Samples) -> Result<()> {
        let known = found.entry(self.name.to_string()).or_default().len();
        let children = self
            .children
            .iter()
            .any(|child| found.get(&*child.name).is_none_or(|all| all.len() < count));
        if known >= count && !children {
            return Ok(());
        }
        let request = self.request(scope, &Paginator::new(&self.paging).first())?;
        let sampled = self.client.ask(&request, &self.meter, &*self.rules);
        let answer = sampled.map_err(|error| error.in_stream(&self.name))?;
        if !(200..300).contains(&answer.status()) {
            return Ok(());
        }
        let mut from = answer;
        let mut body = std::mem::take(&mut from.body);
        let mut parser = Parser::default();
        let nodes = self.parse(&mut parser, &mut body, &from)?;
        if self.rules.skips(Json::root(&nodes)) {
            return Ok(());
        }
        let (_, records) = self.records_of(&nodes, &from)?;
        let added = self.added(scope)?;
        let mut parents = Vec::new();
        let mut all = Vec::new();
        for json in records {
            if all.len() >= count {
                break;
            }
            if !json.is_object() || !self.keeps(json) {
                continue;
            }
            let record = Record {
                json,
                added: &added,
                view: &self.view,
            };
            let record = match &self.map {
                Some(map) => self.mapped(&**map, &record)?,
                None => serde_json::to_value(record).ok(),
            };
            all.extend(record);
            parents.push(json);
        }
        let records = found.entry(self.name.to_string()).or_default();
        records.extend(all);
        records.truncate(count);
        for parent in parents.into_iter().take(PARENTS) {
            for child in &self.children {
                let context = child
                    .context_of(parent, scope)
                    .map_err(|error| error.in_stream(&child.name))?;
                child.sample(&context, count, found)?;
            }
        }
        Ok(())
    }
}
