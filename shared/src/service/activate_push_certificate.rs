//! Making a push certificate the active one, and going back.

use super::check_push_certificate::check;
use super::export_push_certificate::keep_for_export;
use super::stage_push_certificate::review_of;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::push_certificates::{InstalledCertificate, Source, nothing_staged};
use crate::domain::push_verdict::LiveCheck;
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::store::push_certificate_changed;

/// What the person who activates has confirmed.
#[derive(Clone, Debug, Default)]
pub struct Confirmation {
    /// The certificate that was reviewed; another upload meanwhile is then refused.
    pub fingerprint: Option<Fingerprint>,
    /// For a Replacement: the number of devices that will be silenced.
    pub orphans: Option<u64>,
    /// Opts in to, or out of, expiry mails.
    pub expiry_mails: Option<bool>,
    /// The password for its export, where it is to be had later.
    pub export_password: Option<Secret<String>>,
    /// Why to activate although Apple's push service does not accept it, or cannot be asked.
    pub override_check: Option<OverrideReason>,
}

/// What an activation did.
#[derive(Clone, Debug)]
pub struct Activated {
    /// The active certificate.
    pub installed: InstalledCertificate,
    /// What it is to the one before.
    pub source: Source,
    /// What Apple's push service said about it.
    pub check: LiveCheck,
}

/// Why somebody activates a certificate that failed its check: one line, kept in the audit log.
#[derive(Clone, Debug)]
pub struct OverrideReason(String);

/// Longest reason, in characters.
const LONGEST_REASON: usize = 200;

impl OverrideReason {
    /// Reads a reason.
    ///
    /// # Errors
    /// Malformed when it is empty, longer than 200 characters, or holds control characters.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let fits =
            !text.is_empty() && text.chars().count() <= LONGEST_REASON && !text.chars().any(char::is_control);
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::malformed(
            "bad-override-reason",
            format!("The reason must be one line of 1 to {LONGEST_REASON} characters."),
        )
        .at("override_check")
        .next("Say why it must be activated all the same, or leave the field out."))
    }
}

/// Makes the staged certificate the active one, at once, after Apple's push service has accepted it. Enrollments on
/// another topic keep being pushed with their own.
///
/// # Errors
/// Conflict when nothing is staged, when another upload was staged after the review, when a Replacement was not
/// confirmed with the right number, when the check with Apple failed and was not overridden, or when somebody else
/// changed the certificates at the same time.
pub async fn activate_push_certificate(
    state: &State,
    scope: &Scope,
    confirmation: &Confirmation,
) -> Result<Activated> {
    let all = state.store.push_certificates(scope).await?;
    let staged = all.staged.clone().ok_or_else(nothing_staged)?;
    if confirmation.fingerprint.is_some_and(|reviewed| reviewed != staged.certificate.fingerprint) {
        return Err(Error::conflict(
            "staged-changed",
            "Another certificate was uploaded after the one you reviewed.",
        )
        .at("fingerprint")
        .next("Review what is staged now."));
    }
    let review = review_of(state, scope, &all, staged).await?;
    if review.source == Source::Replacement && confirmation.orphans != Some(review.orphans) {
        return Err(replacement(review.orphans));
    }
    // Last of all, and before anything is written: it costs seconds, and nobody should wait for it to hear of a typing error.
    let check = check(state, scope, &review.staged).await?;
    if !check.ok && confirmation.override_check.is_none() {
        return Err(check_failed(&check));
    }
    let export = confirmation.export_password.as_ref();
    let (active, installed) = all.activate(state.clock.now(), export.is_some())?;
    if let (Some(password), Some(staged)) = (export, &all.staged) {
        keep_for_export(state, scope, staged, password).await?;
    }
    let mut audit = audit(state, scope, AuditAction::PushCertificateActivated, &installed)
        .with("source", format!("{:?}", review.source))
        .with("check", &check.meaning);
    if let Some(OverrideReason(reason)) = confirmation.override_check.as_ref().filter(|_| !check.ok) {
        audit = audit.with("override", reason);
    }
    state.store.activate(scope, &active, &installed, Some((&all, confirmation.expiry_mails)), &audit).await?;
    state.push_certificates.forget(scope.tenant());
    log(scope, "activated", &installed);
    Ok(Activated { installed, source: review.source, check })
}

/// Goes back to the certificate that was active before. Undoing a Replacement silences, like the Replacement itself,
/// the devices that have enrolled since: `orphans` confirms their number, unless there are none. `wanted` says which
/// certificate that is: whoever repeats a call whose answer was lost stays there.
///
/// # Errors
/// Conflict when there is none, when it has expired, when devices have enrolled on the present topic and their number
/// was not confirmed, or when somebody else changed the certificates at the same time.
pub async fn roll_back_push_certificate(
    state: &State,
    scope: &Scope,
    wanted: Option<Fingerprint>,
    orphans: Option<u64>,
) -> Result<InstalledCertificate> {
    let all = state.store.push_certificates(scope).await?;
    if let (Some(wanted), Some(present)) = (wanted, all.active())
        && present.certificate.fingerprint == wanted
    {
        return Ok(present.clone());
    }
    let (active, installed) = all.roll_back(state.clock.now())?;
    if wanted.is_some_and(|wanted| wanted != installed.certificate.fingerprint) {
        return Err(push_certificate_changed());
    }
    let present = all.active().map(|present| &present.certificate.topic);
    if let Some(topic) = present.filter(|topic| **topic != installed.certificate.topic) {
        let silenced = state.store.count_devices_on(scope, topic).await?;
        if silenced > 0 && orphans != Some(silenced) {
            return Err(not_going_back(silenced));
        }
    }
    let audit = audit(state, scope, AuditAction::PushCertificateRolledBack, &installed);
    state.store.activate(scope, &active, &installed, None, &audit).await?;
    state.push_certificates.forget(scope.tenant());
    log(scope, "rolled back", &installed);
    Ok(installed)
}

fn audit(state: &State, scope: &Scope, action: AuditAction, installed: &InstalledCertificate) -> AuditEntry {
    let certificate = &installed.certificate;
    state.audit(scope, action).with("topic", &certificate.topic).with("fingerprint", certificate.fingerprint)
}

fn log(scope: &Scope, what: &str, installed: &InstalledCertificate) {
    tracing::info!(
        tenant = %scope.tenant(),
        actor = %scope.actor(),
        topic = %installed.certificate.topic,
        fingerprint = %installed.certificate.fingerprint,
        "push certificate {what}"
    );
}

fn listeners(count: u64) -> String {
    if count == 1 { "1 enrolled device listens".into() } else { format!("{count} enrolled devices listen") }
}

fn not_going_back(orphans: u64) -> Error {
    let devices = listeners(orphans);
    Error::conflict(
        "replacement-not-confirmed",
        format!("Going back changes the topic: {devices} on the present one and must enroll again."),
    )
    .at("confirm_orphaned")
    .next(format!("To go back all the same, send \"confirm_orphaned\": {orphans}."))
}

fn check_failed(check: &LiveCheck) -> Error {
    Error::conflict("live-check-failed", format!("Nothing was activated. {}", check.meaning)).next(
        "To activate it all the same, send \"override_check\" with the reason. Devices cannot be woken with a \
         certificate that Apple refuses.",
    )
}

fn replacement(orphans: u64) -> Error {
    let devices = listeners(orphans);
    Error::conflict(
        "replacement-not-confirmed",
        format!("This is a Replacement, not a Renewal: {devices} on the present topic and must enroll again."),
    )
    .at("confirm_orphaned")
    .next(format!(
        "To keep them, choose Renew for the present row in Apple's portal instead. To replace all the same, send \
         \"confirm_orphaned\": {orphans}."
    ))
}
