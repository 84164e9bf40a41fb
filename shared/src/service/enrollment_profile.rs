//! What stands behind an enrollment link, and the frame of every enrollment profile.

use std::fmt;

use openssl::sha::{sha1, sha256};
use uuid::Builder;

use super::create_enrollment_link::issuing_authority;
use super::external_scep::promised;
use super::issue_identity::identity_subject;
use super::over_the_air::profile_service;
use super::profile_signer::sign_profile;
use super::secret_path;
use crate::config::MutualTls;
use crate::domain::enrollment::Enrollment;
use crate::domain::enrollment_settings::{
    AccessRight, DeviceAuthentication, EnrollmentMethod, EnrollmentSettings, IdentitySource, RemovalRule,
};
use crate::domain::external_scep::ExternalScep;
use crate::domain::identity::IdentityAuthority;
use crate::domain::identity_name::{IdentityKind, IdentityName};
use crate::domain::link::{EnrollmentLink, LinkState, LinkToken};
use crate::domain::link_challenge::{Challenge, LinkChallenge};
use crate::domain::link_terms::{self, LinkTerms};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::protocol::enrollment_profile::{
    EnrollmentProfile, Identity, ProfileOptions, ProfileUuids, Scep, UserEnrollment,
};
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

/// What a link's token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The profile.
    Profile(ServedProfile),
    /// Where the profile is made: only that function may issue the identity that comes inside.
    At(String),
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
) -> Result<Opened> {
    let (scope, link, token) = open_link(state, tenant, token).await?;
    let settings = state.store.enrollment_settings(&scope).await?;
    // A device that stays its owner's has nothing to prove: it never tells who it is.
    if settings.method == EnrollmentMethod::OverTheAir && link.terms.user_enrollment.is_none() {
        let frame = Frame::read(state, &scope, &settings, &link.terms).await?;
        return profile_service(state, &scope, frame, &link, unsigned).await.map(Opened::Profile);
    }
    match settings.identity {
        IdentitySource::Scep => {
            let frame = Frame::read(state, &scope, &settings, &link.terms).await?;
            let challenge = challenge(state, &scope, &link, &token).await?;
            let kind = IdentityKind::Requested;
            let identity = requested(state, &scope, &frame.authority, &link, &challenge, kind);
            frame.serve(state, &scope, &challenge.name(), identity, unsigned).await.map(Opened::Profile)
        }
        IdentitySource::ExternalScep => {
            let frame = Frame::read(state, &scope, &settings, &link.terms).await?;
            let devices = link.terms.devices.clone();
            let external = required(&settings)?;
            let (name, identity) =
                promised(state, &scope, external, &frame.authority.organization, &link, devices).await?;
            frame.serve(state, &scope, &name, identity, unsigned).await.map(Opened::Profile)
        }
        IdentitySource::Pkcs12 => {
            let (base, token) = (&state.config.base_url, token.reveal());
            Ok(Opened::At(format!("{base}/scep/{}/profile/{}", scope.tenant(), token.expose())))
        }
    }
}

/// The tenant's own SCEP server, where the settings send devices there.
pub(super) fn required(settings: &EnrollmentSettings) -> Result<&ExternalScep> {
    settings.external().ok_or_else(|| Error::internal("the settings name no SCEP server"))
}

/// What all enrollment profiles of a tenant have in common at the moment.
pub(super) struct Frame {
    topic: String,
    /// Who issues the identities.
    pub(super) authority: IdentityAuthority,
    options: ProfileOptions,
    /// Where the device sends its messages.
    base: String,
}

impl Frame {
    /// # Errors
    /// Conflict when devices cannot enroll now: no usable push certificate, no authority.
    pub(super) async fn read(
        state: &State,
        scope: &Scope,
        settings: &EnrollmentSettings,
        terms: &LinkTerms,
    ) -> Result<Self> {
        let now = state.clock.now();
        let topic = state.store.push_certificates(scope).await?.usable(now)?.certificate.topic.clone();
        let authority = issuing_authority(state, scope).await?;
        let mutual_tls = match settings.device_authentication {
            DeviceAuthentication::Signature => false,
            // Until the gateway knows the authority, it would turn the device away: one that signs is always heard.
            DeviceAuthentication::MutualTls => authority.tls_since.is_some(),
        };
        let frame = Self {
            topic,
            authority,
            options: options(state, scope, settings, terms).await?,
            base: state.config.base_url.clone(),
        };
        Ok(match &state.config.mutual_tls {
            Some(server) if mutual_tls => frame.over(server),
            Some(_) | None => frame,
        })
    }

    /// The frame of a profile that a device has installed already: it keeps its topic for ever, whichever certificate is the
    /// active one, and the way in which the device proves itself.
    ///
    /// # Errors
    /// Conflict when there is no authority, or when the gateway does not know it yet and the device depends on that.
    pub(super) async fn installed(
        state: &State,
        scope: &Scope,
        settings: &EnrollmentSettings,
        topic: String,
        device: &Enrollment,
    ) -> Result<Self> {
        let authority = issuing_authority(state, scope).await?;
        let user_enrollment = device.facts.user_enrollment.then(link_terms::UserEnrollment::default);
        let terms = LinkTerms { user_enrollment, ..LinkTerms::default() };
        let options = options(state, scope, settings, &terms).await?;
        let frame = Self { topic, authority, options, base: state.config.base_url.clone() };
        if !device.mutual_tls {
            return Ok(frame);
        }
        match &state.config.mutual_tls {
            Some(server) if frame.authority.tls_since.is_some() => Ok(frame.over(server)),
            Some(_) | None => Err(Error::conflict(
                "mutual-tls-pending",
                "The host for mutual TLS does not know the tenant's authority yet.",
            )
            .next("Repeat it in a quarter of an hour.")),
        }
    }

    /// The same for devices that show their identity in TLS and sign nothing.
    fn over(self, server: &MutualTls) -> Self {
        let options = ProfileOptions { sign_messages: false, ..self.options };
        Self { options, base: server.base_url.clone(), ..self }
    }

    /// The profile around an identity, signed.
    pub(super) async fn serve(
        self,
        state: &State,
        scope: &Scope,
        name: &(impl fmt::Display + Sync),
        identity: Identity,
        unsigned: bool,
    ) -> Result<ServedProfile> {
        let profile = self.around(scope, name, identity).to_plist()?;
        signed(state, scope, &self.authority, profile, unsigned).await
    }

    /// The profile with the identity alone, signed.
    pub(super) async fn serve_identity(
        self,
        state: &State,
        scope: &Scope,
        name: &(impl fmt::Display + Sync),
        identity: Identity,
    ) -> Result<ServedProfile> {
        let profile = self.around(scope, name, identity).identity_to_plist()?;
        signed(state, scope, &self.authority, profile, false).await
    }

    fn around(
        &self,
        scope: &Scope,
        name: &(impl fmt::Display + Sync),
        identity: Identity,
    ) -> EnrollmentProfile {
        let Self { topic, authority, options, base } = self;
        let tenant = scope.tenant();
        EnrollmentProfile {
            identifier: format!("com.pomarium.{tenant}.enrollment"),
            display_name: authority.common_name.clone(),
            organization: authority.organization.clone(),
            description: match options.user_enrollment {
                None => format!("Lets {} manage this device.", authority.organization),
                Some(_) => format!("Lets {} manage its own data on this device.", authority.organization),
            },
            topic: topic.clone(),
            server_url: format!("{base}/mdm/{tenant}/command"),
            check_in_url: format!("{base}/mdm/{tenant}/checkin"),
            identity,
            options: options.clone(),
            uuids: ProfileUuids {
                profile: part_uuid(name, "profile"),
                identity: part_uuid(name, "scep"),
                mdm: part_uuid(name, "mdm"),
                trust: part_uuid(name, "trust"),
                removal: part_uuid(name, "removal"),
            },
        }
    }
}

/// A profile as it is served: with a signature, unless somebody asks for none and the server allows that.
pub(super) async fn signed(
    state: &State,
    scope: &Scope,
    authority: &IdentityAuthority,
    profile: Vec<u8>,
    unsigned: bool,
) -> Result<ServedProfile> {
    let bytes = if unsigned && state.config.unsigned_profiles {
        profile
    } else {
        sign_profile(state, scope, authority, &profile).await?
    };
    Ok(ServedProfile { bytes, file_name: "enroll.mobileconfig".to_owned() })
}

/// What the tenant decided about its profiles.
async fn options(
    state: &State,
    scope: &Scope,
    settings: &EnrollmentSettings,
    terms: &LinkTerms,
) -> Result<ProfileOptions> {
    let user_enrollment = terms.user_enrollment.as_ref().map(|enrollment| UserEnrollment {
        managed_apple_account: enrollment.managed_apple_account.clone().map(String::from),
    });
    let removal_password = match &settings.removal {
        RemovalRule::Always => None,
        // Owners may always take their device back.
        RemovalRule::WithPassword(_) if user_enrollment.is_some() => None,
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
        trusted_authority: settings.trusted_authority.clone().map(Vec::from),
        pinned: settings.pinned,
        user_enrollment,
        sign_messages: true,
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
    let number = count_served(state, scope, link).await?;
    let token = LinkToken::new(link.id.clone(), state.random.token());
    let kept = LinkChallenge::create(number, &token.secret, link.hour_ends(state.clock.now()));
    state.store.keep_challenge(scope, &link.id, &kept).await?;
    Ok(Challenge { token, number: Some(number) })
}

/// Counts one more profile of a link and returns its number.
pub(super) async fn count_served(state: &State, scope: &Scope, link: &EnrollmentLink) -> Result<u32> {
    let number = state.store.count_served(scope, &link.id).await?;
    number.ok_or_else(|| link_over(LinkState::Used))
}

fn link_over(state: LinkState) -> Error {
    let message = match state {
        LinkState::Revoked => "This enrollment link was withdrawn.",
        LinkState::Ended => "This enrollment link has ended.",
        LinkState::Used | LinkState::Open => "This enrollment link has been used.",
    };
    Error::conflict("link-over", message).next("Ask your administrator for a new link.")
}

/// The payload with which a device asks for an identity of this kind.
pub(super) fn requested(
    state: &State,
    scope: &Scope,
    authority: &IdentityAuthority,
    link: &EnrollmentLink,
    challenge: &Challenge,
    kind: IdentityKind,
) -> Identity {
    let name = IdentityName { kind, ..challenge.name() };
    let subject = identity_subject(&authority.organization, &link.terms.holder, &name);
    scep(state, scope, authority, subject, challenge.reveal())
}

/// The payload with which a device asks for an identity of this subject.
pub(super) fn scep(
    state: &State,
    scope: &Scope,
    authority: &IdentityAuthority,
    subject: Vec<(String, String)>,
    challenge: Secret<String>,
) -> Identity {
    Identity::Scep(Scep {
        url: format!("{}/scep/{}", state.config.base_url, scope.tenant()),
        name: Some(authority.id.to_string()),
        subject,
        challenge,
        ca_fingerprint: sha1(&authority.certificate).to_vec(),
    })
}

/// The same UUID for the same profile and part.
pub(super) fn part_uuid(name: &impl fmt::Display, part: &str) -> uuid::Uuid {
    let digest = sha256(format!("{name}/{part}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
