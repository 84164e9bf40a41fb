//! Where simulated devices come from: the maker's authority, and the certificate that each device has from it. All have ended
//! years ago, as those of Apple's devices have.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::BasicConstraints;
use openssl::x509::{X509, X509NameRef};
use shared::pki::Credential;

use super::error::{DeviceError, Result};
use crate::portal::authority::{organization, p256};

/// As Apple's authority.
const AUTHORITY_LIVED: (&str, &str) = ("20070416225446Z", "20140416225446Z");
/// As a device's certificate that was never renewed.
const DEVICES_LIVED: (&str, &str) = ("20120101000000Z", "20150101000000Z");

/// A maker of devices.
pub struct Factory {
    authority: Credential,
}

impl Factory {
    /// A new one, which nobody trusts yet.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn new() -> Result<Self> {
        let build = || -> Result<_, ErrorStack> {
            let (name, key) = (organization("Test Device CA")?, p256()?);
            let certificate = certificate(&name, &key, (&name, &key), AUTHORITY_LIVED, true)?;
            Ok(Self { authority: Credential { certificate, key } })
        };
        build().map_err(|source| DeviceError::unreadable("the factory's own key", source))
    }

    /// The authority that issues the certificates of its devices.
    pub fn authority(&self) -> &X509 {
        &self.authority.certificate
    }

    /// What a device with this name gets in the factory.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn certify(&self, udid: &str) -> Result<Credential> {
        let build = || -> Result<_, ErrorStack> {
            let (name, key) = (organization(udid)?, p256()?);
            let issuer = (self.authority.certificate.subject_name(), &self.authority.key);
            let certificate = certificate(&name, &key, issuer, DEVICES_LIVED, false)?;
            Ok(Credential { certificate, key })
        };
        build().map_err(|source| DeviceError::unreadable("the factory's own key", source))
    }
}

fn certificate(
    subject: &X509NameRef,
    key: &PKey<Private>,
    issuer: (&X509NameRef, &PKey<Private>),
    lived: (&str, &str),
    is_authority: bool,
) -> Result<X509, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let serial = Asn1Integer::from_bn(&serial)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer.0)?;
    builder.set_pubkey(key)?;
    let (not_before, not_after) = (Asn1Time::from_str_x509(lived.0)?, Asn1Time::from_str_x509(lived.1)?);
    builder.set_not_before(&not_before)?;
    builder.set_not_after(&not_after)?;
    let mut constraints = BasicConstraints::new();
    constraints.critical();
    if is_authority {
        constraints.ca();
    }
    builder.append_extension(constraints.build()?)?;
    builder.sign(issuer.1, MessageDigest::sha256())?;
    Ok(builder.build())
}
