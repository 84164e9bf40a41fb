//! How certificates are shown: never with a key.

use serde::Serialize;
use shared::domain::push_certificates::{InstalledCertificate, Source};
use shared::pki::push_certificate::PushCertificate;
use shared::time::{Timestamp, days_until};
use utoipa::ToSchema;

/// A push certificate's public facts.
#[derive(Serialize, ToSchema)]
pub(crate) struct CertificateView {
    /// The Subject UID: what devices listen on. Keeping it is what makes an upload a Renewal.
    #[schema(example = "com.apple.mgmt.External.3f1b6c1e-0000-4000-8000-000000000000")]
    topic: String,
    /// The row's name in Apple's portal.
    common_name: Option<String>,
    serial_number: String,
    /// SHA-256 of the certificate, in hex.
    fingerprint: String,
    issuer: String,
    #[schema(value_type = String, format = DateTime)]
    not_before: Timestamp,
    /// Renew before this.
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    /// Whole days until then; negative once it is over.
    days_left: i64,
}

impl CertificateView {
    pub(crate) fn new(certificate: &PushCertificate, now: Timestamp) -> Self {
        Self {
            topic: certificate.topic.clone(),
            common_name: certificate.common_name.clone(),
            serial_number: certificate.serial.clone(),
            fingerprint: certificate.fingerprint.to_string(),
            issuer: certificate.issuer.clone(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            days_left: days_until(now, certificate.not_after),
        }
    }
}

/// A certificate that is, or was, active.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstalledView {
    #[serde(flatten)]
    certificate: CertificateView,
    #[schema(value_type = String, format = DateTime)]
    activated_at: Timestamp,
    /// Whether it can be exported with the password chosen at its activation.
    exportable: bool,
}

impl InstalledView {
    pub(crate) fn new(installed: &InstalledCertificate, now: Timestamp) -> Self {
        Self {
            certificate: CertificateView::new(&installed.certificate, now),
            activated_at: installed.activated_at,
            exportable: installed.exportable,
        }
    }
}

/// A source in a person's words.
pub(crate) fn meaning(source: Source, orphans: u64) -> String {
    match source {
        Source::New => "This is the first push certificate of this tenant.".to_owned(),
        Source::Renewal => "This renews the active certificate: enrolled devices stay manageable.".to_owned(),
        Source::Replacement if orphans == 1 => {
            "This replaces the active certificate: 1 enrolled device must enroll again.".to_owned()
        }
        Source::Replacement => {
            format!("This replaces the active certificate: {orphans} enrolled devices must enroll again.")
        }
    }
}
