//! What is asked of the function `events`. A message may be lost, repeated or late: what is done follows from the store.

use serde::{Deserialize, Serialize};

use crate::id::{TenantId, WebhookId};

/// A message on the queue `events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventWork {
    /// Ask for a turn of each webhook after this one.
    Webhooks {
        /// The last webhook of the page before, as the list names it; none for the first page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// Ask for seals on the logs of each tenant after this one.
    Seals {
        /// The last tenant of the page before; none for the first page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<TenantId>,
    },
    /// Seal what is old enough of one tenant's logs.
    Seal {
        /// Whose they are.
        tenant: TenantId,
    },
    /// Seal what is old enough of the operator's own audit log.
    SealOperators,
    /// Deliver what is due to one webhook.
    Deliver {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        webhook: WebhookId,
    },
}
