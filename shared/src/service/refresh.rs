//! A tenant's rule about what its devices are asked again.

use std::collections::BTreeMap;

use crate::domain::audit::AuditAction;
use crate::domain::refresh::RefreshRule;
use crate::error::Result;
use crate::scope::Scope;
use crate::state::State;

/// Replaces the rule: hours by Apple's RequestType; none switches it off. It takes effect with the next sweep.
///
/// # Errors
/// Malformed, naming the field; Conflict when somebody else changed it at the same moment.
pub async fn change_refresh(
    state: &State,
    scope: &Scope,
    hours: &BTreeMap<String, u32>,
) -> Result<RefreshRule> {
    let before = state.store.refresh_rule(scope).await?;
    let rule = before.replaced_by(hours, state.clock.now())?;
    let named: Vec<String> = hours.iter().map(|(query, hours)| format!("{query} {hours}")).collect();
    let audit = state.audit(scope, AuditAction::RefreshChanged).with("queries", named.join(", "));
    state.store.put_refresh_rule(scope, &rule, &audit).await?;
    Ok(rule)
}
