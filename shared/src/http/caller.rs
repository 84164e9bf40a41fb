//! Extractors that turn a bearer token into the right to act.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;

use super::{Problem, path_part};
use crate::domain::rights::Right;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::{Operator, Scope};
use crate::service::authenticate_caller::{Caller, authenticate_caller};
use crate::state::AppState;

/// The operator calls.
#[derive(Clone, Debug)]
pub struct OperatorCaller(pub Operator);

/// Someone calls who may change things in the path's tenant.
#[derive(Clone, Debug)]
pub struct AdminScope(pub Scope);

/// Someone calls who may do the daily work on the devices of the path's tenant: an admin, or the help desk.
#[derive(Clone, Debug)]
pub struct HelpScope(pub Scope);

/// Someone calls who may read in the path's tenant.
#[derive(Clone, Debug)]
pub struct ViewerScope(pub Scope);

impl FromRequestParts<AppState> for OperatorCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        Ok(Self(caller(parts, state).await?.operator()?))
    }
}

impl FromRequestParts<AppState> for AdminScope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        Ok(scope(parts, state, Right::Manage).await.map(Self)?)
    }
}

impl FromRequestParts<AppState> for HelpScope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        Ok(scope(parts, state, Right::Help).await.map(Self)?)
    }
}

impl FromRequestParts<AppState> for ViewerScope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        Ok(scope(parts, state, Right::Look).await.map(Self)?)
    }
}

async fn caller(parts: &Parts, state: &AppState) -> Result<Caller> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let caller = authenticate_caller(state, header, origin(parts)).await?;
    if !parts.method.is_safe() {
        caller.count_change(state).await?;
    }
    Ok(caller)
}

/// The caller's address: API Gateway's word on Lambda, the socket's elsewhere. A header that anyone can send is not asked.
pub fn origin(parts: &Parts) -> Option<IpAddr> {
    if let Some(RequestContext::ApiGatewayV2(context)) = parts.extensions.get::<RequestContext>() {
        return context.http.source_ip.as_deref()?.parse().ok();
    }
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
}

async fn scope(parts: &mut Parts, state: &AppState, needs: Right) -> Result<Scope> {
    // Who calls comes first: what the path names is nobody's business before that.
    let caller = caller(parts, state).await?;
    let tenant: TenantId =
        path_part(parts, "tenant").await.map_err(|_| Error::not_found("tenant"))?.parse()?;
    caller.within(state, tenant, needs).await
}
