//! A tenant's push certificates: requested, staged, active, and kept for the enrollments that still listen on them.

use std::collections::BTreeSet;

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
    /// Whether certificate and key are also kept behind a password, for export.
    #[serde(default)]
    pub exportable: bool,
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
    /// A deletion has begun: keys are being destroyed, and nothing but the deletion goes on.
    #[serde(default)]
    pub deleting: bool,
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
        let active = self.active().ok_or_else(missing)?;
        self.refuse_deleting()?;
        refuse_expired(active, now)?;
        Ok(active)
    }

    /// The certificate that reaches enrollments on `topic` now.
    ///
    /// # Errors
    /// Conflict when there is none for that topic, or when it has expired.
    pub fn usable_for(&self, topic: &str, now: Timestamp) -> Result<&InstalledCertificate> {
        self.refuse_deleting()?;
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

    /// The state after activating what is staged, which is kept for export or not.
    ///
    /// # Errors
    /// Conflict when nothing is staged, when it has expired meanwhile, or as [`Self::classify`] says.
    pub fn activate(
        &self,
        now: Timestamp,
        exportable: bool,
    ) -> Result<(ActiveCertificate, InstalledCertificate)> {
        let staged = self.staged.as_ref().ok_or_else(nothing_staged)?;
        self.refuse_deleting()?;
        self.classify(&staged.certificate)?;
        let installed = InstalledCertificate {
            certificate: staged.certificate.clone(),
            key: staged.key.clone(),
            activated_at: now,
            exportable,
        };
        refuse_expired(&installed, now)?;
        Ok((self.point_at(staged.certificate.fingerprint), installed))
    }

    /// The state after going back to what was active before.
    ///
    /// # Errors
    /// Conflict when there is nothing to go back to, or when it has expired.
    pub fn roll_back(&self, now: Timestamp) -> Result<(ActiveCertificate, InstalledCertificate)> {
        self.refuse_deleting()?;
        let previous = self.active.as_ref().and_then(|active| active.previous.as_ref());
        let former = previous.and_then(|fingerprint| self.find(fingerprint)).ok_or_else(|| {
            Error::conflict("nothing-to-roll-back", "No other certificate was active before this one.")
        })?;
        refuse_expired(former, now)?;
        let installed = InstalledCertificate { activated_at: now, ..former.clone() };
        Ok((self.point_at(former.certificate.fingerprint), installed))
    }

    /// Whether anything here depends on a private key.
    pub fn needs(&self, key: &KeyId) -> bool {
        self.keys().contains(key)
    }

    fn point_at(&self, fingerprint: Fingerprint) -> ActiveCertificate {
        ActiveCertificate {
            fingerprint,
            previous: self.active.as_ref().map(|active| active.fingerprint),
            version: self.active.as_ref().map_or(0, |active| active.version) + 1,
            deleting: false,
        }
    }

    /// Refuses what a deletion that has begun would spoil.
    fn refuse_deleting(&self) -> Result<()> {
        if !self.active.as_ref().is_some_and(|active| active.deleting) {
            return Ok(());
        }
        Err(Error::conflict(
            "push-certificate-deleting",
            "The push certificates of this tenant are being deleted: some of their keys are destroyed already.",
        )
        .next("Repeat the deletion until it is complete. Then begin with a new request."))
    }

    /// The state at the beginning of a deletion; the same where one has begun.
    ///
    /// # Errors
    /// Conflict when there is nothing to delete.
    pub fn begin_deletion(&self) -> Result<ActiveCertificate> {
        let active = self.active.as_ref().ok_or_else(missing)?;
        if active.deleting {
            return Ok(active.clone());
        }
        Ok(ActiveCertificate { version: active.version + 1, deleting: true, ..active.clone() })
    }

    /// Every topic that a certificate was ever active for.
    pub fn topics(&self) -> BTreeSet<&str> {
        self.installed.iter().map(|installed| installed.certificate.topic.as_str()).collect()
    }

    /// The places of all private keys.
    pub fn keys(&self) -> BTreeSet<&KeyId> {
        let kept = self.installed.iter().map(|installed| &installed.key);
        let staged = self.staged.iter().map(|staged| &staged.key);
        let requested = self.request.iter().map(|request| &request.key);
        kept.chain(staged).chain(requested).collect()
    }

    fn find(&self, fingerprint: &Fingerprint) -> Option<&InstalledCertificate> {
        self.installed.iter().find(|installed| installed.certificate.fingerprint == *fingerprint)
    }
}

fn missing() -> Error {
    Error::conflict("push-certificate-missing", "This tenant has no active Apple push certificate.")
        .next("Request one, take the request to Apple's portal, upload what Apple returns, and activate it.")
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
mod tests;
