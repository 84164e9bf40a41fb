//! Invitations by mail, one or many, as JSON or as a CSV file.

use std::collections::BTreeSet;

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::contact::EmailAddress;
use shared::error::Result;
use shared::http::{AdminScope, Body, FileOrJson, Problem, ProblemDetails};
use shared::service::create_enrollment_link::DEFAULT_DAYS;
use shared::service::invitation_list::{check_number, invitation, invitations_of_csv};
use shared::service::invite::{Invitation, Invited, invite};
use shared::state::AppState;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitations {
    /// How long each link may be used, in days (1 to 90).
    #[serde(default = "default_days")]
    valid_days: i64,
    /// 1 to 100 of them.
    invitations: Vec<NewInvitation>,
}

fn default_days() -> i64 {
    DEFAULT_DAYS
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitation {
    /// Where the mail goes.
    email: EmailAddress,
    /// How the mail addresses the person.
    name: Option<String>,
    /// The group that the device joins. It is made if there is none of this name.
    group: Option<String>,
    /// Serial numbers and UDIDs of the only devices that may enroll.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    devices: BTreeSet<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationsView {
    /// In the order of the call.
    invitations: Vec<InvitedView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct InvitedView {
    email: String,
    status: InvitationStatus,
    /// The link in the mail, if one was sent now.
    link: Option<String>,
    /// Why no mail was sent.
    detail: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InvitationStatus {
    /// The mail is on its way.
    Sent,
    /// The same invitation was sent today.
    SentBefore,
    /// No mail was sent; the same call may be repeated.
    Failed,
}

/// Invite people by mail; each gets a link for one device.
///
/// The body is JSON, or a CSV file with the columns `email` and, if wanted, `name`, `group`, `devices`. All of it is
/// checked before the first mail goes out. The same invitation goes out once a day, so the call may be repeated.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollment-links/invitations", tag = "enrollment", params(("tenant" = String, Path)),
    request_body = NewInvitations,
    responses((status = 200, body = InvitationsView),
        (status = 409, description = "No authority, or no usable push certificate", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn send(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    FileOrJson(body): FileOrJson<NewInvitations>,
) -> Result<JsonAnswer<InvitationsView>, Problem> {
    let (valid_days, invitations) = match body {
        Body::Json(body) => (body.valid_days, of_json(body.invitations)?),
        Body::File(file) => (DEFAULT_DAYS, invitations_of_csv(&file)?),
    };
    check_number(&invitations)?;
    let mut views = Vec::with_capacity(invitations.len());
    for invitation in invitations {
        let email = invitation.email.to_string();
        let (status, link, detail) = match invite(&state, &scope, invitation, valid_days).await? {
            Invited::Sent(link) => (InvitationStatus::Sent, Some(link.to_string()), None),
            Invited::Before => (InvitationStatus::SentBefore, None, None),
            Invited::Failed(error) => (InvitationStatus::Failed, None, Some(error.to_string())),
        };
        views.push(InvitedView { email, status, link, detail });
    }
    Ok(JsonAnswer(InvitationsView { invitations: views }))
}

fn of_json(invitations: Vec<NewInvitation>) -> Result<Vec<Invitation>> {
    let read = |(index, new): (usize, NewInvitation)| {
        let NewInvitation { email, name, group, devices } = new;
        invitation(email, name, group, devices, &format!("invitations[{index}]."))
    };
    invitations.into_iter().enumerate().map(read).collect()
}
