//! Who looks at the console, and what they may do: from the session's cookie.

use std::net::IpAddr;

use super::limits::count;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::contact::EmailAddress;
use crate::domain::limit::{Counted, Limit};
use crate::domain::openid::OpenidProvider;
use crate::domain::rights::{self, Right};
use crate::domain::session::{Session, Voucher, form_token, is_form_token};
use crate::domain::tenant::Tenant;
use crate::domain::token::{Owner, hash};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::{Actor, Operator, Role, Scope};
use crate::secret::Secret;
use crate::state::State;
use crate::store::Membership;
use crate::time::Timestamp;

/// Somebody who signed in.
#[derive(Clone, Debug)]
pub struct Visitor {
    secret: Secret<String>,
    session: Session,
    memberships: Vec<Membership>,
    origin: Option<IpAddr>,
}

/// The way into a tenant.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The tenant, and the proof that the visitor may act within it.
    pub scope: Scope,
    /// The tenant's record.
    pub tenant: Tenant,
    /// Whether the visitor is no member, but the operator's support.
    pub is_support: bool,
}

/// Proves a session's secret. Two reads in series; a write every five minutes at most.
///
/// # Errors
/// Unauthenticated when there is no such session, it is over, or its owner is no member of anything any more.
pub async fn authenticate_visitor(
    state: &State,
    secret: Secret<String>,
    origin: Option<IpAddr>,
) -> Result<Visitor> {
    let now = state.clock.now();
    let hash = hash(&secret);
    let session = state.store.session(&hash).await?.ok_or_else(over)?;
    let person = state.store.person(&session.address).await?;
    if session.is_over(now, person.signed_out_at) || person.memberships.is_empty() {
        return Err(over());
    }
    if session.is_worth_noting(now) {
        state.store.note_session(&hash, now).await?;
    }
    let mut memberships = person.memberships;
    if let Some(Voucher { tenant, .. }) = &session.vouched_by {
        // An organization's identity provider says who is who there, and nowhere else.
        memberships.retain(|membership| membership.owner == Owner::Tenant(tenant.clone()));
    }
    Ok(Visitor { secret, session, memberships, origin })
}

/// Ends this session.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn sign_out(state: &State, visitor: &Visitor) -> Result<()> {
    state.store.end_session(&hash(&visitor.secret)).await
}

/// Ends all of the visitor's sessions, this one too.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn sign_out_everywhere(state: &State, visitor: &Visitor) -> Result<()> {
    tracing::info!(address = %visitor.session.address, "a member signed out everywhere");
    state.store.sign_out_everywhere(&visitor.session.address, state.clock.now()).await
}

impl Visitor {
    /// Who.
    pub fn address(&self) -> &EmailAddress {
        &self.session.address
    }

    /// Since when they are signed in here.
    pub fn since(&self) -> Timestamp {
        self.session.created_at
    }

    /// The issuer that vouched for them; none where a mailed code did.
    pub fn came_by(&self) -> Option<&str> {
        self.session.vouched_by.as_ref().map(|voucher| voucher.issuer.as_str())
    }

    /// What they are a member of.
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// What the session's forms carry.
    pub fn form_token(&self) -> String {
        form_token(&self.secret)
    }

    /// Takes a form if it is the session's own, and counts it.
    ///
    /// # Errors
    /// Forbidden when another site may have sent it; RateLimited when this person sent as many as they may.
    pub async fn take_form(&self, state: &State, given: &str) -> Result<()> {
        if !is_form_token(&self.secret, given) {
            return Err(foreign_form());
        }
        // The role stands in no count: one person has one, whatever they may do where.
        count(state, Limit::Changes, Counted::actor(&self.actor(Role::Viewer))).await
    }

    /// The operator's right.
    ///
    /// # Errors
    /// NotFound for anyone else.
    pub fn operator(&self) -> Result<Operator> {
        self.role_for(&Owner::Operator)
            .map(|role| Operator::authenticated(self.actor(role), self.origin))
            .ok_or_else(|| Error::not_found("page"))
    }

    /// The way into `tenant`, for whoever has this right there: as its member, or as support while the tenant allows it.
    /// The audit log says once that the session came.
    ///
    /// # Errors
    /// NotFound when the visitor is neither, or there is no such tenant: they look alike; Forbidden without the right;
    /// Unauthenticated (`organization-sign-in`) when the tenant wants its own provider's word about its members.
    pub async fn within(&self, state: &State, tenant: TenantId, needs: Right) -> Result<Entry> {
        if self.role_for(&Owner::Tenant(tenant.clone())).is_none() {
            return self.as_support(state, tenant, needs).await;
        }
        let scope = self.may(tenant, needs)?;
        let provider = state.store.openid_provider(&scope).await?;
        if !self.session.opens(provider.as_ref()) {
            return Err(provider.as_ref().map_or_else(over, another_way));
        }
        if !self.session.entered.contains(scope.tenant()) {
            let audit = state
                .audit(&scope, AuditAction::MemberEntered)
                .with("signed_in_by", self.came_by().unwrap_or("mailed code"));
            state.store.note_entry(&scope, &hash(&self.secret), &audit).await?;
        }
        let tenant = state.store.tenant(&scope).await?;
        Ok(Entry { scope, tenant, is_support: false })
    }

    /// A member's right without a visit: nothing is written down.
    ///
    /// # Errors
    /// NotFound when the visitor is no member; Forbidden without the right.
    pub fn may(&self, tenant: TenantId, needs: Right) -> Result<Scope> {
        let role = self.role_for(&Owner::Tenant(tenant.clone())).ok_or_else(|| Error::not_found("tenant"))?;
        let actor = self.actor(role);
        rights::check(&actor, needs)?;
        Ok(Scope::authenticated(tenant, actor).from(self.origin))
    }

    /// What the tenant allows is read anew for each page, from the record that each page reads anyway.
    async fn as_support(&self, state: &State, id: TenantId, needs: Right) -> Result<Entry> {
        let hidden = || Error::not_found("tenant");
        let operator = self.operator().map_err(|_| hidden())?;
        let tenant = state.store.tenant(&operator.within(id.clone())).await?;
        let access = tenant.open_support(state.clock.now()).ok_or_else(hidden)?;
        let actor = Actor::Support(self.session.address.to_string(), access.level);
        rights::check(&actor, needs)?;
        let scope = Scope::authenticated(id, actor).from(self.origin);
        let mark = format!("{}@{}", tenant.id, access.from);
        if !self.session.supported.contains(&mark) {
            let entry = |audit: AuditEntry| {
                audit
                    .with("tenant", &tenant.id)
                    .with("allowed_by", &access.allowed_by)
                    .with("until", access.until)
            };
            let audit = entry(state.audit(&scope, AuditAction::SupportEntered));
            let operators = entry(state.audit(&operator, AuditAction::SupportEntered));
            let (tenants, operators) = ((&scope, &audit), (&operator, &operators));
            state.store.note_support(tenants, operators, &hash(&self.secret), &mark).await?;
        }
        Ok(Entry { scope, tenant, is_support: true })
    }

    fn role_for(&self, owner: &Owner) -> Option<Role> {
        self.memberships.iter().find(|membership| membership.owner == *owner).map(|found| found.role)
    }

    fn actor(&self, role: Role) -> Actor {
        Actor::Member(self.session.address.to_string(), role)
    }
}

/// What a form is told that is not of this session.
pub fn foreign_form() -> Error {
    Error::forbidden("foreign-form", "This form was not sent from a page of this session.")
        .next("Open the page again and repeat what you did.")
}

fn another_way(provider: &OpenidProvider) -> Error {
    let message = format!("Your organization signs in with {}.", provider.name());
    Error::unauthenticated("organization-sign-in", message).next("Sign in there.")
}

fn over() -> Error {
    Error::unauthenticated("session", "You are not signed in, or not any more.").next("Sign in.")
}
