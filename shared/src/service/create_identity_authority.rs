//! The tenant's own certificate authorities: the "self-signed certificate for Apple MDM".

use openssl::x509::{X509, X509Name};

use super::secret_path;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::identity::IdentityAuthority;
use crate::error::{Error, Result};
use crate::id::{AuthorityId, Fingerprint};
use crate::pki::authority::{self, AuthoritySubject, Identity};
use crate::pki::{Credential, certificate, key, validity};
use crate::scope::Scope;
use crate::state::State;

/// Makes the tenant's issuing authority, and the certificate that signs its profiles with a key of its own.
///
/// Where the tenant has one, `replaces` must name it. That one issues no more, but is trusted until it is retired, so that
/// devices move over at their renewal.
///
/// # Errors
/// Malformed, naming the subject's field; Conflict when another one issues than `replaces` says.
pub async fn create_identity_authority(
    state: &State,
    scope: &Scope,
    subject: &AuthoritySubject,
    replaces: Option<&AuthorityId>,
) -> Result<IdentityAuthority> {
    let subject = subject.checked()?;
    let authorities = state.store.authorities(scope).await?;
    let former = authorities.iter().find(|authority| authority.issuing);
    if former.map(|former| &former.id) != replaces {
        return Err(issues_already(former));
    }
    let now = state.clock.now();
    let id: AuthorityId = state.random.id();
    let authority_key = key::generate()?;
    let certificate = authority::create(&subject, &authority_key, state.random.bytes(), now)?;
    let signer_key = key::generate()?;
    let signer_name = name(&format!("{} profiles", subject.organization))?;
    let identity =
        Identity { key: &signer_key, subject: &signer_name, serial: state.random.bytes(), days: 3_650 };
    let credential = Credential { certificate, key: authority_key };
    let signer = authority::issue_profile_signer(&credential, &identity, now)?;
    let Credential { certificate, key: authority_key } = credential;
    // Keys first: a record without its keys would promise what nobody can do.
    state.secrets.put(&secret_path::authority(scope.tenant(), &id), &key::to_pem(&authority_key)?).await?;
    state.secrets.put(&secret_path::profile_signer(scope.tenant(), &id), &key::to_pem(&signer_key)?).await?;
    let record = IdentityAuthority {
        profile_signer: Some(signer.to_der().map_err(Error::internal)?.into()),
        ..record(id, &certificate, subject.common_name, subject.organization, true)?
    };
    let audit = audit(state, scope, AuditAction::IdentityAuthorityCreated, &record);
    let audit = match former {
        Some(former) => audit.with("replaces", &former.id),
        None => audit,
    };
    if !state.store.create_issuing_authority(scope, &record, former, &audit).await? {
        return Err(issues_already(None));
    }
    state.authorities.forget(scope.tenant());
    Ok(record)
}

fn issues_already(issuing: Option<&IdentityAuthority>) -> Error {
    match issuing {
        Some(issuing) => Error::conflict("identity-authority-exists", "This tenant has an authority that issues identities.")
            .at("replaces")
            .next(format!(
                "Use it. To put a new one in its place, send \"replaces\": \"{}\"; devices move over at their renewal.",
                issuing.id
            )),
        None => Error::conflict("identity-authority-exists", "Another authority issues identities meanwhile.")
            .at("replaces")
            .next("Look at the present ones and decide again."),
    }
}

/// Trusts the authority of another server, whose identities the tenant's devices bring along.
///
/// # Errors
/// Malformed when `pem` is not one certificate of an authority; Conflict when it is that of the tenant's own SCEP server.
pub async fn trust_identity_authority(state: &State, scope: &Scope, pem: &str) -> Result<IdentityAuthority> {
    let refuse = |message: &str| {
        Error::malformed("authority-certificate", message)
            .at("certificate")
            .next("Give the PEM certificate of the authority that issued the devices' identities.")
    };
    let certificates = X509::stack_from_pem(pem.as_bytes())
        .map_err(|cause| refuse("This is not a certificate in PEM.").because(cause))?;
    let [found] = certificates.as_slice() else {
        return Err(refuse("Exactly one certificate is needed."));
    };
    let common = certificate::display_name(found.subject_name());
    if !certificate::is_authority(found) {
        return Err(refuse(&format!("\"{common}\" is not the certificate of an authority.")));
    }
    let record = foreign_authority(state, found)?;
    let known = state.store.authorities(scope).await?;
    if known
        .iter()
        .any(|known| known.fingerprint() == record.fingerprint() && known.external && known.is_accepted())
    {
        return Err(Error::conflict(
            "identity-authority-external",
            "This is the authority of your own SCEP server: of its identities only those count that a profile asked for.",
        )
        .at("certificate")
        .next("To have all of them count, choose other enrollment settings and retire it first."));
    }
    let audit = audit(state, scope, AuditAction::IdentityAuthorityTrusted, &record);
    state.store.trust_authority(scope, &record, &audit).await?;
    state.authorities.forget(scope.tenant());
    Ok(record)
}

/// The record of an authority from elsewhere.
pub(super) fn foreign_authority(state: &State, certificate: &X509) -> Result<IdentityAuthority> {
    let common = certificate::display_name(certificate.subject_name());
    record(state.random.id(), certificate, common.clone(), common, false)
}

fn audit(state: &State, scope: &Scope, action: AuditAction, authority: &IdentityAuthority) -> AuditEntry {
    let fingerprint = Fingerprint::of(&authority.certificate);
    state.audit(scope, action).with("authority", &authority.id).with("fingerprint", fingerprint)
}

fn record(
    id: AuthorityId,
    certificate: &X509,
    common_name: String,
    organization: String,
    issuing: bool,
) -> Result<IdentityAuthority> {
    Ok(IdentityAuthority {
        id,
        common_name,
        organization,
        certificate: certificate.to_der().map_err(Error::internal)?.into(),
        issuing,
        external: false,
        replaced_at: None,
        retired_at: None,
        not_after: validity::from_asn1(certificate.not_after()).map_err(Error::internal)?,
        profile_signer: None,
        tls_since: None,
    })
}

fn name(common_name: &str) -> Result<X509Name> {
    let mut name = X509Name::builder().map_err(Error::internal)?;
    // X.520 allows 64 characters.
    let bounded: String = common_name.chars().take(64).collect();
    name.append_entry_by_text("CN", &bounded).map_err(Error::internal)?;
    Ok(name.build())
}
