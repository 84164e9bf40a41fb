//! The rule about what devices are asked again.

use std::collections::HashMap;

use serde_json::Value;

use super::keys::{self, Key};
use super::{NEW, Store, item, number, put_item_part};
use crate::domain::audit::AuditEntry;
use crate::domain::inactivity::InactivityRule;
use crate::domain::refresh::RefreshRule;
use crate::error::{Error, Result};
use crate::scope::Scope;

impl Store {
    /// The rule; an empty one where none was made.
    pub async fn refresh_rule(&self, scope: &Scope) -> Result<RefreshRule> {
        let kept = self.get(&self.tables.core, &keys::refresh_rule(scope.tenant())).await?;
        Ok(kept.unwrap_or_default())
    }

    /// Keeps a rule over the version before it.
    ///
    /// # Errors
    /// Conflict when somebody changed it meanwhile.
    pub async fn put_refresh_rule(
        &self,
        scope: &Scope,
        rule: &RefreshRule,
        audit: &AuditEntry,
    ) -> Result<()> {
        let (condition, values) = match rule.version {
            1 => (NEW, HashMap::new()),
            next => ("version = :before", HashMap::from([(":before".to_owned(), number(next - 1))])),
        };
        let kept = item(&keys::refresh_rule(scope.tenant()), rule)?;
        let put = put_item_part(&self.tables.core, kept, Some(condition), values)?;
        if self.write_if(vec![put, self.audit_part(scope, audit)?]).await? {
            return Ok(());
        }
        Err(Error::conflict("refresh-changed", "Somebody else changed the rule at the same time.")
            .next("Look at the present one and decide again."))
    }

    /// Both rules that a sweep needs, in one call; empty ones where none were made.
    pub async fn sweep_rules(&self, scope: &Scope) -> Result<(InactivityRule, RefreshRule)> {
        let wanted: [Key; 2] = [keys::inactivity_rule(scope.tenant()), keys::refresh_rule(scope.tenant())];
        let (mut inactivity, mut refresh) = (InactivityRule::default(), RefreshRule::default());
        let found: Vec<Value> = self.get_many(&self.tables.core, &wanted).await?;
        for rule in found {
            if rule["sk"] == wanted[0].sk {
                inactivity = serde_json::from_value(rule).map_err(Error::internal)?;
            } else {
                refresh = serde_json::from_value(rule).map_err(Error::internal)?;
            }
        }
        Ok((inactivity, refresh))
    }
}
