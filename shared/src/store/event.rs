//! The surveillance log: what became of devices, a partition per tenant and month.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{NEW, Store, keys, put_part};
use crate::domain::event::Event;
use crate::domain::log::LogFilter;
use crate::error::{Error, Result};
use crate::scope::Scope;

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
