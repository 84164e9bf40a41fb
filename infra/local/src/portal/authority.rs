//! The simulators' own certificate authorities.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};
use shared::time::Timestamp;

/// Wide enough for every time a test or a demonstration sets the clock to.
const EVER: (&str, &str) = ("20200101000000Z", "20591231235959Z");

/// A certificate authority: a certificate and the key that signs with it.
pub(crate) struct Authority {
    /// The authority's own certificate.
    pub(crate) certificate: X509,
    /// Its key, on P-256: made in no time.
    pub(crate) key: PKey<Private>,
}

/// What a certificate is for, and how long.
#[derive(Clone, Copy)]
pub(crate) enum Use<'a> {
    /// TLS client, or a vendor's signatures: valid from a little before `now` until `not_after`.
    Client {
        /// The present moment.
        now: Timestamp,
        /// The end of validity.
        not_after: Timestamp,
    },
    /// TLS server with this name and the loopback address; valid at any time.
    Server(&'a str),
    /// Signs other certificates; valid at any time.
    Authority,
}

impl Authority {
    /// A self-signed authority.
    pub(crate) fn root(name: &str) -> Result<Self, ErrorStack> {
        let key = p256()?;
        let subject = organization(name)?;
        let certificate = certificate(None, &key, &subject, &key, Use::Authority)?;
        Ok(Self { certificate, key })
    }

    /// An authority under this one.
    pub(crate) fn intermediate(&self, name: &str) -> Result<Self, ErrorStack> {
        let key = p256()?;
        let certificate = self.issue(organization(name)?.as_ref(), &key, Use::Authority)?;
        Ok(Self { certificate, key })
    }

    /// A certificate for `subject` and its public key, with a random serial number.
    pub(crate) fn issue(
        &self,
        subject: &X509NameRef,
        key: &PKeyRef<impl HasPublic>,
        usage: Use<'_>,
    ) -> Result<X509, ErrorStack> {
        certificate(Some(&self.certificate), &self.key, subject, key, usage)
    }
}

/// A new key on P-256.
pub(crate) fn p256() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

/// The subject of everything the simulators own: it must never be taken for Apple's.
pub(crate) fn organization(name: &str) -> Result<X509Name, ErrorStack> {
    let mut subject = X509Name::builder()?;
    subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
    subject.append_entry_by_nid(Nid::ORGANIZATIONNAME, "Pomarium Test")?;
    Ok(subject.build())
}

fn certificate(
    issuer: Option<&X509>,
    issuer_key: &PKey<Private>,
    subject: &X509NameRef,
    key: &PKeyRef<impl HasPublic>,
    usage: Use<'_>,
) -> Result<X509, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let serial = Asn1Integer::from_bn(&serial)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer.map_or(subject, |issuer| issuer.subject_name()))?;
    builder.set_pubkey(key)?;
    set_validity(&mut builder, usage)?;
    append_extensions(&mut builder, issuer, usage)?;
    builder.sign(issuer_key, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn set_validity(builder: &mut X509Builder, usage: Use<'_>) -> Result<(), ErrorStack> {
    let (not_before, not_after) = match usage {
        Use::Client { now, not_after } => {
            (Asn1Time::from_unix(now.as_second() - 600)?, Asn1Time::from_unix(not_after.as_second())?)
        }
        Use::Server(_) | Use::Authority => {
            (Asn1Time::from_str_x509(EVER.0)?, Asn1Time::from_str_x509(EVER.1)?)
        }
    };
    builder.set_not_before(&not_before)?;
    builder.set_not_after(&not_after)
}

fn append_extensions(
    builder: &mut X509Builder,
    issuer: Option<&X509>,
    usage: Use<'_>,
) -> Result<(), ErrorStack> {
    match usage {
        Use::Authority => {
            builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
            builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        }
        Use::Client { .. } | Use::Server(_) => {
            builder.append_extension(BasicConstraints::new().critical().build()?)?;
            builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        }
    }
    match usage {
        Use::Authority => {}
        Use::Client { .. } => builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)?,
        Use::Server(name) => {
            builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
            let context = builder.x509v3_context(issuer.map(AsRef::as_ref), None);
            let names = SubjectAlternativeName::new().dns(name).ip("127.0.0.1").build(&context)?;
            builder.append_extension(names)?;
        }
    }
    let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(identifier)?;
    if let Some(issuer) = issuer {
        let context = builder.x509v3_context(Some(issuer), None);
        let identifier = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(identifier)?;
    }
    Ok(())
}
