//! Keys of the logs, and of what follows from them: seals and webhooks.

use super::{Key, realm_partition};
use crate::domain::audit::AuditEntry;
use crate::domain::event::Event;
use crate::domain::log::month_of as month;
use crate::domain::seal::Log;
use crate::id::{TenantId, WebhookId};
use crate::scope::Realm;

pub(crate) fn audit_partition(realm: Realm<'_>, month: &str) -> String {
    format!("{}#AUDIT#{month}", realm_partition(realm))
}

pub(crate) fn audit(realm: Realm<'_>, entry: &AuditEntry) -> Key {
    Key { pk: audit_partition(realm, &month(entry.at)), sk: entry.place() }
}

pub(crate) fn event_partition(tenant: &TenantId, month: &str) -> String {
    format!("TENANT#{tenant}#EVENTS#{month}")
}

pub(crate) fn event(tenant: &TenantId, event: &Event) -> Key {
    Key { pk: event_partition(tenant, &month(event.at)), sk: event.place() }
}

/// For how long a tenant's logs are kept.
pub(crate) fn retention(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "RETENTION".into() }
}

pub(crate) fn seal_partition(realm: Realm<'_>, log: Log) -> String {
    format!("{}#SEALS#{}", realm_partition(realm), log.name())
}

/// A seal of a log, by its number: there is one of each, so that the chain does not fork.
pub(crate) fn seal(realm: Realm<'_>, log: Log, number: u64) -> Key {
    Key { pk: seal_partition(realm, log), sk: format!("{number:010}") }
}

pub(crate) const WEBHOOK_PREFIX: &str = "WEBHOOK#";
/// The partition of [`super::BY_TENANT_INDEX`] that lists the webhooks of all tenants for which turns have something to do.
pub(crate) const ALL_WEBHOOKS: &str = "*webhooks";

pub(crate) fn webhook(tenant: &TenantId, webhook: &WebhookId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: format!("{WEBHOOK_PREFIX}{webhook}") }
}

/// The sort key of [`super::BY_TENANT_INDEX`] for a webhook.
pub(crate) fn listed_webhook(tenant: &TenantId, webhook: &WebhookId) -> String {
    format!("{tenant}#{webhook}")
}

/// How far a webhook's deliveries have come: apart from its settings, because each delivery rewrites it.
pub(crate) fn webhook_position(tenant: &TenantId, webhook: &WebhookId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: format!("POSITION#{webhook}") }
}

pub(crate) const ATTEMPT_PREFIX: &str = "ATTEMPT#";
pub(crate) const DEAD_PREFIX: &str = "DEAD#";

/// What became of a webhook's deliveries.
pub(crate) fn webhook_partition(tenant: &TenantId, webhook: &WebhookId) -> String {
    format!("TENANT#{tenant}#WEBHOOK#{webhook}")
}

pub(crate) fn webhook_attempt(tenant: &TenantId, webhook: &WebhookId, place: &str) -> Key {
    Key { pk: webhook_partition(tenant, webhook), sk: format!("{ATTEMPT_PREFIX}{place}") }
}

/// An event that was given up, by its place in the log.
pub(crate) fn webhook_dead(tenant: &TenantId, webhook: &WebhookId, place: &str) -> Key {
    Key { pk: webhook_partition(tenant, webhook), sk: format!("{DEAD_PREFIX}{place}") }
}
