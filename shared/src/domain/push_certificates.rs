//! A tenant's push certificates: requested, staged, active, and kept for the enrollments that still listen on them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::id::{Fingerprint, KeyId};
use crate::pki::own_request::RequestSubject;
use crate::pki::push_certificate::PushCertificate;
use crate::time::Timestamp;

/// Who has the private key of a request until its certificate comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Custody {
    /// The server, in its secret store.
    #[default]
    Kept,
    /// The customer: made here, handed out once behind a password, and not kept.
    Downloaded,
    /// The customer, who made the request elsewhere.
    Own,
}

/// A request made for Apple's portal, whose certificate has not come back yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingRequest {
    /// The private key's place in the secret store, where it is kept, or comes to be with the certificate.
    pub key: KeyId,
    /// What the request says of the tenant.
    pub subject: RequestSubject,
    /// The file for Apple's portal: base64 of the PushCertWebRequest property list.
    pub file: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who has the private key.
    #[serde(default)]
    pub custody: Custody,
    /// The public key, by which a key that is given along is known to be this one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_fingerprint: Option<Fingerprint>,
}

/// A certificate that Apple returned, checked and waiting for its activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StagedCertificate {
    /// Apple's certificate.
    pub certificate: PushCertificate,
    /// The private key's place in the secret store.
    pub key: KeyId,
    /// When it was uploaded.
    pub staged_at: Timestamp,
}

/// A certificate that was activated once. It stays usable for the enrollments on its topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalledCertificate {
    /// Apple's certificate.
    pub certificate: PushCertificate,
    /// The private key's place in the secret store.
    pub key: KeyId,
    /// When it last became active.
    pub activated_at: Timestamp,
}

/// Which certificate new enrollments get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveCertificate {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// What was active before it, to roll back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Fingerprint>,
    /// Counts the changes, so that of two concurrent ones one wins.
    pub version: u64,
}

/// What an upload is, seen from the active certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Source {
    /// The tenant's first.
    New,
    /// The same Subject UID: enrolled devices stay reachable.
    Renewal,
    /// Another Subject UID: devices enrolled before cannot be managed with it.
    Replacement,
}

/// Everything a tenant has in push certificates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushCertificates {
    /// The request at Apple's portal.
    pub request: Option<PendingRequest>,
    /// The upload under review.
    pub staged: Option<StagedCertificate>,
    /// The pointer to the active one.
    pub active: Option<ActiveCertificate>,
    /// Every certificate activated so far.
    pub installed: Vec<InstalledCertificate>,
}

/// A pending request that is given up: cancelled, or replaced by another.
#[derive(Clone, Copy, Debug)]
pub struct GivenUp<'a> {
    /// The request.
    pub request: &'a PendingRequest,
    /// Whether an upload under review needs its private key.
    pub key_is_needed: bool,
}

impl PushCertificates {
    /// The pending request, to be given up.
    pub fn give_up(&self) -> Option<GivenUp<'_>> {
        let request = self.request.as_ref()?;
        let key_is_needed = self.staged.as_ref().is_some_and(|staged| staged.key == request.key);
        Some(GivenUp { request, key_is_needed })
    }

    /// The active certificate.
    pub fn active(&self) -> Option<&InstalledCertificate> {
        self.find(&self.active.as_ref()?.fingerprint)
    }

    /// The certificate to push an enrollment on `topic` with: the active one if it is its topic, else the latest that was.
    pub fn for_topic(&self, topic: &str) -> Option<&InstalledCertificate> {
        self.active().filter(|active| active.certificate.topic == topic).or_else(|| {
            self.installed
                .iter()
                .filter(|installed| installed.certificate.topic == topic)
                .max_by_key(|installed| (installed.activated_at, installed.certificate.not_after))
        })
    }

    /// The active certificate, if devices may enroll on it now.
    ///
    /// # Errors
    /// Conflict when there is none, or when it has expired.
    pub fn usable(&self, now: Timestamp) -> Result<&InstalledCertificate> {
        let active = self.active().ok_or_else(|| {
            Error::conflict("push-certificate-missing", "This tenant has no active Apple push certificate.")
                .next("Request one, take the request to Apple's portal, upload what Apple returns, and activate it.")
        })?;
        refuse_expired(active, now)?;
        Ok(active)
    }

    /// The certificate that reaches enrollments on `topic` now.
    ///
    /// # Errors
    /// Conflict when there is none for that topic, or when it has expired.
    pub fn usable_for(&self, topic: &str, now: Timestamp) -> Result<&InstalledCertificate> {
        let installed = self.for_topic(topic).ok_or_else(|| {
            Error::conflict(
                "push-certificate-topic-unknown",
                format!(
                    "This tenant has no push certificate for the topic {topic} that the device listens on."
                ),
            )
            .next("Upload and activate the certificate of that topic, or enroll the device again.")
        })?;
        refuse_expired(installed, now)?;
        Ok(installed)
    }

    /// What `candidate` is, seen from the active certificate.
    ///
    /// # Errors
    /// Conflict when it is the active certificate itself, or one of the same topic that does not last longer.
    pub fn classify(&self, candidate: &PushCertificate) -> Result<Source> {
        let Some(active) = self.active().map(|active| &active.certificate) else {
            return Ok(Source::New);
        };
        if candidate.topic != active.topic {
            return Ok(Source::Replacement);
        }
        if candidate.serial == active.serial {
            return Err(Error::conflict(
                "push-certificate-same",
                "This is the certificate that is active already.",
            )
            .at("certificate")
            .next("Choose Renew in Apple's portal and upload the file it returns after that."));
        }
        if candidate.not_after <= active.not_after {
            return Err(Error::conflict(
                "push-certificate-older",
                format!(
                    "This certificate ends on {}, not later than the active one ({}).",
                    candidate.not_after, active.not_after
                ),
            )
            .at("certificate")
            .next("Upload the latest certificate that Apple's portal offers for this row."));
        }
        Ok(Source::Renewal)
    }

    /// The state after activating what is staged.
    ///
    /// # Errors
    /// Conflict when nothing is staged, when it has expired meanwhile, or as [`Self::classify`] says.
    pub fn activate(&self, now: Timestamp) -> Result<(ActiveCertificate, InstalledCertificate)> {
        let staged = self.staged.as_ref().ok_or_else(nothing_staged)?;
        self.classify(&staged.certificate)?;
        let installed = InstalledCertificate {
            certificate: staged.certificate.clone(),
            key: staged.key.clone(),
            activated_at: now,
        };
        refuse_expired(&installed, now)?;
        Ok((self.point_at(staged.certificate.fingerprint), installed))
    }

    /// The state after going back to what was active before.
    ///
    /// # Errors
    /// Conflict when there is nothing to go back to, or when it has expired.
    pub fn roll_back(&self, now: Timestamp) -> Result<(ActiveCertificate, InstalledCertificate)> {
        let previous = self.active.as_ref().and_then(|active| active.previous.as_ref());
        let former = previous.and_then(|fingerprint| self.find(fingerprint)).ok_or_else(|| {
            Error::conflict("nothing-to-roll-back", "No other certificate was active before this one.")
        })?;
        refuse_expired(former, now)?;
        let installed = InstalledCertificate { activated_at: now, ..former.clone() };
        Ok((self.point_at(former.certificate.fingerprint), installed))
    }

    fn point_at(&self, fingerprint: Fingerprint) -> ActiveCertificate {
        ActiveCertificate {
            fingerprint,
            previous: self.active.as_ref().map(|active| active.fingerprint),
            version: self.active.as_ref().map_or(0, |active| active.version) + 1,
        }
    }

    fn find(&self, fingerprint: &Fingerprint) -> Option<&InstalledCertificate> {
        self.installed.iter().find(|installed| installed.certificate.fingerprint == *fingerprint)
    }
}

/// The refusal where an upload is needed and there is none.
pub fn nothing_staged() -> Error {
    Error::conflict("nothing-staged", "No uploaded certificate is waiting for activation.")
        .next("Upload the certificate that Apple's portal returned.")
}

fn refuse_expired(installed: &InstalledCertificate, now: Timestamp) -> Result<()> {
    let not_after = installed.certificate.not_after;
    if now < not_after {
        return Ok(());
    }
    Err(Error::conflict(
        "push-certificate-expired",
        format!(
            "The push certificate of this tenant expired on {not_after}: no device can enroll or be managed."
        ),
    )
    .next("Renew it: make a request, choose Renew for the same row in Apple's portal, upload and activate."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY, from_unix};

    fn certificate(topic: &str, serial: &str, days: i64) -> PushCertificate {
        PushCertificate::sample(topic, serial, from_unix(days * DAY))
    }

    fn stage(state: &PushCertificates, certificate: PushCertificate) -> PushCertificates {
        let key = KeyId::from([9; 10]);
        let staged = StagedCertificate { certificate, key, staged_at: from_unix(0) };
        PushCertificates { staged: Some(staged), ..state.clone() }
    }

    fn activated(state: &PushCertificates, certificate: PushCertificate, now: i64) -> PushCertificates {
        let mut next = stage(state, certificate);
        let (active, installed) = next.activate(from_unix(now)).unwrap();
        next.installed.retain(|other| other.certificate.fingerprint != installed.certificate.fingerprint);
        next.installed.push(installed);
        next.active = Some(active);
        next.staged = None;
        next
    }

    #[test]
    fn the_subject_uid_decides_what_an_upload_is() {
        let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
        assert_eq!(PushCertificates::default().classify(&certificate("a", "1", 365)).unwrap(), Source::New);
        assert_eq!(first.classify(&certificate("a", "2", 700)).unwrap(), Source::Renewal);
        assert_eq!(first.classify(&certificate("b", "3", 700)).unwrap(), Source::Replacement);
        assert_eq!(first.classify(&certificate("a", "1", 700)).unwrap_err().code(), "push-certificate-same");
        assert_eq!(first.classify(&certificate("a", "2", 365)).unwrap_err().code(), "push-certificate-older");
    }

    #[test]
    fn enrollments_of_a_replaced_topic_keep_their_certificate() {
        let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
        let replaced = activated(&first, certificate("b", "2", 400), 10);
        assert_eq!(replaced.active().unwrap().certificate.topic, "b");
        assert_eq!(replaced.for_topic("a").unwrap().certificate.serial, "1");
        assert!(replaced.for_topic("c").is_none());
    }

    #[test]
    fn rolling_back_a_renewal_pushes_with_the_former_certificate_again() {
        let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
        let mut renewed = activated(&first, certificate("a", "2", 700), 10);
        assert_eq!(renewed.for_topic("a").unwrap().certificate.serial, "2");
        let (active, _) = renewed.roll_back(from_unix(20)).unwrap();
        assert_eq!(active.version, 3);
        renewed.active = Some(active);
        assert_eq!(renewed.for_topic("a").unwrap().certificate.serial, "1");
    }

    #[test]
    fn nothing_is_used_after_its_end() {
        let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
        assert!(first.usable(from_unix(365 * DAY - 1)).is_ok());
        assert_eq!(first.usable(from_unix(365 * DAY)).unwrap_err().code(), "push-certificate-expired");
        assert_eq!(
            first.usable_for("a", from_unix(365 * DAY)).unwrap_err().code(),
            "push-certificate-expired"
        );
        assert_eq!(first.usable_for("b", from_unix(0)).unwrap_err().code(), "push-certificate-topic-unknown");
        let none = PushCertificates::default();
        assert_eq!(none.usable(from_unix(0)).unwrap_err().code(), "push-certificate-missing");
        assert_eq!(none.activate(from_unix(0)).unwrap_err().code(), "nothing-staged");
        assert_eq!(none.roll_back(from_unix(0)).unwrap_err().code(), "nothing-to-roll-back");
    }
}
