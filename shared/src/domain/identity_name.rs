//! The common name of an identity that this server issues: which link obtained it, and how.

use std::fmt;

use openssl::nid::Nid;
use openssl::x509::X509Ref;

use crate::id::LinkId;
use crate::pki::certificate::name_value;

/// How a device came to an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// It made a key and asked for the certificate.
    Requested,
    /// Key and certificate came inside a profile.
    Carried,
    /// It only proves a device between the phases of its enrollment, and may sign nothing else.
    Phase,
}

/// The common name of an identity. Every message of the device brings it along, so what it says costs no read; only an
/// authority of the tenant's own wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityName {
    /// How the device came to it.
    pub kind: IdentityKind,
    /// The link.
    pub link: LinkId,
    /// Which profile of the link; `None` for a link for one device, whose profile is always the same.
    pub number: Option<u32>,
}

impl IdentityKind {
    const ALL: [Self; 3] = [Self::Requested, Self::Carried, Self::Phase];

    /// What stands before the link.
    fn word(self) -> &'static str {
        match self {
            Self::Requested => "Device",
            Self::Carried => "Profile",
            Self::Phase => "Enrolling",
        }
    }
}

impl IdentityName {
    /// The name of a certificate's holder; `None` when it is none of these.
    pub fn of(certificate: &X509Ref) -> Option<Self> {
        Self::parse(&name_value(certificate.subject_name(), Nid::COMMONNAME)?)
    }

    /// Reads a common name; `None` when it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, name) = text.split_once(' ')?;
        let kind = IdentityKind::ALL.into_iter().find(|kind| kind.word() == word)?;
        let (link, number) = match name.split_once('-') {
            Some((link, number)) => (link, Some(number.parse().ok()?)),
            None => (name, None),
        };
        Some(Self { kind, link: link.parse().ok()?, number })
    }
}

impl fmt::Display for IdentityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, link, number } = self;
        write!(f, "{} {link}", kind.word())?;
        number.map_or(Ok(()), |number| write!(f, "-{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for kind in IdentityKind::ALL {
            for number in [None, Some(7)] {
                let name = IdentityName { kind, link: LinkId::from([3; 10]), number };
                assert_eq!(IdentityName::parse(&name.to_string()), Some(name));
            }
        }
    }

    #[test]
    fn another_name_is_nobodys() {
        for text in ["", "Device", "Device x", "Tablet aaaaaaaaaaaaaaaa", "Device aaaaaaaaaaaaaaaa-x"] {
            assert_eq!(IdentityName::parse(text), None, "{text}");
        }
    }
}
