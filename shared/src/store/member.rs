//! Who may sign in: each membership stands with its tenant and with its person, written together.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::keys::{self, MEMBER_PREFIX};
use super::token::delete_part;
use super::{Store, item, put_item_part, put_part, read, value};
use crate::domain::audit::AuditEntry;
use crate::domain::contact::EmailAddress;
use crate::domain::member::Member;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::{Realm, Role};
use crate::time::Timestamp;

/// What somebody is, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// For whom.
    pub owner: Owner,
    /// As what.
    pub role: Role,
}

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// What they are a member of.
    pub memberships: Vec<Membership>,
    /// When they signed out everywhere.
    pub signed_out_at: Option<Timestamp>,
}

/// What stands with the person; without a tenant it is the operator's.
#[derive(Serialize, Deserialize)]
struct MembershipRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<TenantId>,
    role: Role,
}

#[derive(Serialize, Deserialize)]
struct SignedOut {
    signed_out_at: Timestamp,
}

impl Store {
    /// Makes somebody a member, or gives them another role. `Ok(false)` when they have that role.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn put_member(&self, realm: Realm<'_>, member: &Member, audit: &AuditEntry) -> Result<bool> {
        let owner = owner(realm);
        let of = match realm {
            Realm::Tenant(scope) => Some(scope.tenant().clone()),
            Realm::Operator(_) => None,
        };
        let values = HashMap::from([(":role".to_owned(), value(member.role)?)]);
        let listed = item(&keys::console_member(&owner, &member.address), member)?;
        let other = "attribute_not_exists(pk) OR NOT (#role = :role)";
        let parts = vec![
            put_item_part(&self.tables.core, listed, Some(other), values)?,
            put_part(
                &self.tables.core,
                &keys::membership(&member.address, &owner),
                &MembershipRecord { of, role: member.role },
                None,
            )?,
            self.audit_part(realm, audit)?,
        ];
        self.write_if(parts).await
    }

    /// Takes a membership away; it counts at the person's next page.
    ///
    /// # Errors
    /// NotFound when there is no such member.
    pub async fn delete_member(
        &self,
        realm: Realm<'_>,
        address: &EmailAddress,
        audit: &AuditEntry,
    ) -> Result<()> {
        let (owner, core) = (owner(realm), &self.tables.core);
        let parts = vec![
            delete_part(core, &keys::console_member(&owner, address), Some("attribute_exists(pk)"))?,
            delete_part(core, &keys::membership(address, &owner), None)?,
            self.audit_part(realm, audit)?,
        ];
        if self.write_if(parts).await? { Ok(()) } else { Err(Error::not_found("member")) }
    }

    /// Every member of a tenant, or every operator, by address.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn console_members(&self, realm: Realm<'_>) -> Result<Vec<Member>> {
        let pk = keys::token_partition(&owner(realm));
        self.partition(&self.tables.core, &pk, MEMBER_PREFIX).await?.into_iter().map(read).collect()
    }

    /// What is known of whoever reads the mails at `address`.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn person(&self, address: &EmailAddress) -> Result<Person> {
        let mut person = Person::default();
        for item in self.partition(&self.tables.core, &keys::person_partition(address), "").await? {
            if item.contains_key("signed_out_at") {
                person.signed_out_at = Some(read::<SignedOut>(item)?.signed_out_at);
            } else {
                let MembershipRecord { of, role } = read(item)?;
                let owner = of.map_or(Owner::Operator, Owner::Tenant);
                person.memberships.push(Membership { owner, role });
            }
        }
        Ok(person)
    }

    /// Ends every session of a person that began until `now`.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn sign_out_everywhere(&self, address: &EmailAddress, now: Timestamp) -> Result<()> {
        let record = SignedOut { signed_out_at: now };
        self.put_if(put_part(&self.tables.core, &keys::signed_out(address), &record, None)?).await.map(drop)
    }
}

fn owner(realm: Realm<'_>) -> Owner {
    match realm {
        Realm::Tenant(scope) => Owner::Tenant(scope.tenant().clone()),
        Realm::Operator(_) => Owner::Operator,
    }
}
