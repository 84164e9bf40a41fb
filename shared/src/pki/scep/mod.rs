//! The Simple Certificate Enrolment Protocol (RFC 8894), both sides, as messages.
//!
//! Server: [`SignedMessage::read`], [`SignedMessage::open`], then [`reply::success`] or [`reply::failure`].
//! Client (the simulated device and the tests): [`client`].

pub mod client;
pub mod reply;
pub mod request;

mod attribute;
mod challenge;
mod envelope;
mod signed_data;

pub use envelope::Cipher;
pub use request::{PkiMessage, Proof, SignedMessage, Transaction};

/// The answer to `GetCACaps` (RFC 8894, 3.5.2), one capability a line.
pub const CAPABILITIES: &str = "AES\nDES3\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-1\nSHA-256\n";

/// What a message is (RFC 8894, 3.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// The server's answer.
    CertRep,
    /// A request signed by the certificate it shall replace.
    RenewalReq,
    /// A request signed by a self-signed certificate of the same key (macOS renews with it, too).
    PkcsReq,
    /// Asks again for a request that was pending; nothing is ever pending here.
    CertPoll,
    /// Asks for a certificate.
    GetCert,
    /// Asks for a revocation list.
    GetCrl,
}

impl MessageType {
    const ALL: [Self; 6] =
        [Self::CertRep, Self::RenewalReq, Self::PkcsReq, Self::CertPoll, Self::GetCert, Self::GetCrl];

    fn number(self) -> &'static str {
        match self {
            Self::CertRep => "3",
            Self::RenewalReq => "17",
            Self::PkcsReq => "19",
            Self::CertPoll => "20",
            Self::GetCert => "21",
            Self::GetCrl => "22",
        }
    }

    fn from_number(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|message_type| message_type.number() == number)
    }
}

/// Why a request is refused (RFC 8894, 3.2.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailInfo {
    /// An algorithm is not supported.
    BadAlg,
    /// A signature does not verify, or the envelope does not open.
    BadMessageCheck,
    /// The request is not permitted.
    BadRequest,
    /// The signing time is not close enough; not used, devices' clocks are wrong.
    BadTime,
    /// No certificate fits.
    BadCertId,
}

impl FailInfo {
    const ALL: [Self; 5] =
        [Self::BadAlg, Self::BadMessageCheck, Self::BadRequest, Self::BadTime, Self::BadCertId];

    fn number(self) -> &'static str {
        match self {
            Self::BadAlg => "0",
            Self::BadMessageCheck => "1",
            Self::BadRequest => "2",
            Self::BadTime => "3",
            Self::BadCertId => "4",
        }
    }

    fn from_number(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }
}

#[cfg(test)]
mod tests;
