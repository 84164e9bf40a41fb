//! The authorities whose certificates a gateway accepts in the TLS handshake: one PEM file for all tenants.

use openssl::x509::X509;

use crate::error::{Error, Result};

/// How many certificates API Gateway takes in one file, and how many bytes
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html>).
pub const LIMITS: Limits = Limits { certificates: 1_000, bytes: 1_000_000 };

/// What a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Certificates.
    pub certificates: usize,
    /// Bytes.
    pub bytes: usize,
}

/// A file, and what went into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustBundle {
    /// The file.
    pub pem: Vec<u8>,
    /// Which of the certificates are in it, in the order they were given.
    pub taken: Vec<bool>,
    /// How many certificates are in it.
    pub count: usize,
}

impl TrustBundle {
    /// As many of these certificates (DER) as there is room for; the first ones have precedence. The file's order is another
    /// one, so that the same certificates are the same file.
    ///
    /// # Errors
    /// Internal when one is no certificate.
    pub fn build<'a>(certificates: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Result<Self> {
        let mut bundle = Self::default();
        let (mut parts, mut bytes) = (Vec::<Vec<u8>>::new(), 0);
        for der in certificates {
            let pem = X509::from_der(der).and_then(|read| read.to_pem()).map_err(Error::internal)?;
            let is_there = parts.contains(&pem);
            let fits = parts.len() < limits.certificates && bytes + pem.len() <= limits.bytes;
            bundle.taken.push(is_there || fits);
            if fits && !is_there {
                bytes += pem.len();
                parts.push(pem);
            }
        }
        parts.sort_unstable();
        bundle.count = parts.len();
        bundle.pem = parts.concat();
        Ok(bundle)
    }

    /// Whether nine tenths of the room are used.
    pub fn is_filling(&self, limits: Limits) -> bool {
        self.count * 10 >= limits.certificates * 9 || self.pem.len() * 10 >= limits.bytes * 9
    }

    /// How many certificates found no room.
    pub fn left_out(&self) -> usize {
        self.taken.iter().filter(|taken| !**taken).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::pki::authority::{AuthoritySubject, create};

    fn authorities(count: u8) -> Vec<Vec<u8>> {
        let key = fixture::key(0);
        let subject = |number| AuthoritySubject {
            common_name: format!("School {number}"),
            organization: "School".to_owned(),
            country: None,
        };
        let made =
            (0..count).map(|number| create(&subject(number), key, [number; 16], *fixture::NOW).unwrap());
        made.map(|certificate| certificate.to_der().unwrap()).collect()
    }

    fn build(all: &[Vec<u8>], limits: Limits) -> TrustBundle {
        TrustBundle::build(all.iter().map(Vec::as_slice), limits).unwrap()
    }

    #[test]
    fn the_same_certificates_are_the_same_file_in_any_order_and_each_is_there_once() {
        let mut all = authorities(3);
        let first = build(&all, LIMITS);
        assert_eq!((first.count, X509::stack_from_pem(&first.pem).unwrap().len()), (3, 3));
        all.reverse();
        all.push(all[0].clone());
        let again = build(&all, LIMITS);
        assert_eq!((again.pem, again.taken), (first.pem, vec![true; 4]));
        assert_eq!(build(&[], LIMITS), TrustBundle::default());
        assert!(TrustBundle::build([&b"no certificate"[..]], LIMITS).is_err());
    }

    #[test]
    fn who_comes_first_has_room_and_a_full_file_is_seen_before_it_is_full() {
        let all = authorities(10);
        let limits = Limits { certificates: 10, bytes: 1_000_000 };
        assert!(!build(&all[..8], limits).is_filling(limits));
        assert!(build(&all[..9], limits).is_filling(limits));
        let few = build(&all, Limits { certificates: 4, ..limits });
        assert_eq!((few.count, few.left_out()), (4, 6));
        assert_eq!(few.taken, [[true; 4].as_slice(), &[false; 6]].concat());
        let one = build(&all[..1], limits).pem.len();
        let tight = Limits { bytes: one * 5 / 2, ..limits };
        assert_eq!(build(&all, tight).count, 2);
        assert!(
            build(&all, Limits { bytes: one * 10 / 9, ..limits })
                .is_filling(Limits { bytes: one * 10 / 9, ..limits })
        );
    }
}
