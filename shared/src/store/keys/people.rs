//! Keys of people: members, sessions, codes.

use super::{Key, token_partition};
use crate::domain::contact::EmailAddress;
use crate::domain::limit::{Counted, Limit};
use crate::domain::token::Owner;
use crate::id::TenantId;
use crate::time::Timestamp;

pub(crate) const MEMBER_PREFIX: &str = "MEMBER#";

/// A member, as the tenant or the operator lists them.
pub(crate) fn console_member(owner: &Owner, address: &EmailAddress) -> Key {
    Key { pk: token_partition(owner), sk: format!("{MEMBER_PREFIX}{address}") }
}

pub(crate) const PERSON_PREFIX: &str = "PERSON#";

/// All that one person is a member of, and when they signed out everywhere.
pub(crate) fn person_partition(address: &EmailAddress) -> String {
    format!("{PERSON_PREFIX}{address}")
}

/// A membership, as the person has it.
pub(crate) fn membership(address: &EmailAddress, owner: &Owner) -> Key {
    Key { pk: person_partition(address), sk: format!("{MEMBER_PREFIX}{}", token_partition(owner)) }
}

/// When a person signed out everywhere.
pub(crate) fn signed_out(address: &EmailAddress) -> Key {
    Key { pk: person_partition(address), sk: "OUT".into() }
}

/// A session, by the hash of its secret.
pub(crate) fn session(hash: &str) -> Key {
    Key { pk: format!("SESSION#{hash}"), sk: "SESSION".into() }
}

/// A code on its way, by the hash of the asking browser's secret.
pub(crate) fn sign_in(hash: &str) -> Key {
    Key { pk: format!("SIGNIN#{hash}"), sk: "SIGNIN".into() }
}

/// The provider by which a tenant's members sign in.
pub(crate) fn openid_provider(tenant: &TenantId) -> Key {
    Key { pk: format!("TENANT#{tenant}"), sk: "OPENID".into() }
}

/// Somebody on the way to a tenant's provider and back, by the hash of what comes back with them.
pub(crate) fn openid_attempt(tenant: &TenantId, state: &str) -> Key {
    Key { pk: format!("TENANT#{tenant}#OPENID#{state}"), sk: "ATTEMPT".into() }
}

/// How many codes were mailed to an address in an hour since the epoch.
pub(crate) fn codes_mailed(address: &EmailAddress, hour: i64) -> Key {
    Key { pk: person_partition(address), sk: format!("CODES#{hour}") }
}

/// What somebody did in a stretch of time.
pub(crate) fn counted(limit: Limit, who: &Counted, now: Timestamp) -> Key {
    Key { pk: format!("LIMIT#{}#{who}", limit.name()), sk: limit.window(now).to_string() }
}
