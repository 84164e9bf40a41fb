//! A tenant's rule about silent devices: looking at it, changing it, trying it without consequences.

use crate::domain::audit::AuditAction;
use crate::domain::inactivity::{CONFIRMED_HOURS, CalendarException, InactivityRule, SilentFor, WaitingLock};
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;
use crate::time::SignedDuration;

/// Devices named in a preview.
const NAMED: usize = 100;
/// Enrollments read in one go.
const PAGE: i32 = 100;

/// A rule as a person writes it.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// After how long a silent device is inactive.
    pub after: SilentFor,
    /// Most devices that become inactive in a day.
    pub daily_cap: u32,
    /// When silence does not count.
    pub exceptions: Vec<CalendarException>,
    /// Queued for a device that becomes inactive.
    pub device_lock: Option<WaitingLock>,
}

/// What a rule would do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// How many devices have been silent for too long.
    pub would_hit: u64,
    /// Of how many enrolled ones.
    pub devices: u64,
    /// The first of them.
    pub first: Vec<EnrollmentId>,
    /// Whether they are so many that the rule would rest until somebody confirms.
    pub held: bool,
}

impl NewRule {
    fn over(self, before: Option<&InactivityRule>) -> Result<InactivityRule> {
        let rule = InactivityRule {
            after: self.after,
            daily_cap: self.daily_cap,
            exceptions: self.exceptions,
            device_lock: self.device_lock,
            version: before.map_or(0, |before| before.version) + 1,
            confirmed_until: None,
            held: None,
        };
        rule.check()?;
        Ok(rule)
    }
}

/// The tenant's rule; one of no consequence where none was made.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn inactivity_rule(state: &State, scope: &Scope) -> Result<InactivityRule> {
    Ok(state
        .store
        .inactivity_rule(scope)
        .await?
        .unwrap_or(InactivityRule { daily_cap: DEFAULT_CAP, ..InactivityRule::default() }))
}

/// The daily cap of a rule that names none.
pub const DEFAULT_CAP: u32 = 50;

/// Replaces the rule and returns the new one.
///
/// # Errors
/// Malformed, naming the field; Conflict when somebody else changed it at the same moment.
pub async fn change_inactivity_rule(state: &State, scope: &Scope, new: NewRule) -> Result<InactivityRule> {
    let before = state.store.inactivity_rule(scope).await?;
    let rule = new.over(before.as_ref())?;
    write(state, scope, AuditAction::InactivityRuleChanged, rule).await
}

/// What a rule would do now: the one given, or the tenant's own. Nothing changes.
///
/// # Errors
/// Malformed, naming the field.
pub async fn preview_inactivity(state: &State, scope: &Scope, new: Option<NewRule>) -> Result<Preview> {
    let rule = match new {
        Some(new) => new.over(None)?,
        None => inactivity_rule(state, scope).await?,
    };
    preview(state, scope, &rule).await
}

/// Says that so many devices are silent indeed: for a day the rule does not rest.
///
/// # Errors
/// Conflict when it is another number of devices by now, or when somebody changed the rule at the same moment.
pub async fn confirm_inactivity(state: &State, scope: &Scope, devices: u64) -> Result<InactivityRule> {
    let rule = inactivity_rule(state, scope).await?;
    let would_hit = preview(state, scope, &rule).await?.would_hit;
    if would_hit != devices {
        return Err(Error::conflict(
            "inactivity-confirm",
            format!("The rule would make {would_hit} devices inactive, not {devices}."),
        )
        .at("devices")
        .next("Look at the preview again, and type its number."));
    }
    let until = state.clock.now() + SignedDuration::from_hours(CONFIRMED_HOURS);
    let rule = InactivityRule { version: rule.version + 1, confirmed_until: Some(until), held: None, ..rule };
    write(state, scope, AuditAction::InactivityConfirmed, rule).await
}

async fn preview(state: &State, scope: &Scope, rule: &InactivityRule) -> Result<Preview> {
    let now = state.clock.now();
    let mut preview = Preview::default();
    let mut after = None;
    loop {
        let (found, next) = state.store.list_enrollments(scope, after.as_deref(), PAGE).await?;
        for device in found.into_iter().filter(InactivityRule::counts) {
            preview.devices += 1;
            if rule.is_silent(&device, now) {
                preview.would_hit += 1;
                if preview.first.len() < NAMED {
                    preview.first.push(device.id);
                }
            }
        }
        if next.is_none() {
            break;
        }
        after = next;
    }
    preview.held = rule.is_held(preview.would_hit, preview.devices, now);
    Ok(preview)
}

async fn write(
    state: &State,
    scope: &Scope,
    action: AuditAction,
    rule: InactivityRule,
) -> Result<InactivityRule> {
    let after = serde_json::to_value(rule.after).map_err(Error::internal)?;
    let audit = state
        .audit(scope, action)
        .with("after", after.as_str().unwrap_or_default())
        .with("daily_cap", rule.daily_cap)
        .with("exceptions", rule.exceptions.len())
        .with("device_lock", rule.device_lock.is_some());
    if !state.store.write_inactivity_rule(scope, &rule, &audit).await? {
        return Err(Error::conflict("inactivity-changed", "The rule was changed at the same moment.")
            .next("Look at it again and repeat the change."));
    }
    Ok(rule)
}
