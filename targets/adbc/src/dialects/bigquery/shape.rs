//! How tables of BigQuery are made: partitions and clusters.

use super::quote;

/// The column that partitions and clusters go by.
const BATCHED_AT: &str = "_sdc_batched_at";
/// BigQuery has no more columns in a cluster.
const CLUSTERS: usize = 4;

/// How a table is made.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// `MONTH`: partitions by `_sdc_batched_at`, where there is such a column.
    pub(crate) partitions: Option<&'static str>,
    /// The number of days after which a partition is removed.
    pub(crate) partition_days: Option<u32>,
    /// The columns that rows are clustered by, at most four.
    pub(crate) clusters: Clusters,
}

/// What rows are clustered by.
#[derive(Debug, Default)]
pub(crate) enum Clusters {
    /// Nothing.
    #[default]
    None,
    /// `_sdc_batched_at`.
    BatchedAt,
    /// The key, else `_sdc_batched_at`.
    Key,
    /// These columns.
    Columns(Vec<String>),
}

impl Shape {
    /// What follows the columns in the statement that makes a table.
    pub(super) fn sql(&self, columns: &[&str], key: &[&str]) -> String {
        let has_batches = columns.contains(&BATCHED_AT);
        let partitions = self.partitions.filter(|_| has_batches);
        let batches: &[&str] = if has_batches { &[BATCHED_AT] } else { &[] };
        let chosen: Vec<&str>;
        let clusters = match &self.clusters {
            Clusters::None => &[],
            Clusters::Key if !key.is_empty() => key,
            Clusters::BatchedAt | Clusters::Key => batches,
            Clusters::Columns(names) => {
                chosen = names.iter().map(String::as_str).collect();
                &chosen[..]
            }
        };
        let clusters = clusters.iter().take(CLUSTERS);
        let clusters: Vec<String> = clusters.map(|name| quote(name)).collect();
        let partition = partitions.map(|grain| {
            let column = quote(BATCHED_AT);
            format!(" PARTITION BY TIMESTAMP_TRUNC({column}, {grain})")
        });
        let cluster = (!clusters.is_empty()).then(|| format!(" CLUSTER BY {}", clusters.join(", ")));
        let days = self.partition_days.filter(|_| partitions.is_some());
        let options = days.map(|days| format!(" OPTIONS (partition_expiration_days = {days})"));
        [partition, cluster, options].into_iter().flatten().collect()
    }
}
