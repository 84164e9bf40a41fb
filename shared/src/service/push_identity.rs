//! A push certificate with its key: what opens the connection to Apple's push service.

use super::secret_path;
use crate::domain::push_verdict::Verdict;
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::pki::key;
use crate::pki::push_certificate::PushCertificate;
use crate::port::apns::{Outcome, PushIdentity};
use crate::scope::Scope;
use crate::state::State;

pub(super) async fn push_identity(
    state: &State,
    scope: &Scope,
    certificate: &PushCertificate,
    key: &KeyId,
) -> Result<PushIdentity> {
    let path = secret_path::push_key(scope.tenant(), key);
    let pem = state.secrets.get(&path).await?.ok_or_else(|| Error::internal(format!("{path} is missing")))?;
    Ok(PushIdentity {
        fingerprint: certificate.fingerprint,
        certificate: certificate.x509()?,
        chain: Vec::new(),
        key: key::read(pem.expose(), None)?,
    })
}

/// What a push says about its certificate: a device that is gone proves it as good as one that is there.
pub(super) fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Accepted { .. } | Outcome::DeviceGone { .. } => Verdict::Good,
        Outcome::CertificateRefused { reason } => Verdict::Refused(reason.clone()),
        Outcome::Retry { reason, .. } | Outcome::Rejected { reason, .. } => Verdict::Unclear(reason.clone()),
    }
}
