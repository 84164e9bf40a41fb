//! Who may sign in to the console.

use crate::domain::audit::AuditAction;
use crate::domain::contact::EmailAddress;
use crate::domain::member::{Member, tenants_role};
use crate::domain::sign_in_mail::welcome_mail;
use crate::domain::tenant::Tenant;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::port::mailer::Mail;
use crate::scope::{Actor, Operator, Realm, Role, Scope};
use crate::state::State;

/// Makes somebody a member of the scope's tenant, or gives a member another role. Who is new is told where to sign in.
///
/// # Errors
/// Malformed when the role is the operator's; Conflict for one's own role.
pub async fn set_member(state: &State, scope: &Scope, address: EmailAddress, role: Role) -> Result<Member> {
    let role = tenants_role(role)?;
    not_oneself(scope.into(), &address)?;
    let name = state.store.tenant(scope).await?.name;
    set(state, scope.into(), address, role, &name).await
}

/// Makes somebody the first administrator of a tenant that was just created.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn set_first_administrator(
    state: &State,
    operator: &Operator,
    tenant: &Tenant,
    address: EmailAddress,
) -> Result<Member> {
    let scope = operator.within(tenant.id.clone());
    set(state, (&scope).into(), address, Role::Admin, &tenant.name).await
}

/// Makes somebody an operator of this server.
///
/// # Errors
/// Conflict for one's own role; Unavailable when the store does not answer.
pub async fn set_operator(state: &State, operator: &Operator, address: EmailAddress) -> Result<Member> {
    not_oneself(operator.into(), &address)?;
    set(state, operator.into(), address, Role::Operator, "this server").await
}

/// Makes somebody an operator at the installation, when nobody could have signed in before.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn install_operator(state: &State, address: EmailAddress) -> Result<()> {
    let operator = Operator::system("installation");
    let member = Member { address, role: Role::Operator, added_at: state.clock.now() };
    let audit = state.audit(&operator, AuditAction::MemberSet).with("address", &member.address);
    state.store.put_member((&operator).into(), &member, &audit).await.map(drop)
}

async fn set(
    state: &State,
    realm: Realm<'_>,
    address: EmailAddress,
    role: Role,
    name: &str,
) -> Result<Member> {
    let member = Member { address, role, added_at: state.clock.now() };
    let audit = state
        .audit(realm, AuditAction::MemberSet)
        .with("address", &member.address)
        .with("role", format!("{role:?}"));
    if state.store.put_member(realm, &member, &audit).await? {
        welcome(state, realm, &member, name).await;
    }
    Ok(member)
}

/// They can sign in all the same when the mail fails.
async fn welcome(state: &State, realm: Realm<'_>, member: &Member, name: &str) {
    let words = welcome_mail(name, &format!("{}/console", state.config.base_url));
    let mail =
        Mail { to: member.address.to_string(), subject: words.subject, text: words.text, html: words.html };
    let owner = match realm {
        Realm::Tenant(scope) => Owner::Tenant(scope.tenant().clone()),
        Realm::Operator(_) => Owner::Operator,
    };
    if let Err(error) = state.send_mail(&owner, &mail).await {
        tracing::warn!(error = %error.chain(), "a new member was not told");
    }
}

/// Takes a membership away; it counts at the person's next page.
///
/// # Errors
/// NotFound when there is no such member; Conflict for oneself.
pub async fn remove_member(state: &State, realm: Realm<'_>, address: &EmailAddress) -> Result<()> {
    not_oneself(realm, address)?;
    let audit = state.audit(realm, AuditAction::MemberRemoved).with("address", address);
    state.store.delete_member(realm, address, &audit).await
}

/// Whoever lowers or removes themselves may leave nobody who can undo it.
fn not_oneself(realm: Realm<'_>, address: &EmailAddress) -> Result<()> {
    match realm.actor() {
        Actor::Member(own, _) if own == address.as_str() => {
            Err(Error::conflict("member-self", "Nobody changes or removes their own membership.")
                .next("Ask another administrator to do it."))
        }
        Actor::Member(..)
        | Actor::Support(..)
        | Actor::Token(..)
        | Actor::Device(_)
        | Actor::Link(_)
        | Actor::ScepClient
        | Actor::Address(_)
        | Actor::System(_) => Ok(()),
    }
}
