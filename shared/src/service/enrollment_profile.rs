//! What a person gets who opens an enrollment link.

use openssl::sha::{sha1, sha256};
use uuid::Builder;

use super::create_enrollment_link::issuing_authority;
use super::issue_identity::identity_subject;
use super::profile_signer::sign_profile;
use super::secret_path;
use crate::domain::enrollment_settings::{AccessRight, RemovalRule};
use crate::domain::identity::IdentityAuthority;
use crate::domain::link::{EnrollmentLink, LinkState, LinkToken};
use crate::domain::link_challenge::{Challenge, LinkChallenge};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::protocol::enrollment_profile::{EnrollmentProfile, ProfileOptions, ProfileUuids, Scep};
use crate::scope::{Actor, Scope};
use crate::secret::Secret;
use crate::state::State;

/// A profile, ready to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedProfile {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its name when saved.
    pub file_name: String,
}

/// The link behind a token that still enrolls devices, and its scope.
///
/// # Errors
/// NotFound when the link is unknown; Conflict when it was used, revoked, or has ended.
pub async fn open_link(
    state: &State,
    tenant: TenantId,
    token: &str,
) -> Result<(Scope, EnrollmentLink, LinkToken)> {
    let unknown = || Error::not_found("enrollment link");
    let token = LinkToken::parse(token).ok_or_else(unknown)?;
    let scope = Scope::authenticated(tenant, Actor::Link(token.id.clone()));
    let link =
        state.store.link(&scope, &token.id).await?.filter(|link| link.admits(&token)).ok_or_else(unknown)?;
    match link.state(state.clock.now()) {
        LinkState::Open => Ok((scope, link, token)),
        over @ (LinkState::Used | LinkState::Ended | LinkState::Revoked) => Err(link_over(over)),
    }
}

/// The enrollment profile behind a link's token. Opening a link does not use it up, issuing the identity does: a link for
/// one device gives the same profile each time, one for several a new challenge in each.
///
/// # Errors
/// As [`open_link`]; Conflict also when devices cannot enroll now.
pub async fn enrollment_profile(
    state: &State,
    tenant: TenantId,
    token: &str,
    unsigned: bool,
) -> Result<ServedProfile> {
    let (scope, link, token) = open_link(state, tenant, token).await?;
    let now = state.clock.now();
    let topic = state.store.push_certificates(&scope).await?.usable(now)?.certificate.topic.clone();
    let authority = issuing_authority(state, &scope).await?;
    let challenge = challenge(state, &scope, &link, &token).await?;
    let identity = ProfileIdentity {
        subject: identity_subject(&authority.organization, &link.terms.holder, &challenge),
        common_name: challenge.common_name(),
        challenge: challenge.reveal(),
    };
    let bytes = profile_for(state, &scope, identity, topic, &authority, unsigned).await?;
    Ok(ServedProfile { bytes, file_name: "enroll.mobileconfig".to_owned() })
}

/// The identity that a profile's device is to ask for.
pub(super) struct ProfileIdentity {
    /// The subject, outermost first: attribute and value.
    pub(super) subject: Vec<(String, String)>,
    /// Names the profile's payloads, which are the same for the same name.
    pub(super) common_name: String,
    /// The one-time password.
    pub(super) challenge: Secret<String>,
}

/// The tenant's enrollment profile for one identity, signed.
pub(super) async fn profile_for(
    state: &State,
    scope: &Scope,
    identity: ProfileIdentity,
    topic: String,
    authority: &IdentityAuthority,
    unsigned: bool,
) -> Result<Vec<u8>> {
    let options = options(state, scope).await?;
    let profile = describe(state, scope, identity, options, topic, authority).to_plist()?;
    if unsigned && state.config.unsigned_profiles {
        return Ok(profile);
    }
    sign_profile(state, scope, authority, &profile).await
}

/// What the tenant decided about its profiles.
async fn options(state: &State, scope: &Scope) -> Result<ProfileOptions> {
    let settings = state.store.enrollment_settings(scope).await?;
    let removal_password = match &settings.removal {
        RemovalRule::Always => None,
        RemovalRule::WithPassword(id) => {
            let kept = state.secrets.required(&secret_path::removal_password(scope.tenant(), id)).await?;
            Some(Secret::new(String::from_utf8(kept.expose().clone()).map_err(Error::internal)?))
        }
    };
    Ok(ProfileOptions {
        access_rights: AccessRight::bits(&settings.access_rights),
        per_user_connections: settings.per_user_connections,
        bootstrap_token: settings.bootstrap_token,
        removal_password,
        trusted_authority: settings.trusted_authority.map(Vec::from),
        pinned: settings.pinned,
    })
}

/// The challenge for the profile that is about to be served.
async fn challenge(
    state: &State,
    scope: &Scope,
    link: &EnrollmentLink,
    token: &LinkToken,
) -> Result<Challenge> {
    if link.terms.is_single() {
        return Ok(Challenge { token: token.challenge(), number: None });
    }
    let number = state.store.count_served(scope, &link.id).await?;
    let number = number.ok_or_else(|| link_over(LinkState::Used))?;
    let token = LinkToken::new(link.id.clone(), state.random.token());
    let kept = LinkChallenge::create(number, &token.secret, state.clock.now(), link.expires_at);
    state.store.keep_challenge(scope, &link.id, &kept).await?;
    Ok(Challenge { token, number: Some(number) })
}

fn link_over(state: LinkState) -> Error {
    let message = match state {
        LinkState::Revoked => "This enrollment link was withdrawn.",
        LinkState::Ended => "This enrollment link has ended.",
        LinkState::Used | LinkState::Open => "This enrollment link has been used.",
    };
    Error::conflict("link-over", message).next("Ask your administrator for a new link.")
}

fn describe(
    state: &State,
    scope: &Scope,
    identity: ProfileIdentity,
    options: ProfileOptions,
    topic: String,
    authority: &IdentityAuthority,
) -> EnrollmentProfile {
    let base = &state.config.base_url;
    let tenant = scope.tenant();
    EnrollmentProfile {
        identifier: format!("com.pomarium.{tenant}.enrollment"),
        display_name: authority.common_name.clone(),
        organization: authority.organization.clone(),
        description: format!("Lets {} manage this device.", authority.organization),
        topic,
        server_url: format!("{base}/mdm/{tenant}/command"),
        check_in_url: format!("{base}/mdm/{tenant}/checkin"),
        identity: Scep {
            url: format!("{base}/scep/{tenant}"),
            name: authority.id.to_string(),
            subject: identity.subject,
            challenge: identity.challenge,
            ca_sha1: sha1(&authority.certificate),
        },
        options,
        uuids: ProfileUuids {
            profile: uuid(&identity.common_name, "profile"),
            scep: uuid(&identity.common_name, "scep"),
            mdm: uuid(&identity.common_name, "mdm"),
            trust: uuid(&identity.common_name, "trust"),
            removal: uuid(&identity.common_name, "removal"),
        },
    }
}

/// The same UUID for the same profile and part.
fn uuid(common_name: &str, part: &str) -> uuid::Uuid {
    let digest = sha256(format!("{common_name}/{part}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
