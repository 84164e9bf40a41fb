//! Letting the operator's support look into a tenant's console: asked for by an operator, allowed and ended by the tenant.

use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::rights::{self, Right};
use crate::domain::support::{SupportAccess, SupportQuestion, person};
use crate::domain::support_mail::support_mail;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::port::mailer::Mail;
use crate::scope::{Actor, Operator, Role, Scope};
use crate::state::State;

/// What a tenant wants to allow.
#[derive(Clone, Debug)]
pub struct NewSupportAccess {
    /// As what.
    pub level: Role,
    /// For how many hours from now.
    pub hours: u32,
    /// What for.
    pub note: String,
}

/// Lets support in, in place of what was allowed before.
///
/// # Errors
/// Malformed, naming the field; Forbidden for the operator itself.
pub async fn allow_support(state: &State, scope: &Scope, new: NewSupportAccess) -> Result<SupportAccess> {
    check_own(scope)?;
    let now = state.clock.now();
    let access = SupportAccess::new(new.level, new.hours, &new.note, scope.actor().to_string(), now)?;
    let audit = state
        .audit(scope, AuditAction::SupportAllowed)
        .with("level", role_name(access.level))
        .with("until", access.until);
    let audit = access.note.iter().fold(audit, |audit, note| audit.with("note", note));
    state.store.allow_support(scope, &access, &audit).await?;
    Ok(access)
}

/// Ends it at once: it counts at support's next page. Nothing happens where nothing is allowed.
///
/// # Errors
/// Forbidden for the operator itself; Unavailable when the store does not answer.
pub async fn end_support(state: &State, scope: &Scope) -> Result<()> {
    check_own(scope)?;
    let audit = state.audit(scope, AuditAction::SupportEnded);
    state.store.end_support(scope, &audit).await.map(drop)
}

/// Nobody may consent for the tenant who is asked about.
fn check_own(scope: &Scope) -> Result<()> {
    rights::check(scope.actor(), Right::Own)?;
    match scope.actor() {
        Actor::Token(_, Role::Operator) | Actor::Member(_, Role::Operator) => Err(Error::forbidden(
            "support-consent",
            "Only the tenant itself says whether support may look in.",
        )
        .next("Ask its administrators: the console's page of the tenant has a button for that.")),
        Actor::Token(..)
        | Actor::Member(..)
        | Actor::Support(..)
        | Actor::Device(_)
        | Actor::Link(_)
        | Actor::ScepClient
        | Actor::Address(_)
        | Actor::System(_) => Ok(()),
    }
}

/// Mails the tenant's administrators that an operator asks to be let in, and returns how many were told.
///
/// # Errors
/// NotFound; Malformed without a reason; RateLimited within an hour of the last question; Conflict when nobody could
/// allow it; Unavailable when no mail was taken.
pub async fn ask_for_support(
    state: &State,
    operator: &Operator,
    id: TenantId,
    reason: &str,
) -> Result<usize> {
    let scope = operator.within(id);
    let tenant = state.store.tenant(&scope).await?;
    let now = state.clock.now();
    let question = SupportQuestion::new(operator.actor().to_string(), reason, now)?;
    let members = state.store.console_members((&scope).into()).await?;
    let told: Vec<_> = members.into_iter().filter(|member| member.role == Role::Admin).collect();
    if told.is_empty() {
        return Err(Error::conflict("support-nobody", "The tenant has no administrator who could allow it.")
            .next("Make somebody its administrator with an API token of the tenant."));
    }
    let entry = |audit: AuditEntry| {
        audit.with("tenant", &tenant.id).with("reason", &question.reason).with("told", told.len())
    };
    let audit = entry(state.audit(&scope, AuditAction::SupportAsked));
    let operators = entry(state.audit(operator, AuditAction::SupportAsked));
    if !state.store.ask_support(&question, (&scope, &audit), (operator, &operators)).await? {
        let rest = tenant.support_asked.as_ref().and_then(|asked| asked.rests(now)).unwrap_or(1);
        return Err(Error::rate_limited("support-asked", "They were asked within the hour.", rest)
            .next("Wait for an answer, or ask again later."));
    }
    let page = format!("{}/console/{}/settings/support-access", state.config.base_url, tenant.id);
    let words = support_mail(&tenant.name, person(&question.by), &question.reason, &page);
    let owner = Owner::Tenant(tenant.id.clone());
    let (mut reached, mut trouble) = (0, None);
    for member in &told {
        let mail = Mail {
            to: member.address.to_string(),
            subject: words.subject.clone(),
            text: words.text.clone(),
            html: words.html.clone(),
        };
        match state.send_mail(&owner, &mail).await {
            Ok(_) => reached += 1,
            Err(error) => {
                tracing::warn!(error = %error.chain(), "an administrator was not asked");
                trouble = Some(error);
            }
        }
    }
    match trouble {
        Some(error) if reached == 0 => {
            state.store.forget_question(&scope, &question).await?;
            Err(error)
        }
        Some(_) | None => Ok(reached),
    }
}

fn role_name(role: Role) -> &'static str {
    if role == Role::Admin { "admin" } else { "viewer" }
}
