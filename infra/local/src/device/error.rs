//! Why a device got no further.

use std::error::Error as StdError;
use std::fmt;

use shared::pki::scep::FailInfo;

/// What a device's step comes to.
pub type Result<T, E = DeviceError> = std::result::Result<T, E>;

/// Why a step came to nothing.
#[derive(Debug)]
pub enum DeviceError {
    /// Nobody answered at this URL.
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server answered with another status than 200.
    Refused {
        /// What was asked.
        what: String,
        /// The status.
        status: u16,
    },
    /// The server answered with what makes a device remove its enrollment.
    Unenrolled {
        /// The status.
        status: u16,
        /// Why, if the server says so.
        message: Option<String>,
    },
    /// The SCEP server gives no certificate.
    IdentityRefused(FailInfo),
    /// What the server answered makes no sense.
    Unreadable {
        /// What was read.
        what: &'static str,
        /// Why it makes no sense.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The device has not got this yet.
    TooEarly(&'static str),
}

impl DeviceError {
    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Unenrolled { status, .. } => Some(*status),
            Self::Unreachable { .. }
            | Self::IdentityRefused(_)
            | Self::Unreadable { .. }
            | Self::TooEarly(_) => None,
        }
    }

    pub(super) fn unreadable(what: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unreadable { what, source: source.into() }
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, .. } => write!(f, "nobody answers at {url}"),
            Self::Refused { what, status } => write!(f, "the server answered {what} with {status}"),
            Self::Unenrolled { message, .. } => {
                write!(f, "the device was unenrolled: {}", message.as_deref().unwrap_or("no reason given"))
            }
            Self::IdentityRefused(reason) => write!(f, "the SCEP server refused the identity: {reason:?}"),
            Self::Unreadable { what, .. } => write!(f, "{what} cannot be read"),
            Self::TooEarly(what) => write!(f, "the device has not got {what} yet"),
        }
    }
}

impl StdError for DeviceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unreachable { source, .. } | Self::Unreadable { source, .. } => {
                let source: &(dyn StdError + 'static) = source.as_ref();
                Some(source)
            }
            Self::Refused { .. } | Self::Unenrolled { .. } | Self::IdentityRefused(_) | Self::TooEarly(_) => {
                None
            }
        }
    }
}
