//! Every key of every table. Keys are written here and below, and nowhere else; docs/DATA.md shows them as a table.

mod identities;
mod logs;
mod many;
mod people;
mod queue;

use crate::domain::link_challenge::OUTSTANDING;
use crate::domain::log::month_of as month;
use crate::domain::profile_signer::Whose;
use crate::domain::token::Owner;
use crate::id::{CommandUuid, EnrollmentId, Fingerprint, LinkId, TenantId, TokenId};
use crate::protocol::inventory::Section;
use crate::scope::Realm;
use crate::time::Timestamp;

pub(crate) use identities::*;
pub(crate) use logs::*;
pub(crate) use many::*;
pub(crate) use people::*;
pub(crate) use queue::*;

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

/// The local index of the core table that orders waiting commands.
pub(crate) const QUEUE_INDEX: &str = "queue";
/// The global index of the core table that lists tenants, and a tenant's enrollments.
pub(crate) const BY_TENANT_INDEX: &str = "by-tenant";
/// The partition of [`BY_TENANT_INDEX`] that lists the tenants themselves.
pub(crate) const ALL_TENANTS: &str = "*";
/// The global index of the pki table that finds what ends in a month.
pub(crate) const BY_EXPIRY_INDEX: &str = "by-expiry";

pub(crate) fn tenant(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "TENANT".into() }
}

pub(crate) fn token(owner: &Owner, token: &TokenId) -> Key {
    Key { pk: token_partition(owner), sk: format!("{TOKEN_PREFIX}{token}") }
}

pub(crate) const TOKEN_PREFIX: &str = "TOKEN#";

pub(crate) fn token_partition(owner: &Owner) -> String {
    match owner {
        Owner::Operator => "OPERATOR".to_owned(),
        Owner::Tenant(tenant) => format!("TENANT#{tenant}"),
    }
}

/// A device's partition holds all its channels and their commands; a tenant's devices share nothing.
pub(crate) fn device_partition(tenant: &TenantId, id: &EnrollmentId) -> String {
    format!("TENANT#{tenant}#DEVICE#{}", id.device_id())
}

pub(crate) const CHANNEL_PREFIX: &str = "CHANNEL#";

pub(crate) fn enrollment(tenant: &TenantId, id: &EnrollmentId) -> Key {
    Key { pk: device_partition(tenant, id), sk: format!("{CHANNEL_PREFIX}{}", channel(id)) }
}

/// The sort key of [`BY_TENANT_INDEX`] for an enrollment: by topic, devices apart from users.
pub(crate) fn listed(topic: &str, id: &EnrollmentId) -> String {
    format!("{}{id}", listed_prefix(topic, id.user_id().is_some()))
}

pub(crate) fn listed_prefix(topic: &str, users: bool) -> String {
    format!("{topic}#{}#", if users { "user" } else { "device" })
}

/// A part of the inventory of a channel; `variant` where there may be several.
pub(crate) fn inventory(tenant: &TenantId, id: &EnrollmentId, section: Section, variant: &str) -> Key {
    let place = format!("{}{}#{variant}", inventory_prefix(id), section.name());
    Key { pk: device_partition(tenant, id), sk: place }
}

pub(crate) fn inventory_prefix(id: &EnrollmentId) -> String {
    format!("INVENTORY#{}#", channel(id))
}

pub(crate) fn command_batch(tenant: &TenantId, uuid: &CommandUuid) -> Key {
    Key { pk: format!("TENANT#{tenant}#COMMAND#{uuid}"), sk: "COMMAND".into() }
}

pub(crate) fn push_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#PUSH")
}

pub(crate) const INSTALLED_PREFIX: &str = "INSTALLED#";
pub(crate) const REQUEST: &str = "REQUEST";
pub(crate) const STAGED: &str = "STAGED";
pub(crate) const ACTIVE: &str = "ACTIVE";

pub(crate) fn push_request(tenant: &TenantId) -> Key {
    Key { pk: push_partition(tenant), sk: REQUEST.into() }
}

pub(crate) fn push_staged(tenant: &TenantId) -> Key {
    Key { pk: push_partition(tenant), sk: STAGED.into() }
}

pub(crate) fn push_active(tenant: &TenantId) -> Key {
    Key { pk: push_partition(tenant), sk: ACTIVE.into() }
}

pub(crate) fn push_installed(tenant: &TenantId, fingerprint: &Fingerprint) -> Key {
    Key { pk: push_partition(tenant), sk: format!("{INSTALLED_PREFIX}{fingerprint}") }
}

/// The operator's vendor certificates.
pub(crate) const VENDOR_PARTITION: &str = "OPERATOR#VENDOR";

pub(crate) fn vendor(fingerprint: &Fingerprint) -> Key {
    Key { pk: VENDOR_PARTITION.into(), sk: format!("{INSTALLED_PREFIX}{fingerprint}") }
}

pub(crate) fn vendor_active() -> Key {
    Key { pk: VENDOR_PARTITION.into(), sk: ACTIVE.into() }
}

pub(crate) const TOPIC_PREFIX: &str = "TOPIC#";

/// The claim that makes a topic one tenant's only.
pub(crate) fn topic_claim(topic: &str) -> Key {
    Key { pk: format!("{TOPIC_PREFIX}{topic}"), sk: "CLAIM".into() }
}

/// That a tenant is being imported.
pub(crate) fn import_mark(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "IMPORT".into() }
}

/// What was set aside of a tenant that moved away.
pub(crate) fn set_aside_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#ASIDE")
}

/// An item of a table that was set aside.
pub(crate) fn set_aside(tenant: &TenantId, table: &str, item: &Key) -> Key {
    Key { pk: set_aside_partition(tenant), sk: format!("{table}#{}#{}", item.pk, item.sk) }
}

fn realm_partition(realm: Realm<'_>) -> String {
    match realm {
        Realm::Tenant(scope) => format!("TENANT#{}", scope.tenant()),
        Realm::Operator(_) => "OPERATOR".to_owned(),
    }
}

/// The partition of [`BY_EXPIRY_INDEX`] for a moment: its month in UTC.
pub(crate) fn expiry_month(at: Timestamp) -> String {
    month(at)
}

/// One place for each tenant's certificate that signs profiles, and one for the server's.
pub(crate) fn profile_signer(whose: Whose<'_>) -> Key {
    let owner = match whose {
        Whose::Tenant(scope) => format!("TENANT#{}", scope.tenant()),
        Whose::Server => "OPERATOR".to_owned(),
    };
    Key { pk: format!("{owner}#SIGNER"), sk: "SIGNER".into() }
}

pub(crate) fn link_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#LINK")
}

pub(crate) fn link(tenant: &TenantId, link: &LinkId) -> Key {
    Key { pk: link_partition(tenant), sk: link.to_string() }
}

pub(crate) fn enrollment_settings(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "SETTINGS".into() }
}

/// The place of a profile's challenge: a link has [`OUTSTANDING`] of them, taken in turn.
pub(crate) fn link_challenge(tenant: &TenantId, link: &LinkId, served: u32) -> Key {
    let place = served % OUTSTANDING;
    Key { pk: link_uses_partition(tenant, link), sk: format!("CHALLENGE#{place:04}") }
}

pub(crate) const LINK_USE_PREFIX: &str = "USE#";

/// What belongs to one link: challenges and uses.
pub(crate) fn link_uses_partition(tenant: &TenantId, link: &LinkId) -> String {
    format!("TENANT#{tenant}#LINK#{link}")
}

pub(crate) fn link_use(tenant: &TenantId, link: &LinkId, identity: &Fingerprint) -> Key {
    Key { pk: link_uses_partition(tenant, link), sk: format!("{LINK_USE_PREFIX}{identity}") }
}

/// Who can renew a tenant's push certificate.
pub(crate) fn ownership(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}#OWNERSHIP"), sk: "OWNERSHIP".into() }
}

/// The tries of an export's password.
pub(crate) fn export_tries(tenant: &TenantId, certificate: &Fingerprint) -> Key {
    Key { pk: format!("TENANT#{tenant}#EXPORT#{certificate}"), sk: "TRIES".into() }
}

/// One mail: about one credential, on one day, to one address.
pub(crate) fn mail_claim(owner: &Owner, credential: &str, day: &str, recipient: &str) -> Key {
    Key { pk: format!("{}#MAIL#{credential}#{day}", token_partition(owner)), sk: recipient.to_owned() }
}

/// What makes the index by expiry know of a token, which itself is in another table.
pub(crate) fn token_expiry(owner: &Owner, token: &TokenId) -> Key {
    Key { pk: format!("{}#{TOKEN_PREFIX}{token}", token_partition(owner)), sk: "EXPIRY".into() }
}

pub(crate) fn snooze_partition(realm: Realm<'_>) -> String {
    format!("{}#SNOOZE", realm_partition(realm))
}

pub(crate) fn snooze(realm: Realm<'_>, credential: &str) -> Key {
    Key { pk: snooze_partition(realm), sk: credential.to_owned() }
}

pub(crate) const CONTACT_PREFIX: &str = "CONTACT#";

pub(crate) fn contact(tenant: &TenantId, address: &str) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: format!("{CONTACT_PREFIX}{address}") }
}

/// A question to an address, by the hash of the secret in its link.
pub(crate) fn confirmation(tenant: &TenantId, hash: &str) -> Key {
    Key { pk: format!("TENANT#{tenant}#CONFIRM#{hash}"), sk: "CONFIRM".into() }
}

pub(crate) fn calendar_feed(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "CALENDAR".into() }
}

/// A tenant's rule about silent devices.
pub(crate) fn inactivity_rule(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "INACTIVITY".into() }
}

/// Whom a tenant lets to its services.
pub(crate) fn access_settings(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "ACCESS".into() }
}

/// How many devices became inactive on a day.
pub(crate) fn inactive_today(tenant: &TenantId, day: &str) -> Key {
    Key { pk: format!("TENANT#{tenant}#INACTIVITY"), sk: day.to_owned() }
}

/// That another identity spoke for a device, on a day.
pub(crate) fn duplicate(tenant: &TenantId, id: &EnrollmentId, signer: Fingerprint, day: &str) -> Key {
    Key { pk: format!("TENANT#{tenant}#DUPLICATE#{}", id.device_id()), sk: format!("{day}#{signer}") }
}

/// When a device of any tenant was last known to be heard.
pub(crate) fn heard() -> Key {
    Key { pk: "OPERATOR".into(), sk: "HEARD".into() }
}

/// What is known of a push certificate's connection to APNs.
pub(crate) fn apns_status(tenant: &TenantId, certificate: &Fingerprint) -> Key {
    Key { pk: format!("TENANT#{tenant}#APNS"), sk: certificate.to_string() }
}

/// What pushes to a tenant's devices come to.
pub(crate) fn delivery(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}#DELIVERY"), sk: "DELIVERY".into() }
}

/// A channel's part of a key. `#` separates key parts, so that a user's name must not bring one in.
fn channel(id: &EnrollmentId) -> String {
    match id.user_id() {
        None => "device".to_owned(),
        Some(user) => format!("user:{}", user.replace('%', "%25").replace('#', "%23")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::QueuedCommand;
    use crate::time::from_unix;

    #[test]
    fn the_queue_is_ordered_by_priority_then_age() {
        let position = |priority, seconds| {
            let waiting = QueuedCommand::fixture(EnrollmentId::device("A").unwrap());
            queue_position(&QueuedCommand { priority, created_at: from_unix(seconds), ..waiting })
        };
        let mut order = [position(5, 20), position(5, 10), position(9, 30), position(0, 1)];
        order.sort();
        assert_eq!(order, [position(9, 30), position(5, 10), position(5, 20), position(0, 1)]);
    }

    #[test]
    fn no_users_name_reaches_into_anothers_queue() {
        let device = EnrollmentId::device("A").unwrap();
        let plain = device.clone().with_user("a").unwrap();
        let crafted = device.with_user("a#0000000001").unwrap();
        assert!(!queue_prefix(&crafted, 2).starts_with(&queue_prefix(&plain, 1)));
    }
}
