//! Handing out a push certificate with its key, to who knows the password that was chosen at its activation.

use super::{push_key, secret_path};
use crate::domain::audit::AuditAction;
use crate::domain::export_tries::ExportTries;
use crate::domain::push_certificates::{InstalledCertificate, PushCertificates, StagedCertificate};
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::pki::export;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The PKCS#12 file, behind its password.
    pub pfx: Secret<Vec<u8>>,
    /// The same in PEM, the key without protection.
    pub pem: Secret<Vec<u8>>,
}

/// Keeps what is about to be activated for export, behind a password. The password itself is kept nowhere.
///
/// # Errors
/// Unavailable when the secret store does not answer.
pub(super) async fn keep_for_export(
    state: &State,
    scope: &Scope,
    staged: &StagedCertificate,
    password: &Secret<String>,
) -> Result<()> {
    let private = push_key::read(state, scope, &staged.key).await?;
    let file = export::lock(&staged.certificate, &private, password)?;
    state.secrets.put(&secret_path::push_export(scope.tenant(), &staged.key), &file).await
}

/// Opens an installed certificate's export, the active one's unless `fingerprint` says otherwise. Five wrong passwords
/// lock it for 15 minutes.
///
/// # Errors
/// NotFound for a certificate that is not the tenant's; Conflict when no password was chosen; RateLimited when it is
/// locked; Malformed when the password is wrong.
pub async fn export_push_certificate(
    state: &State,
    scope: &Scope,
    fingerprint: Option<Fingerprint>,
    password: &Secret<String>,
) -> Result<Exported> {
    let all = state.store.push_certificates(scope).await?;
    let installed = find(&all, fingerprint)?;
    let path = secret_path::push_export(scope.tenant(), &installed.key);
    let kept = if installed.exportable { state.secrets.get(&path).await? } else { None };
    let pfx = kept.ok_or_else(not_exportable)?;
    let certificate = installed.certificate.fingerprint;
    let tries = count_try(state, scope, &certificate).await?;
    let Some(pem) = export::unlock(&pfx, password)? else {
        return Err(wrong_password(tries.left()));
    };
    let audit = state.audit(scope, AuditAction::PushCertificateExported).with("fingerprint", certificate);
    state.store.forget_export_tries(scope, &certificate, &audit).await?;
    Ok(Exported { pfx, pem })
}

fn find(all: &PushCertificates, fingerprint: Option<Fingerprint>) -> Result<&InstalledCertificate> {
    let found = match fingerprint {
        Some(wanted) => all.installed.iter().find(|installed| installed.certificate.fingerprint == wanted),
        None => all.active(),
    };
    found.ok_or_else(|| Error::not_found("push certificate"))
}

async fn count_try(state: &State, scope: &Scope, certificate: &Fingerprint) -> Result<ExportTries> {
    let audit = state.audit(scope, AuditAction::PushCertificateExportTried).with("fingerprint", certificate);
    // Whoever comes in between has used up a try, so that this ends.
    loop {
        let before = state.store.export_tries(scope, certificate).await?;
        let tries = ExportTries::another(before, state.clock.now())?;
        if state.store.count_export_try(scope, certificate, before, tries, &audit).await? {
            return Ok(tries);
        }
    }
}

fn not_exportable() -> Error {
    Error::conflict(
        "export-password-missing",
        "No password was chosen when this certificate was activated, so it cannot be exported.",
    )
    .next("Renew it at Apple's portal and give a password when you activate the renewed one.")
}

fn wrong_password(left: u32) -> Error {
    let then = if left == 0 {
        "The export is locked for 15 minutes now.".into()
    } else {
        format!("Tries left: {left}.")
    };
    Error::malformed("export-password-wrong", "The password is not the one chosen at the activation.")
        .at("password")
        .next(then)
}
