//! What a person gets who opens an enrollment link.

use openssl::sha::{sha1, sha256};
use uuid::Builder;

use super::create_enrollment_link::issuing_authority;
use super::profile_signer::sign_profile;
use crate::domain::identity::IdentityAuthority;
use crate::domain::link::{EnrollmentLink, LinkToken};
use crate::error::{Error, Kind, Result};
use crate::id::{LinkId, TenantId};
use crate::protocol::enrollment_profile::{EnrollmentProfile, ProfileUuids, Scep};
use crate::scope::{Actor, Scope};
use crate::state::State;

/// A profile, ready to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedProfile {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its name when saved.
    pub file_name: String,
}

/// The enrollment profile behind a link's token. It is the same each time: opening a link does not use it up, issuing the
/// identity does.
///
/// # Errors
/// NotFound when the link is unknown; Conflict when it was used or has ended, or when devices cannot enroll now.
pub async fn enrollment_profile(
    state: &State,
    tenant: TenantId,
    token: &str,
    unsigned: bool,
) -> Result<ServedProfile> {
    let unknown = || Error::not_found("enrollment link");
    let token = LinkToken::parse(token).ok_or_else(unknown)?;
    let scope = Scope::authenticated(tenant, Actor::Link(token.id.clone()));
    let link =
        state.store.link(&scope, &token.id).await?.filter(|link| link.admits(&token)).ok_or_else(unknown)?;
    let now = state.clock.now();
    refuse_over(&link, now)?;
    let topic = state.store.push_certificates(&scope).await?.usable(now)?.certificate.topic.clone();
    let authority = issuing_authority(state, &scope).await?;
    let profile = describe(state, &scope, &token, topic, &authority).to_plist()?;
    let bytes = if unsigned && state.config.unsigned_profiles {
        profile
    } else {
        sign_profile(state, &scope, &authority, &profile).await?
    };
    Ok(ServedProfile { bytes, file_name: "enroll.mobileconfig".to_owned() })
}

fn refuse_over(link: &EnrollmentLink, now: crate::time::Timestamp) -> Result<()> {
    let message = if link.issued.is_some() {
        "This enrollment link has been used."
    } else if link.is_expired(now) {
        "This enrollment link has ended."
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Conflict, "link-over", message).next("Ask your administrator for a new link."))
}

fn describe(
    state: &State,
    scope: &Scope,
    token: &LinkToken,
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
            subject: vec![
                ("O".to_owned(), authority.organization.clone()),
                ("CN".to_owned(), format!("Device {}", token.id)),
            ],
            challenge: token.challenge().reveal(),
            ca_sha1: sha1(&authority.certificate),
        },
        uuids: ProfileUuids {
            profile: uuid(&token.id, "profile"),
            scep: uuid(&token.id, "scep"),
            mdm: uuid(&token.id, "mdm"),
        },
    }
}

/// The same UUID for the same link and part.
fn uuid(link: &LinkId, part: &str) -> uuid::Uuid {
    let digest = sha256(format!("{link}/{part}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
