//! Extractors: whose page it is, and a form that somebody sent from one.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use shared::domain::rights::{self, Right};
use shared::domain::tenant::Tenant;
use shared::error::{Error, Result};
use shared::http::{origin, path_part};
use shared::id::TenantId;
use shared::scope::{Operator, Scope};
use shared::service::authenticate_visitor::{Entry, Visitor, authenticate_visitor, foreign_form};
use shared::state::AppState;
use url::form_urlencoded;

use crate::cookie;
use crate::fields::Fields;
use crate::refusal::Refusal;

/// Somebody who signed in looks at a page that belongs to no tenant.
pub(crate) struct Signed {
    /// What the function holds.
    pub(crate) state: AppState,
    /// Who.
    pub(crate) visitor: Visitor,
    /// The query's parts.
    pub(crate) query: BTreeMap<String, String>,
}

/// A member, or support, looks at a page of a tenant.
pub(crate) struct Look {
    /// What the function holds.
    pub(crate) state: AppState,
    /// Who.
    pub(crate) visitor: Visitor,
    /// The tenant, and the proof that they may look at it.
    pub(crate) scope: Scope,
    /// Whether it is no member who looks, but the operator's support.
    pub(crate) is_support: bool,
    /// The tenant's record.
    pub(crate) tenant: Tenant,
    /// The query's parts.
    pub(crate) query: BTreeMap<String, String>,
}

/// An administrator of the tenant's own sent a form. Support may not, whatever it was allowed: a form that support may send,
/// too, says so by taking [`SharedAct`].
pub(crate) struct Act {
    /// From where.
    pub(crate) look: Look,
    /// What it says.
    pub(crate) fields: Fields,
}

/// An administrator sent a form, or support that may change things.
pub(crate) struct SharedAct(pub(crate) Act);

/// The same, or the help desk: a form of the daily work on one device.
pub(crate) struct HelpAct(pub(crate) Act);

/// An operator looks at a page of theirs.
pub(crate) struct OperatorLook {
    /// Who, and from where.
    pub(crate) signed: Signed,
    /// The proof.
    pub(crate) operator: Operator,
}

/// An operator sent a form.
pub(crate) struct OperatorAct {
    /// From where.
    pub(crate) look: OperatorLook,
    /// What it says.
    pub(crate) fields: Fields,
}

/// Somebody who signed in sent a form that belongs to no tenant.
pub(crate) struct SignedAct {
    /// Who, and from where.
    pub(crate) signed: Signed,
}

impl Look {
    /// A path under the tenant's own.
    pub(crate) fn path(&self, rest: &str) -> String {
        let separator = if rest.is_empty() { "" } else { "/" };
        format!("/console/{}{separator}{rest}", self.tenant.id)
    }

    /// Whether they may change things: what takes a [`SharedAct`].
    pub(crate) fn may_change(&self) -> bool {
        self.check(Right::Manage).is_ok()
    }

    /// Whether they may do the daily work on a device: what takes a [`HelpAct`].
    pub(crate) fn may_help(&self) -> bool {
        self.check(Right::Help).is_ok()
    }

    /// Whether they may do what is for the tenant's own people alone: what takes an [`Act`].
    pub(crate) fn may_own(&self) -> bool {
        self.check(Right::Own).is_ok()
    }

    /// Whether they may do this.
    ///
    /// # Errors
    /// Forbidden, naming who may.
    pub(crate) fn check(&self, right: Right) -> Result<()> {
        rights::check(self.scope.actor(), right)
    }
}

impl FromRequestParts<AppState> for Signed {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        signed(parts, state).await.map_err(|error| Refusal::new(error, parts))
    }
}

impl FromRequestParts<AppState> for Look {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        look(parts, state, Right::Look).await.map_err(|error| Refusal::new(error, parts))
    }
}

impl FromRequestParts<AppState> for OperatorLook {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        operator(parts, state).await.map_err(|error| Refusal::new(error, parts))
    }
}

impl FromRequest<AppState> for Act {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        act(request, state, Right::Own).await
    }
}

impl FromRequest<AppState> for SharedAct {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        act(request, state, Right::Manage).await.map(Self)
    }
}

impl FromRequest<AppState> for HelpAct {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        act(request, state, Right::Help).await.map(Self)
    }
}

async fn act(request: Request, state: &AppState, needs: Right) -> Result<Act, Refusal> {
    let (mut parts, body) = request.into_parts();
    // Who lacks the right is told so before anything is read.
    let look = look(&mut parts, state, needs).await.map_err(|error| Refusal::new(error, &parts))?;
    let refuse = Refusal::maker(&parts);
    let fields = own_form(&look.visitor, Request::from_parts(parts, body), state).await.map_err(refuse)?;
    Ok(Act { look, fields })
}

impl FromRequest<AppState> for OperatorAct {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let look = operator(&mut parts, state).await.map_err(|error| Refusal::new(error, &parts))?;
        let refuse = Refusal::maker(&parts);
        let request = Request::from_parts(parts, body);
        let fields = own_form(&look.signed.visitor, request, state).await.map_err(refuse)?;
        Ok(Self { look, fields })
    }
}

impl FromRequest<AppState> for SignedAct {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let signed = signed(&mut parts, state).await.map_err(|error| Refusal::new(error, &parts))?;
        let refuse = Refusal::maker(&parts);
        own_form(&signed.visitor, Request::from_parts(parts, body), state).await.map_err(refuse)?;
        Ok(Self { signed })
    }
}

async fn signed(parts: &mut Parts, state: &AppState) -> Result<Signed> {
    let secret = cookie::read(state, &parts.headers, cookie::SESSION)
        .ok_or_else(|| Error::unauthenticated("session", "You are not signed in.").next("Sign in."))?;
    let visitor = authenticate_visitor(state, secret, origin(parts)).await?;
    let query = parts.uri.query().unwrap_or_default();
    Ok(Signed {
        state: state.clone(),
        visitor,
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
    })
}

async fn look(parts: &mut Parts, state: &AppState, needs: Right) -> Result<Look> {
    let Signed { state, visitor, query } = signed(parts, state).await?;
    let named = path_part(parts, "tenant").await?;
    let tenant: TenantId = named.parse().map_err(|_| Error::not_found("tenant"))?;
    let Entry { scope, tenant, is_support } = visitor.within(&state, tenant, needs).await?;
    Ok(Look { state, visitor, scope, is_support, tenant, query })
}

async fn operator(parts: &mut Parts, state: &AppState) -> Result<OperatorLook> {
    let signed = signed(parts, state).await?;
    let operator = signed.visitor.operator()?;
    Ok(OperatorLook { signed, operator })
}

/// Reads a form and makes sure that it comes from a page of this session.
async fn own_form(visitor: &Visitor, request: Request, state: &AppState) -> Result<Fields> {
    from_here(request.headers(), &state.config.base_url)?;
    let fields = Fields::read(request, state).await?;
    visitor.take_form(state, &fields.text(FORM_TOKEN)).await?;
    Ok(fields)
}

/// The field that every form of a session carries.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// Refuses what a page of another site sent: current browsers say so by themselves
/// (<https://www.w3.org/TR/fetch-metadata/>). For others there is the form's token.
///
/// # Errors
/// Forbidden when another site's page sent it.
pub(crate) fn from_here(headers: &HeaderMap, base_url: &str) -> Result<()> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign_site = value("sec-fetch-site").is_some_and(|site| !["same-origin", "none"].contains(&site));
    let foreign_origin =
        value(header::ORIGIN.as_str()).is_some_and(|origin| origin != base_url && origin != "null");
    if foreign_site || foreign_origin { Err(foreign_form()) } else { Ok(()) }
}

fn place(parts: &Parts) -> String {
    parts.uri.path_and_query().map_or_else(String::new, ToString::to_string)
}

/// Where to go after signing in: the page itself, or the one that a form stood on.
pub(crate) fn way_back(parts: &Parts) -> Option<String> {
    (parts.method == Method::GET).then(|| place(parts))
}
