//! Reading the logs: one partition per month, in the order of time.

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::{Store, error, key_item, keys, mark, not_a_mark, read, text};
use crate::domain::log::{LogFilter, moment, moment_of, months};
use crate::error::Result;
use crate::time::Timestamp;

/// How many times one page asks DynamoDB while a filter leaves it empty: about 1,000 entries are looked at.
const ROUNDS: u32 = 10;

impl Store {
    /// A page of a log's month, the latest first, before the mark `before`, and the mark to continue with.
    ///
    /// A page may hold fewer entries than `limit`, or none, and still have a mark: the filter leaves entries out after
    /// they were read.
    pub(super) async fn log_page<T: DeserializeOwned>(
        &self,
        partition: &str,
        filter: &LogFilter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<T>, Option<String>)> {
        let bound = |at: Option<Timestamp>, none: &str| at.map_or(none.to_owned(), moment);
        let (low, high) = (bound(filter.from, "0"), bound(filter.until, "9"));
        let mut start = before.map(mark).transpose()?;
        // DynamoDB takes neither a range that ends before it begins nor a start outside of it.
        if start.as_ref().is_some_and(|start| !(&low..=&high).contains(&start)) {
            return Err(not_a_mark());
        }
        if low > high {
            return Ok((Vec::new(), None));
        }
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            let remaining = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let query = self
                .client
                .query()
                .table_name(&self.tables.core)
                .scan_index_forward(false)
                .limit(remaining)
                .key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high")
                .set_exclusive_start_key(
                    start.take().map(|sk| key_item(&keys::Key { pk: partition.to_owned(), sk })),
                );
            let (expression, mut values) = conditions(filter);
            values.insert(":pk".to_owned(), text(partition));
            values.insert(":low".to_owned(), text(&low));
            values.insert(":high".to_owned(), text(&high));
            let page = query
                .set_filter_expression(expression)
                .set_expression_attribute_names(
                    filter.action.is_some().then(|| HashMap::from([("#action".into(), "action".into())])),
                )
                .set_expression_attribute_values(Some(values))
                .send()
                .await
                .map_err(error::read)?;
            start = page
                .last_evaluated_key
                .and_then(|mut key| key.remove("sk"))
                .and_then(|sk| sk.as_s().ok().cloned());
            for item in page.items.unwrap_or_default() {
                found.push(read(item)?);
            }
            if start.is_none() || found.len() >= limit {
                break;
            }
        }
        Ok((found, start.map(hex::encode)))
    }
}

impl Store {
    /// Entries of a log from one place on (included) up to another (not included), in their order, up to `limit`, and whether
    /// there are more. `partition` names the partition of a month.
    pub(super) async fn log_between<T: DeserializeOwned>(
        &self,
        partition: impl Fn(&str) -> String,
        (low, high): (&str, &str),
        limit: usize,
    ) -> Result<(Vec<T>, bool)> {
        let mut found = Vec::new();
        if low >= high {
            return Ok((found, false));
        }
        for month in months(moment_of(low), moment_of(high)) {
            let mut start = None;
            loop {
                // One more than wanted tells whether there are more.
                let remaining = i32::try_from(limit + 1 - found.len()).unwrap_or(i32::MAX);
                let page = self
                    .client
                    .query()
                    .table_name(&self.tables.core)
                    .consistent_read(true)
                    .limit(remaining)
                    .key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high")
                    .expression_attribute_values(":pk", text(partition(&month)))
                    .expression_attribute_values(":low", text(low))
                    .expression_attribute_values(":high", text(high))
                    .set_exclusive_start_key(start.take())
                    .send()
                    .await
                    .map_err(error::read)?;
                // DynamoDB knows ranges only with both ends.
                let is_inside = |item: &super::Item| item.get("sk").is_some_and(|sk| *sk != text(high));
                for item in page.items.unwrap_or_default().into_iter().filter(is_inside) {
                    found.push(read(item)?);
                }
                if found.len() > limit {
                    found.truncate(limit);
                    return Ok((found, true));
                }
                start = page.last_evaluated_key;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok((found, false))
    }
}

fn conditions(filter: &LogFilter) -> (Option<String>, super::Item) {
    let mut conditions = Vec::new();
    let mut values = HashMap::new();
    for (attribute, value, wanted) in [
        ("actor", ":actor", &filter.actor),
        ("#action", ":action", &filter.action),
        ("enrollment", ":enrollment", &filter.enrollment),
    ] {
        if let Some(wanted) = wanted {
            conditions.push(format!("{attribute} = {value}"));
            values.insert(value.to_owned(), text(wanted));
        }
    }
    ((!conditions.is_empty()).then(|| conditions.join(" AND ")), values)
}
