//! The surveillance log: what became of devices, a partition per tenant and month.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{NEW, Store, keys, put_part};
use crate::domain::event::Event;
use crate::domain::log::{LogFilter, moment, moment_of, month_of};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::time::Timestamp;

impl Store {
    /// The part of a transaction that writes down what its other parts do to a device.
    pub(super) fn event_part(&self, scope: &Scope, event: &Event) -> Result<TransactWriteItem> {
        put_part(&self.tables.core, &keys::event(scope.tenant(), event), event, Some(NEW))
    }

    /// Writes down what changed nothing, such as a refusal.
    ///
    /// # Errors
    /// Internal when the identifier is taken, which 80 random bits make a fault.
    pub async fn put_event(&self, scope: &Scope, event: &Event) -> Result<()> {
        if self.put_if(self.event_part(scope, event)?).await? {
            Ok(())
        } else {
            Err(Error::internal("a new event's identifier exists already"))
        }
    }

    /// Events from the place `after` on (itself included, where there is one) and before a moment, in their order, up to
    /// `limit`; and whether there are more.
    pub async fn events_after(
        &self,
        scope: &Scope,
        after: &str,
        before: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Event>, bool)> {
        let partition = |month: &str| keys::event_partition(scope.tenant(), month);
        self.log_between(partition, (after, &moment(before)), limit).await
    }

    /// One event, by its place.
    pub async fn event(&self, scope: &Scope, place: &str) -> Result<Option<Event>> {
        let pk = keys::event_partition(scope.tenant(), &month_of(moment_of(place)));
        self.get(&self.tables.core, &keys::Key { pk, sk: place.to_owned() }).await
    }

    /// A month's events, the latest first, before `before`, and the mark to continue with.
    ///
    /// `month` is `YYYY-MM` in UTC.
    pub async fn events(
        &self,
        scope: &Scope,
        month: &str,
        filter: &LogFilter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Event>, Option<String>)> {
        self.log_page(&keys::event_partition(scope.tenant(), month), filter, before, limit).await
    }
}
