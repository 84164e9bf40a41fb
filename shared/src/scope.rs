//! The proof of which tenant is meant.
//!
//! Every store call about a tenant's things takes a `&Scope`. Only an authenticator inside this crate can make one, so a
//! read across tenants does not compile.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{Fingerprint, LinkId, TenantId, TokenId};

/// What an API token, or a member, may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the server: creates tenants, installs the vendor certificate, may act for any tenant.
    Operator,
    /// Everything within one tenant.
    Admin,
    /// Reads within one tenant, never secrets, and does the daily work on one device at a time.
    #[serde(rename = "help-desk")]
    HelpDesk,
    /// Reads within one tenant, never secrets.
    Viewer,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The bearer of an API token.
    Token(TokenId, Role),
    /// Somebody who signed in to the console, by their address.
    Member(String, Role),
    /// An operator who looks into a tenant because the tenant allows it, by their address, and as what.
    Support(String, Role),
    /// A device, proven by the identity it signed with.
    Device(Fingerprint),
    /// Whoever holds an enrollment link.
    Link(LinkId),
    /// A SCEP client; what it may have is decided by the challenge or the certificate in its message.
    ScepClient,
    /// Whoever holds an address that nobody can guess, and what it is of.
    Address(&'static str),
    /// The server itself, and why.
    System(&'static str),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(id, _) => write!(f, "token:{id}"),
            Self::Member(address, _) => write!(f, "member:{address}"),
            Self::Support(address, _) => write!(f, "support:{address}"),
            Self::Device(fingerprint) => write!(f, "device:{fingerprint}"),
            Self::Link(id) => write!(f, "link:{id}"),
            Self::ScepClient => f.write_str("scep"),
            Self::Address(what) => write!(f, "address:{what}"),
            Self::System(why) => write!(f, "system:{why}"),
        }
    }
}

/// The proof that the actor runs this server.
#[derive(Clone, Debug)]
pub struct Operator {
    actor: Actor,
    origin: Option<IpAddr>,
}

impl Operator {
    /// The right of an actor who has just been verified to run this server.
    pub(crate) fn authenticated(actor: Actor, origin: Option<IpAddr>) -> Self {
        Self { actor, origin }
    }

    /// The right of background work, which no caller authenticated. `why` stands in the log.
    pub fn system(why: &'static str) -> Self {
        Self { actor: Actor::System(why), origin: None }
    }

    /// The operator's right to act within any tenant; whether there is such a tenant is for the caller to ask.
    pub(crate) fn within(&self, tenant: TenantId) -> Scope {
        Scope { tenant, actor: self.actor.clone(), origin: self.origin }
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// Whose affairs something belongs to, with the proof that the actor may act in them.
#[derive(Clone, Copy, Debug)]
pub enum Realm<'a> {
    /// A tenant's.
    Tenant(&'a Scope),
    /// The operator's own.
    Operator(&'a Operator),
}

impl Realm<'_> {
    /// Its name in seals and exports: the tenant's identifier, which is longer than `operator`.
    pub fn name(&self) -> &str {
        match self {
            Self::Tenant(scope) => scope.tenant.as_str(),
            Self::Operator(_) => "operator",
        }
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        match self {
            Self::Tenant(scope) => &scope.actor,
            Self::Operator(operator) => &operator.actor,
        }
    }

    /// From which address the actor acts, where one is known.
    pub fn origin(&self) -> Option<IpAddr> {
        match self {
            Self::Tenant(scope) => scope.origin,
            Self::Operator(operator) => operator.origin,
        }
    }
}

impl<'a> From<&'a Scope> for Realm<'a> {
    fn from(scope: &'a Scope) -> Self {
        Self::Tenant(scope)
    }
}

impl<'a> From<&'a Operator> for Realm<'a> {
    fn from(operator: &'a Operator) -> Self {
        Self::Operator(operator)
    }
}

/// A tenant, and the proof that the actor may act within it.
#[derive(Clone, Debug)]
pub struct Scope {
    tenant: TenantId,
    actor: Actor,
    origin: Option<IpAddr>,
}

impl Scope {
    /// A scope for an actor whose right to act within `tenant` has just been verified.
    pub(crate) fn authenticated(tenant: TenantId, actor: Actor) -> Self {
        Self { tenant, actor, origin: None }
    }

    /// A scope for background work, which no caller authenticated. `why` stands in the log.
    pub fn system(tenant: TenantId, why: &'static str) -> Self {
        Self { tenant, actor: Actor::System(why), origin: None }
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The same scope, for an actor whose address is known.
    #[must_use]
    pub(crate) fn from(self, origin: Option<IpAddr>) -> Self {
        Self { origin, ..self }
    }

    /// From which address the actor acts, where one is known.
    pub fn origin(&self) -> Option<IpAddr> {
        self.origin
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}
