//! The expiry calendar.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::contact::{Disabled, DisabledReason, EmailAddress};
use shared::domain::credential::{CredentialKind, CredentialState};
use shared::domain::expiry::Recipient;
use shared::domain::expiry_words::advice;
use shared::domain::snooze::Snooze;
use shared::http::{AdminScope, Json, OperatorCaller, Problem, ProblemDetails, ViewerScope};
use shared::service::calendar_feed::create_calendar_feed;
use shared::service::confirm_contact::{ask_contacts, recipients};
use shared::service::list_expirations::{Expiration, operator_expirations, tenant_expirations};
use shared::service::snooze_expiration::snooze_expiration;
use shared::state::AppState;
use shared::store::IdentityCount;
use shared::time::{Timestamp, days_until};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) struct SnoozeView {
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Who answers for it.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    set_at: Timestamp,
}

impl From<Snooze> for SnoozeView {
    fn from(snooze: Snooze) -> Self {
        Self { until: snooze.until, by: snooze.by, set_at: snooze.set_at }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ExpirationView {
    /// Names it in other calls; a renewed credential has another one.
    credential: String,
    kind: CredentialKind,
    name: String,
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    /// Whole days; negative once it has ended.
    days_left: i64,
    state: CredentialState,
    /// What fails without it.
    consequence: String,
    /// What to do, in order.
    steps: Vec<String>,
    /// While somebody put its mails off.
    snooze: Option<SnoozeView>,
}

impl ExpirationView {
    fn new(expiration: Expiration, now: Timestamp) -> Self {
        let Expiration { credential, page, snooze } = expiration;
        let words = advice(&credential, &page);
        Self {
            credential: credential.id(),
            kind: credential.kind,
            days_left: days_until(now, credential.not_after),
            state: credential.state(now),
            name: credential.name,
            not_after: credential.not_after,
            consequence: words.consequence.to_owned(),
            steps: words.steps,
            snooze: snooze.map(SnoozeView::from),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityMonth {
    /// `YYYY-MM`, in UTC.
    month: String,
    /// Device identities issued that end in it, also those renewed since.
    issued: u64,
}

impl From<IdentityCount> for IdentityMonth {
    fn from(count: IdentityCount) -> Self {
        Self { month: count.month, issued: count.issued }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DisabledView {
    reason: DisabledReason,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What the other mail server said.
    detail: String,
    /// What to do about it.
    next_step: String,
}

impl From<Disabled> for DisabledView {
    fn from(disabled: Disabled) -> Self {
        let next_step = disabled.next_step().to_owned();
        Self { reason: disabled.reason, at: disabled.at, detail: disabled.detail, next_step }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RecipientView {
    address: EmailAddress,
    /// Whether its owner confirmed it. Others get mails while nobody confirmed, and in the last week.
    verified: bool,
    /// While no mail goes there, because one bounced or was called spam.
    disabled: Option<DisabledView>,
}

impl From<Recipient> for RecipientView {
    fn from(recipient: Recipient) -> Self {
        let disabled = recipient.disabled.map(DisabledView::from);
        Self { address: recipient.address, verified: recipient.verified, disabled }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TenantCalendar {
    /// The earliest first.
    expirations: Vec<ExpirationView>,
    identities: Vec<IdentityMonth>,
    /// Whether mails go out at all.
    expiry_mails: bool,
    recipients: Vec<RecipientView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct OperatorCalendar {
    /// The earliest first.
    expirations: Vec<ExpirationView>,
    /// Whether this server's own TLS certificate could be looked at; true where it is reached without TLS.
    server_certificate_read: bool,
    recipients: Vec<String>,
}

/// Everything of the tenant's that ends, when, and what to do.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/expirations", tag = "expiry", params(("tenant" = String, Path)),
    responses((status = 200, body = TenantCalendar))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<TenantCalendar>, Problem> {
    let now = state.clock.now();
    let tenant = state.store.tenant(&scope).await?;
    let expirations = tenant_expirations(&state, &scope).await?;
    let identities = state.store.identity_counts(&scope).await?;
    let recipients = recipients(&state, &scope, &tenant).await?;
    Ok(JsonAnswer(TenantCalendar {
        expirations: expirations.into_iter().map(|one| ExpirationView::new(one, now)).collect(),
        identities: identities.into_iter().map(IdentityMonth::from).collect(),
        expiry_mails: tenant.expiry_mails,
        recipients: recipients.into_iter().map(RecipientView::from).collect(),
    }))
}

/// What ends for the whole server: the vendor certificate, the profile signer, and the TLS certificate of its own host name.
#[utoipa::path(
    get, path = "/v1/expirations", tag = "expiry", responses((status = 200, body = OperatorCalendar))
)]
pub(crate) async fn list_operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
) -> Result<JsonAnswer<OperatorCalendar>, Problem> {
    let now = state.clock.now();
    let (expirations, trouble) = operator_expirations(&state, &operator).await?;
    Ok(JsonAnswer(OperatorCalendar {
        expirations: expirations.into_iter().map(|one| ExpirationView::new(one, now)).collect(),
        server_certificate_read: trouble.is_none(),
        recipients: state.config.operator_mail.clone(),
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSnooze {
    /// Until when no mail goes out: at most 14 days from now.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Who answers for it: a person's name.
    #[schema(example = "Jo Green")]
    by: String,
}

/// Put off the mails about one credential, in somebody's name. A renewal ends it.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/expirations/{credential}/snooze", tag = "expiry",
    params(("tenant" = String, Path), ("credential" = String, Path)), request_body = NewSnooze,
    responses((status = 201, body = SnoozeView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn snooze(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, credential)): Path<(String, String)>,
    Json(body): Json<NewSnooze>,
) -> Result<(StatusCode, JsonAnswer<SnoozeView>), Problem> {
    let snooze = snooze_expiration(&state, (&scope).into(), &credential, body.until, &body.by).await?;
    Ok((StatusCode::CREATED, JsonAnswer(snooze.into())))
}

/// Put off the mails about one credential of the whole server, in somebody's name. A renewal ends it.
#[utoipa::path(
    post, path = "/v1/expirations/{credential}/snooze", tag = "expiry", params(("credential" = String, Path)),
    request_body = NewSnooze,
    responses((status = 201, body = SnoozeView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn snooze_operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Path(credential): Path<String>,
    Json(body): Json<NewSnooze>,
) -> Result<(StatusCode, JsonAnswer<SnoozeView>), Problem> {
    let snooze = snooze_expiration(&state, (&operator).into(), &credential, body.until, &body.by).await?;
    Ok((StatusCode::CREATED, JsonAnswer(snooze.into())))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CalendarAddress {
    /// Subscribe to this in a calendar program. Whoever has it can read the calendar; it is shown this once.
    url: String,
}

/// Make an address to subscribe to the calendar at. The one before stops working.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/expirations/calendar", tag = "expiry", params(("tenant" = String, Path)),
    responses((status = 201, body = CalendarAddress))
)]
pub(crate) async fn create_calendar(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<(StatusCode, JsonAnswer<CalendarAddress>), Problem> {
    let url = create_calendar_feed(&state, &scope).await?.expose().clone();
    Ok((StatusCode::CREATED, JsonAnswer(CalendarAddress { url })))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Asked {
    /// How many contacts were mailed: those who have not confirmed and were not asked within the hour.
    asked: u32,
}

/// Ask the contacts again to confirm their addresses, also those that mails no longer go to: who confirms gets mails again.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/contacts/confirmations", tag = "expiry", params(("tenant" = String, Path)),
    responses((status = 200, body = Asked))
)]
pub(crate) async fn ask(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<Asked>, Problem> {
    let tenant = state.store.tenant(&scope).await?;
    Ok(JsonAnswer(Asked { asked: ask_contacts(&state, &scope, &tenant, true).await? }))
}
