//! Stands for Apple's push certificate portal, identity.apple.com/pushcert.
//!
//! It has two authorities of its own: one issues push certificates, the other the test vendor's certificate, which
//! signs the requests. Everything it makes says "Pomarium Test" in its issuer.

pub(crate) mod authority;
mod check;
mod files;
#[cfg(test)]
pub(crate) mod fixture;
mod page;
mod register;
mod routes;
#[cfg(test)]
mod tests;
mod upload;
mod vendor;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Name, X509Req};
use shared::time::{Clock, DAY, SignedDuration};
use shared::{Error, Result};

use authority::{Authority, Use};
use files::Files;

pub use check::Checked;
pub use register::Row;
pub use routes::router;
pub use vendor::Vendor;

/// The portal. Clones are the same portal.
#[derive(Clone)]
pub struct Portal(Arc<Inner>);

struct Inner {
    clock: Clock,
    files: Files,
    issuer_root: Authority,
    issuer: Authority,
    vendor_root: Authority,
    vendor_intermediate: Authority,
    /// Held while reading and writing the register or the vendor.
    writing: Mutex<()>,
}

/// A certificate fresh from the portal.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The Subject UID, which is the topic.
    pub uid: String,
    /// The certificate alone, as Apple delivers it.
    pub pem: String,
}

/// Why the portal did not do what it was asked.
#[derive(Debug)]
pub enum Refusal {
    /// The uploaded file is wrong: each fault in one sentence.
    Faults(Vec<String>),
    /// No certificate has this UID.
    Unknown,
    /// The portal itself failed.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Portal {
    /// Opens the portal kept in `directory`, or makes a new one there; without a directory, one in memory.
    ///
    /// # Errors
    /// Internal when the directory cannot be read or written, or holds something else.
    pub fn create(directory: Option<PathBuf>, clock: Clock) -> Result<Self> {
        let files = Files::open(directory).map_err(Error::internal)?;
        let issuer_root = keep(&files, "issuer-root.pem", || Authority::root("Pomarium Test Push Root"))?;
        let issuer =
            keep(&files, "issuer.pem", || issuer_root.intermediate("Pomarium Test Application Integration"))?;
        let vendor_root = keep(&files, "vendor-root.pem", || Authority::root("Pomarium Test Vendor Root"))?;
        let vendor_intermediate = keep(&files, "vendor-intermediate.pem", || {
            vendor_root.intermediate("Pomarium Test Developer Relations")
        })?;
        let writing = Mutex::default();
        Ok(Self(Arc::new(Inner {
            clock,
            files,
            issuer_root,
            issuer,
            vendor_root,
            vendor_intermediate,
            writing,
        })))
    }

    /// What a push certificate chains to: root and intermediate, because Apple delivers the leaf alone.
    pub fn issuer_roots(&self) -> Vec<X509> {
        vec![self.0.issuer_root.certificate.clone(), self.0.issuer.certificate.clone()]
    }

    /// Checks an uploaded file without issuing anything.
    ///
    /// # Errors
    /// Everything that is wrong with it, each in one sentence.
    pub fn check(&self, file: &str) -> Result<Checked, Vec<String>> {
        check::check(file, &self.0.vendor_root.certificate, self.0.clock.now())
    }

    /// Issues a certificate with a new UID: the button *Create*.
    ///
    /// # Errors
    /// [`Refusal::Faults`] when the file is wrong.
    pub fn issue(&self, file: &str) -> Result<Issued, Refusal> {
        let checked = self.check(file).map_err(Refusal::Faults)?;
        let mut entropy = [0; 16];
        openssl::rand::rand_bytes(&mut entropy).map_err(Error::internal)?;
        let uuid = uuid::Builder::from_random_bytes(entropy).into_uuid();
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.sign(&checked, format!("com.apple.mgmt.External.{uuid}"))?)
    }

    /// Issues a certificate with a known UID: the button *Renew*. The key may be a new one.
    ///
    /// # Errors
    /// [`Refusal::Faults`] when the file is wrong or the certificate was revoked, [`Refusal::Unknown`] for a
    /// foreign UID.
    pub fn renew(&self, uid: &str, file: &str) -> Result<Issued, Refusal> {
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let row = self.find(uid)?.ok_or(Refusal::Unknown)?;
        if row.revoked {
            return Err(Refusal::Faults(vec!["This certificate was revoked. Create a new one.".to_owned()]));
        }
        let checked = self.check(file).map_err(Refusal::Faults)?;
        Ok(self.sign(&checked, row.uid)?)
    }

    /// Every certificate, oldest first.
    ///
    /// # Errors
    /// Internal when the register cannot be read.
    pub fn list(&self) -> Result<Vec<Row>> {
        register::read(&self.0.files)
    }

    /// The certificate with this UID, if there is one.
    ///
    /// # Errors
    /// Internal when the register cannot be read.
    pub fn find(&self, uid: &str) -> Result<Option<Row>> {
        Ok(self.list()?.into_iter().find(|row| row.uid == uid))
    }

    /// Marks a certificate as revoked for good.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] for a foreign UID.
    pub fn revoke(&self, uid: &str) -> Result<(), Refusal> {
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let row = self.find(uid)?.ok_or(Refusal::Unknown)?;
        Ok(register::put(&self.0.files, Row { revoked: true, ..row })?)
    }

    /// Signs and registers; the caller holds the lock.
    fn sign(&self, checked: &Checked, uid: String) -> Result<Issued> {
        let now = self.0.clock.now();
        let expires_at = now + SignedDuration::from_secs(365 * DAY);
        let certificate = subject(&checked.request, &uid)
            .and_then(|subject| {
                let key = checked.request.public_key()?;
                self.0.issuer.issue(&subject, &key, Use::Client { now, not_after: expires_at })
            })
            .map_err(Error::internal)?;
        let pem = pem(&certificate)?;
        let serial = certificate.serial_number().to_bn().and_then(|serial| serial.to_hex_str());
        let serial = serial.map_err(Error::internal)?.to_lowercase();
        let row = Row {
            uid: uid.clone(),
            serial,
            vendor: checked.vendor.clone(),
            expires_at,
            revoked: false,
            pem: pem.clone(),
        };
        register::put(&self.0.files, row)?;
        Ok(Issued { uid, pem })
    }
}

/// UID, CN and C, in Apple's order; the country is the request's.
fn subject(request: &X509Req, uid: &str) -> Result<X509Name, ErrorStack> {
    let uuid = uid.rsplit('.').next().unwrap_or(uid);
    let mut subject = X509Name::builder()?;
    subject.append_entry_by_nid(Nid::USERID, uid)?;
    subject.append_entry_by_nid(Nid::COMMONNAME, &format!("APSP:{uuid}"))?;
    if let Some(country) = request.subject_name().entries_by_nid(Nid::COUNTRYNAME).next() {
        subject.append_entry_by_nid(Nid::COUNTRYNAME, &country.data().to_string()?)?;
    }
    Ok(subject.build())
}

/// Reads certificate and key from a file, or makes them and writes the file.
fn keep(
    files: &Files,
    name: &str,
    make: impl FnOnce() -> Result<Authority, ErrorStack>,
) -> Result<Authority> {
    match load(files, name)? {
        Some(kept) => Ok(kept),
        None => save(files, name, make),
    }
}

fn load(files: &Files, name: &str) -> Result<Option<Authority>> {
    let Some(content) = files.read(name).map_err(Error::internal)? else { return Ok(None) };
    let certificate = X509::from_pem(&content).map_err(Error::internal)?;
    let key = PKey::private_key_from_pem(&content).map_err(Error::internal)?;
    Ok(Some(Authority { certificate, key }))
}

fn save(
    files: &Files,
    name: &str,
    make: impl FnOnce() -> Result<Authority, ErrorStack>,
) -> Result<Authority> {
    let made = make().map_err(Error::internal)?;
    let mut content = made.certificate.to_pem().map_err(Error::internal)?;
    content.extend(made.key.private_key_to_pem_pkcs8().map_err(Error::internal)?);
    files.write(name, content).map_err(Error::internal)?;
    Ok(made)
}

fn pem(certificate: &X509) -> Result<String> {
    let pem = certificate.to_pem().map_err(Error::internal)?;
    String::from_utf8(pem).map_err(Error::internal)
}
