//! A tenant as the operator sees it: what it is and whom it names, no device.

use super::confirm_contact::recipients;
use crate::domain::expiry::Recipient;
use crate::domain::openid::OpenidProvider;
use crate::domain::tenant::Tenant;
use crate::error::Result;
use crate::id::TenantId;
use crate::scope::Operator;
use crate::state::State;
use crate::time::Timestamp;

/// What the operator sees of a tenant.
#[derive(Clone, Debug)]
pub struct TenantFacts {
    /// Its record.
    pub tenant: Tenant,
    /// Who hears of what expires.
    pub contacts: Vec<Recipient>,
    /// When its push certificate ends, if it has one.
    pub push_ends: Option<Timestamp>,
    /// The provider by which its members sign in.
    pub provider: Option<OpenidProvider>,
}

/// What the operator sees of a tenant.
///
/// # Errors
/// NotFound.
pub async fn show_tenant(state: &State, operator: &Operator, id: TenantId) -> Result<TenantFacts> {
    let scope = operator.within(id);
    let tenant = state.store.tenant(&scope).await?;
    let contacts = recipients(state, &scope, &tenant).await?;
    let certificates = state.store.push_certificates(&scope).await?;
    let push_ends = certificates.active().map(|active| active.certificate.not_after);
    let provider = state.store.openid_provider(&scope).await?;
    Ok(TenantFacts { tenant, contacts, push_ends, provider })
}
