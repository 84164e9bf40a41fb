//! Enrollment links.

use std::collections::BTreeSet;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::contact::EmailAddress;
use shared::domain::link_terms::{LinkHolder, LinkTerms, UserEnrollment};
use shared::error::{Error, Result};
use shared::http::{AdminScope, Json, Problem, ProblemDetails, Query, ViewerScope};
use shared::id::LinkId;
use shared::service::create_enrollment_link::{DEFAULT_DAYS, create_enrollment_link, revoke_enrollment_link};
use shared::state::AppState;
use shared::time::{Timestamp, from_unix};
use utoipa::ToSchema;

use crate::link_view::{LinkDetails, LinkSummary};
use crate::page::Page;
use crate::qr::QrView;

/// Links on one page.
const PAGE: i32 = 100;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    /// How long the link may be used, in days (1 to 90).
    #[serde(default = "default_days")]
    valid_days: i64,
    /// How many devices it enrolls (1 to 10,000); null: any number until it ends.
    #[serde(default = "one")]
    #[schema(default = 1)]
    uses: Option<u32>,
    /// The group that the devices join. It is made if there is none of this name.
    group: Option<String>,
    /// Whom it is for.
    name: Option<String>,
    /// Whom it is for.
    email: Option<EmailAddress>,
    /// Serial numbers and UDIDs of the only devices that may enroll (500 at most).
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    devices: BTreeSet<String>,
    /// Whether it is for devices that people own (User Enrollment): only the organization's part is managed.
    #[serde(default)]
    user_enrollment: bool,
    /// With `user_enrollment`: the Managed Apple Account that the person is to sign in with.
    managed_apple_account: Option<EmailAddress>,
}

impl NewLink {
    /// How an owner's device is enrolled, if the link is for such.
    fn user_enrollment(&self) -> Result<Option<UserEnrollment>> {
        let managed_apple_account = self.managed_apple_account.clone();
        match (self.user_enrollment, &managed_apple_account) {
            (true, _) => Ok(Some(UserEnrollment { managed_apple_account })),
            (false, None) => Ok(None),
            (false, Some(_)) => {
                let message = "Only a link for User Enrollment names a Managed Apple Account.";
                Err(Error::malformed("managed-apple-account", message)
                    .at("managed_apple_account")
                    .next("Set user_enrollment, or leave the account out."))
            }
        }
    }
}

fn default_days() -> i64 {
    DEFAULT_DAYS
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
fn one() -> Option<u32> {
    Some(1)
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LinkView {
    id: String,
    /// Open this on the device. It is shown this once.
    url: String,
    /// The profile itself, without the page for people: for Apple Configurator. Each download is for one device.
    profile_url: String,
    /// The URL, for a camera.
    qr: QrView,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Make a link that enrolls one device, or several.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollment-links", tag = "enrollment", params(("tenant" = String, Path)),
    request_body = NewLink,
    responses((status = 201, body = LinkView),
        (status = 409, description = "No authority, or no usable push certificate", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewLink>,
) -> Result<(StatusCode, JsonAnswer<LinkView>), Problem> {
    let user_enrollment = body.user_enrollment()?;
    let NewLink { valid_days, uses, group, name, email, devices, .. } = body;
    let terms = LinkTerms { uses, holder: LinkHolder { group, name, email }, devices, user_enrollment };
    let (link, url) = create_enrollment_link(&state, &scope, valid_days, terms).await?;
    let view = LinkView {
        id: link.id.to_string(),
        url: url.expose().clone(),
        profile_url: format!("{}/profile", url.expose()),
        qr: QrView::of(url.expose())?,
        expires_at: from_unix(link.expires_at),
    };
    Ok((StatusCode::CREATED, JsonAnswer(view)))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LinkPage {
    links: Vec<LinkSummary>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

/// The tenant's links, a page at a time, in no particular order. One that is over is gone after some days.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollment-links", tag = "enrollment", params(("tenant" = String, Path), Page),
    responses((status = 200, body = LinkPage))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<LinkPage>, Problem> {
    let now = state.clock.now();
    let (links, next) = state.store.links(&scope, page.after.as_deref(), PAGE).await?;
    Ok(JsonAnswer(LinkPage {
        links: links.into_iter().map(|link| LinkSummary::new(link, now)).collect(),
        next,
    }))
}

/// One link, and who used it.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollment-links/{link}", tag = "enrollment",
    params(("tenant" = String, Path), ("link" = String, Path)),
    responses((status = 200, body = LinkDetails), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, link)): Path<(String, String)>,
) -> Result<JsonAnswer<LinkDetails>, Problem> {
    let link = state.store.link(&scope, &named(&link)?).await?;
    let link = link.ok_or_else(|| Error::not_found("enrollment link"))?;
    let uses = state.store.link_uses(&scope, &link.id).await?;
    let identities = state.store.identities(&scope, uses.iter().map(|used| used.fingerprint)).await?;
    Ok(JsonAnswer(LinkDetails::new(link, uses, &identities, state.clock.now())))
}

/// Revoke a link. Devices that it enrolled stay enrolled.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/enrollment-links/{link}", tag = "enrollment",
    params(("tenant" = String, Path), ("link" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn revoke(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, link)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    revoke_enrollment_link(&state, &scope, &named(&link)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn named(link: &str) -> Result<LinkId> {
    link.parse().map_err(|_| Error::not_found("enrollment link"))
}
