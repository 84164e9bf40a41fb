//! The way in: what a device sent, whichever of the two kinds it is.

use plist::Value;

use super::body;
use super::checkin::CheckIn;
use super::report::Report;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;

/// A message from a device.
///
/// The body decides its kind, never the Content-Type: real clients poll without one, and one URL may serve both
/// kinds. A Content-Type that says otherwise is ignored, because it is not signed and the body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceMessage {
    /// It has a `MessageType`.
    CheckIn(CheckIn),
    /// It has a `Status`: a report on a command, and a request for the next.
    Report(Report),
}

impl DeviceMessage {
    /// Reads the body of a device's request.
    ///
    /// # Errors
    /// Malformed: `message-kind` and all errors of [`body::parse`], [`CheckIn::from_message`] and
    /// [`Report::from_message`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = body::parse(bytes)?;
        let message = value.as_dictionary().ok_or_else(neither)?;
        if message.contains_key("MessageType") {
            CheckIn::from_message(message).map(Self::CheckIn)
        } else if message.get("Status").and_then(Value::as_string).is_some() {
            Report::from_message(message).map(Self::Report)
        } else {
            Err(neither())
        }
    }

    /// The channel that speaks, whatever it says.
    pub fn enrollment(&self) -> &EnrollmentId {
        match self {
            Self::CheckIn(checkin) => &checkin.enrollment,
            Self::Report(report) => &report.enrollment,
        }
    }
}

fn neither() -> Error {
    Error::malformed("message-kind", "The body is neither a check-in nor a report on a command.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::captured;

    #[test]
    fn the_body_decides_what_a_message_is() {
        let kinds = captured::ALL.map(|xml| {
            let message = DeviceMessage::parse(xml.as_bytes()).unwrap();
            assert_eq!(message.enrollment().device_id(), "2844A114-08D1-4C14-8B75-4E8CE0302D23");
            match message {
                DeviceMessage::CheckIn(_) => 'c',
                DeviceMessage::Report(_) => 'r',
            }
        });
        assert_eq!(String::from_iter(kinds), "ccrrrrr");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for xml in
            ["<plist><array/></plist>", "<plist><dict><key>UDID</key><string>D-1</string></dict></plist>"]
        {
            assert_eq!(DeviceMessage::parse(xml.as_bytes()).unwrap_err().code(), "message-kind");
        }
    }
}
