//! Keys and certificates for the tests of this directory.

use std::sync::{LazyLock, OnceLock};

use openssl::asn1::Asn1Integer;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::BasicConstraints;
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef, X509Req};

use super::csr::{self, Subject};
use super::der::{CONTEXT_0, OCTET_STRING, SEQUENCE, SET, ber_element, wrap};
use super::{Credential, validity};
use crate::time::{DAY, Timestamp, from_unix};

/// 2027-01-15: the present of these tests.
pub(crate) static NOW: LazyLock<Timestamp> = LazyLock::new(|| from_unix(1_800_000_000));

/// Key number 0 to 4, made once: key generation is the slow part.
pub(crate) fn key(number: usize) -> &'static PKey<Private> {
    static KEYS: [OnceLock<PKey<Private>>; 5] = [const { OnceLock::new() }; 5];
    KEYS[number].get_or_init(|| super::key::generate().unwrap())
}

/// A moment this many days from [`NOW`].
pub(crate) fn day(days: i64) -> Timestamp {
    from_unix(NOW.as_second() + days * DAY)
}

pub(crate) fn name(entries: &[(Nid, &str)]) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    for (attribute, value) in entries {
        builder.append_entry_by_nid(*attribute, value).unwrap();
    }
    builder.build()
}

/// A certificate of `key`, valid from `days.0` to `days.1` counted from [`NOW`].
pub(crate) fn certificate(
    subject: &X509NameRef,
    key: &PKey<Private>,
    issuer: (&X509NameRef, &PKey<Private>),
    ca: bool,
    days: (i64, i64),
) -> X509 {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(4_711).and_then(|number| Asn1Integer::from_bn(&number)).unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer.0).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&validity::to_asn1(day(days.0)).unwrap()).unwrap();
    builder.set_not_after(&validity::to_asn1(day(days.1)).unwrap()).unwrap();
    let mut constraints = BasicConstraints::new();
    let constraints = if ca { constraints.critical().ca().build() } else { constraints.build() };
    builder.append_extension(constraints.unwrap()).unwrap();
    builder.sign(issuer.1, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// An authority of key `number`, issued by itself or by another.
pub(crate) fn authority(common_name: &str, number: usize, issuer: Option<(&X509, usize)>) -> X509 {
    let subject = name(&[(Nid::COMMONNAME, common_name), (Nid::ORGANIZATIONNAME, "Test")]);
    let issuer = issuer.map_or((&*subject, number), |(issuer, number)| (issuer.subject_name(), number));
    certificate(&subject, key(number), (issuer.0, key(issuer.1)), true, (-3_000, 3_000))
}

/// A certificate with key `number`.
pub(crate) fn credential(certificate: X509, number: usize) -> Credential {
    Credential { certificate, key: key(number).clone() }
}

/// A root (key 3) and an intermediate (key 4), as Apple has them.
pub(crate) struct Chain {
    pub(crate) root: X509,
    pub(crate) intermediate: X509,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let root = authority("Test Root", 3, None);
        let intermediate = authority("Test Intermediate", 4, Some((&root, 3)));
        Self { root, intermediate }
    }

    /// A push certificate with this UID for key `number`.
    pub(crate) fn leaf(&self, uid: &str, number: usize) -> X509 {
        let subject = name(&[(Nid::USERID, uid), (Nid::COMMONNAME, "APSP:1"), (Nid::COUNTRYNAME, "DE")]);
        self.issue(&subject, number, (-1, 365))
    }

    pub(crate) fn issue(&self, subject: &X509NameRef, number: usize, days: (i64, i64)) -> X509 {
        certificate(subject, key(number), (self.intermediate.subject_name(), key(4)), false, days)
    }
}

/// The bytes with the first occurrence of `old` replaced by `new` of the same length.
pub(crate) fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let place = bytes.windows(old.len()).position(|window| window == old).expect("the bytes hold it");
    let mut changed = bytes.to_vec();
    changed[place..place + old.len()].copy_from_slice(new);
    changed
}

/// DER written again with indefinite lengths and strings in pieces, as Apple's devices do.
pub(crate) fn indefinite(der: &[u8]) -> Vec<u8> {
    let mut rest = der;
    let mut encoded = Vec::new();
    while let Some(element) = ber_element(rest) {
        rest = &rest[element.encoded.len()..];
        match element.tag {
            SEQUENCE | SET | CONTEXT_0 => encoded.extend(open_ended(element.tag, &indefinite(element.body))),
            // [0] IMPLICIT OCTET STRING: the enciphered content.
            0x80 => {
                let pieces = element.body.chunks(100).map(|piece| wrap(OCTET_STRING, &[piece]));
                encoded.extend(open_ended(CONTEXT_0, &pieces.collect::<Vec<_>>().concat()));
            }
            _ => encoded.extend_from_slice(element.encoded),
        }
    }
    encoded
}

fn open_ended(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

/// A school's request, made with the first key.
pub(crate) fn request() -> X509Req {
    let subject = Subject {
        common_name: "School".to_owned(),
        organization: "School".to_owned(),
        organizational_unit: None,
        email: "mdm@school.example".to_owned(),
        country: "DE".to_owned(),
        state: None,
        locality: None,
    };
    csr::build(&subject, key(0)).unwrap()
}
