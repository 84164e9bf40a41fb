//! Changing what a tenant's enrollment profiles ask of devices.

use std::collections::BTreeSet;

use openssl::x509::X509;

use super::external_settings::{self, CheckedExternal, NewExternalScep};
use super::secret_path;
use crate::domain::audit::AuditAction;
use crate::domain::enrollment_settings::{
    AccessRight, DeviceAuthentication, EnrollmentMethod, EnrollmentSettings, IdentitySource, MutualTlsState,
    RemovalRule,
};
use crate::domain::external_scep::wrong;
use crate::domain::identity::IdentityAuthority;
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::pki::certificate;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::store::TrustedExternal;

/// The shortest and the longest password that removes a profile, in characters.
const PASSWORD: std::ops::RangeInclusive<usize> = 4..=64;

/// When a person may remove the profile, as an administrator says it.
#[derive(Clone, Debug)]
pub enum Removal {
    /// Always.
    Always,
    /// With this password; `None`: with the one that is kept already.
    WithPassword(Option<Secret<String>>),
    /// Never.
    Never,
}

/// The settings as an administrator gives them.
#[derive(Clone, Debug)]
pub struct NewSettings {
    /// What the MDM payload asks for.
    pub access_rights: BTreeSet<AccessRight>,
    /// When a person may remove the profile.
    pub removal: Removal,
    /// The authority of this server's TLS certificate, in PEM.
    pub trusted_authority: Option<String>,
    /// Whether only that authority's certificates are accepted.
    pub pinned: bool,
    /// Whether users have channels of their own.
    pub per_user_connections: bool,
    /// Whether a Mac deposits its bootstrap token.
    pub bootstrap_token: bool,
    /// Where devices get their identities.
    pub identity: IdentitySource,
    /// The tenant's own SCEP server.
    pub external_scep: Option<NewExternalScep>,
    /// How devices get their profiles.
    pub method: EnrollmentMethod,
    /// How devices prove themselves.
    pub device_authentication: DeviceAuthentication,
}

/// Takes new settings for the profiles that are served from now on.
///
/// # Errors
/// Malformed, naming the field, when devices would refuse such a profile; Conflict when devices are enrolled whose
/// profiles could not be updated to it, or when somebody else changed the settings at the same time.
pub async fn change_enrollment_settings(
    state: &State,
    scope: &Scope,
    new: NewSettings,
) -> Result<EnrollmentSettings> {
    if new.device_authentication == DeviceAuthentication::MutualTls && state.config.mutual_tls.is_none() {
        return Err(Error::conflict("mutual-tls-unavailable", "This server has no host for mutual TLS.")
            .at("device_authentication")
            .next("Choose \"signature\", or ask the operator to set MutualTlsBaseUrl (docs/DEPLOY.md)."));
    }
    let before = state.store.enrollment_settings(scope).await?;
    let (removal, password) = removal(state, &before, new.removal)?;
    let external = match new.external_scep {
        Some(new) => Some(external_settings::check(state, scope, before.external_scep.as_ref(), new).await?),
        None => None,
    };
    let settings = EnrollmentSettings {
        access_rights: new.access_rights,
        removal,
        trusted_authority: new.trusted_authority.as_deref().map(authority).transpose()?.map(Into::into),
        pinned: new.pinned,
        per_user_connections: new.per_user_connections,
        bootstrap_token: new.bootstrap_token,
        identity: new.identity,
        external_scep: external.as_ref().map(|checked| checked.external.clone()),
        method: new.method,
        device_authentication: new.device_authentication,
        mutual_tls_used: before.mutual_tls_used
            || new.device_authentication == DeviceAuthentication::MutualTls,
        version: before.version + 1,
    };
    settings.check()?;
    let (enrolled, _) = state.store.list_enrollments(scope, None, 1).await?;
    if !enrolled.is_empty() {
        settings.check_update(&before)?;
    }
    if let (RemovalRule::WithPassword(id), Some(password)) = (&settings.removal, password) {
        let path = secret_path::removal_password(scope.tenant(), id);
        state.secrets.put(&path, &Secret::new(password.expose().clone().into_bytes())).await?;
    }
    let mut audit = state
        .audit(scope, AuditAction::EnrollmentSettingsChanged)
        .with("access_rights", AccessRight::bits(&settings.access_rights))
        .with("per_user_connections", settings.per_user_connections)
        .with("mutual_tls", settings.device_authentication == DeviceAuthentication::MutualTls);
    let mut trusted = Vec::new();
    if let Some(CheckedExternal { external, authorities, secret }) = external {
        trusted = trust(state, scope, authorities).await?;
        if let Some(secret) = secret {
            let path = secret_path::scep_secret(scope.tenant(), external.challenge.secret());
            state.secrets.put(&path, &Secret::new(secret.expose().clone().into_bytes())).await?;
        }
        let fingerprints: Vec<_> =
            external.authorities.iter().map(|authority| authority.fingerprint.to_string()).collect();
        audit = audit.with("scep_server", &external.url).with("authorities", fingerprints.join(" "));
    }
    state.store.put_enrollment_settings(scope, &settings, &trusted, &audit).await?;
    state.authorities.forget(scope.tenant());
    Ok(settings)
}

/// What has to be written so that these authorities are trusted for what profiles ask for, and for nothing else.
async fn trust(
    state: &State,
    scope: &Scope,
    authorities: Vec<IdentityAuthority>,
) -> Result<Vec<TrustedExternal>> {
    let known = state.store.authorities(scope).await?;
    let mut trusted: Vec<TrustedExternal> = Vec::new();
    for authority in authorities {
        let fingerprint = authority.fingerprint();
        let known = known.iter().find(|known| known.fingerprint() == fingerprint && known.is_accepted());
        if known.is_some_and(IdentityAuthority::is_own) {
            return Err(wrong("authority", "This is the authority that this server issues identities with.")
                .next("Choose identity \"scep\", or give the certificate of your own authority."));
        }
        let again = trusted.iter().any(|other| other.authority.fingerprint() == fingerprint);
        if !again && known.is_none_or(|known| !known.external) {
            trusted.push(TrustedExternal { authority, known: known.is_some() });
        }
    }
    Ok(trusted)
}

/// How far mutual TLS has come; `None` where the tenant does not want it.
///
/// # Errors
/// Unavailable when the authorities cannot be read.
pub async fn mutual_tls_state(
    state: &State,
    scope: &Scope,
    settings: &EnrollmentSettings,
) -> Result<Option<MutualTlsState>> {
    match settings.device_authentication {
        DeviceAuthentication::Signature => Ok(None),
        DeviceAuthentication::MutualTls => {
            let authorities = state.store.authorities(scope).await?;
            let known = authorities.iter().any(|each| each.issuing && each.tls_since.is_some());
            let is_active = known && state.config.mutual_tls.is_some();
            Ok(Some(if is_active { MutualTlsState::Active } else { MutualTlsState::Pending }))
        }
    }
}

/// The rule, and a password that is yet to be kept.
fn removal(
    state: &State,
    before: &EnrollmentSettings,
    removal: Removal,
) -> Result<(RemovalRule, Option<Secret<String>>)> {
    match removal {
        Removal::Always => Ok((RemovalRule::Always, None)),
        Removal::WithPassword(Some(password)) => {
            let text = password.expose();
            if !PASSWORD.contains(&text.chars().count()) || text.chars().any(char::is_control) {
                let (least, most) = (PASSWORD.start(), PASSWORD.end());
                let message = format!("A removal password has {least} to {most} characters, on one line.");
                return Err(Error::malformed("removal-password", message).at("removal.password"));
            }
            let id: KeyId = state.random.id();
            Ok((RemovalRule::WithPassword(id), Some(password)))
        }
        Removal::WithPassword(None) => match &before.removal {
            kept @ RemovalRule::WithPassword(_) => Ok((kept.clone(), None)),
            RemovalRule::Always => {
                Err(Error::malformed("removal-password", "The password that removes the profile is missing.")
                    .at("removal.password"))
            }
        },
        Removal::Never => Err(Error::malformed(
            "removal-never",
            "Devices refuse this: a profile containing an MDM payload must be removable.",
        )
        .at("removal.rule")
        .next(
            "Choose \"always\" or \"with-password\". Only Apple's automated enrollment can forbid removal.",
        )),
    }
}

/// The DER of the one authority in a PEM text.
fn authority(pem: &str) -> Result<Vec<u8>> {
    let refuse = |message: &str| {
        Error::malformed("trusted-authority", message)
            .at("trusted_authority")
            .next("Give the PEM certificate of the authority that issued this server's TLS certificate.")
    };
    let certificates = X509::stack_from_pem(pem.as_bytes())
        .map_err(|cause| refuse("This is not a certificate in PEM.").because(cause))?;
    let [found] = certificates.as_slice() else {
        return Err(refuse("Exactly one certificate is needed."));
    };
    if !certificate::is_authority(found) {
        return Err(refuse("This is not the certificate of an authority."));
    }
    found.to_der().map_err(Error::internal)
}
