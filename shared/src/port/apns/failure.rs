//! Why a push got no answer.

use std::time::Duration;

use super::Outcome;

/// A push without an answer. The texts are for the log and hold nothing of the push itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Apple refused our certificate: a TLS alert, or a GOAWAY that names it.
    Refused(String),
    /// No connection could be made, or it is too early to try again.
    Unreachable { reason: String, wait: Duration },
    /// The connection was closed before the request left.
    Unsent(String),
    /// The connection broke under the request after it had served others.
    Broken(String),
    /// The connection broke before it ever answered anything.
    Stillborn(String),
    /// No answer in time, and none to anyone else either, on a connection that used to answer.
    Silent,
    /// No answer in time; the connection may be well.
    Slow,
}

impl Failure {
    /// Whether a new connection deserves one more try: a frozen Lambda thaws with dead sockets.
    pub(super) fn met_a_dead_connection(&self) -> bool {
        match self {
            Self::Unsent(_) | Self::Broken(_) | Self::Silent => true,
            Self::Refused(_) | Self::Unreachable { .. } | Self::Stillborn(_) | Self::Slow => false,
        }
    }

    /// Whether nobody may use this connection again.
    pub(super) fn condemns_the_connection(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Unsent(_) | Self::Broken(_) | Self::Stillborn(_) | Self::Silent => true,
            Self::Unreachable { .. } | Self::Slow => false,
        }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(reason) => Self::CertificateRefused { reason },
            Failure::Unreachable { reason, wait } => Self::Retry { after: Some(wait), reason },
            Failure::Unsent(reason) | Failure::Broken(reason) | Failure::Stillborn(reason) => {
                Self::Retry { after: None, reason }
            }
            Failure::Silent | Failure::Slow => {
                Self::Retry { after: None, reason: "no answer in time".to_owned() }
            }
        }
    }
}
