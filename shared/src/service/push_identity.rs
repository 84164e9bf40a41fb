//! A push certificate with its key: what opens the connection to Apple's push service.

use super::push_key;
use crate::domain::push_verdict::Verdict;
use crate::error::Result;
use crate::id::KeyId;
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
    Ok(PushIdentity {
        fingerprint: certificate.fingerprint,
        certificate: certificate.x509()?,
        chain: Vec::new(),
        key: push_key::read(state, scope, key).await?,
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
