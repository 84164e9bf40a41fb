//! Which enrollment a message speaks for.

use plist::Dictionary;

use super::fields::{Fields, missing};
use crate::error::Result;
use crate::id::EnrollmentId;

/// The UserID every Shared iPad sends: its users are told apart by UserShortName.
const SHARED_IPAD_USER: &str = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

/// The enrollment named by a message: `UDID` with `UserID`, or a User Enrollment's `EnrollmentID` with
/// `EnrollmentUserID`. A user's part makes it that user's channel.
///
/// # Errors
/// Malformed: `message-key-missing`, `message-key-type`, `enrollment-id`.
pub fn enrollment(message: &Dictionary) -> Result<EnrollmentId> {
    let fields = Fields(message);
    let (device, user) = match fields.text("UDID")? {
        Some(udid) => {
            let device = EnrollmentId::device(udid).map_err(|error| error.at("UDID"))?;
            let user = match fields.text("UserID")? {
                Some(SHARED_IPAD_USER) => Some(("UserShortName", fields.required_text("UserShortName")?)),
                Some(user) => Some(("UserID", user)),
                None => None,
            };
            (device, user)
        }
        None => {
            let id = fields.text("EnrollmentID")?.ok_or_else(|| missing("UDID"))?;
            let device = EnrollmentId::device(id).map_err(|error| error.at("EnrollmentID"))?;
            let user = fields.text("EnrollmentUserID")?;
            (device, user.map(|user| ("EnrollmentUserID", user)))
        }
    };
    match user {
        Some((key, user)) => device.with_user(user).map_err(|error| error.at(key)),
        None => Ok(device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of<const N: usize>(keys: [(&str, &str); N]) -> Result<String> {
        let message = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        enrollment(&message).map(String::from)
    }

    #[test]
    fn each_kind_of_enrollment_has_its_channel() {
        assert_eq!(id_of([("UDID", "D-1")]).unwrap(), "D-1");
        assert_eq!(id_of([("UDID", "D-1"), ("UserID", "U-1"), ("UserShortName", "jo")]).unwrap(), "D-1:U-1");
        assert_eq!(id_of([("EnrollmentID", "E-1")]).unwrap(), "E-1");
        assert_eq!(id_of([("EnrollmentID", "E-1"), ("EnrollmentUserID", "U-2")]).unwrap(), "E-1:U-2");
    }

    #[test]
    fn users_of_a_shared_ipad_are_told_apart_by_name() {
        let shared = ("UserID", SHARED_IPAD_USER);
        let id = id_of([("UDID", "D-1"), shared, ("UserShortName", "jo@example.org")]).unwrap();
        assert_eq!(id, "D-1:jo@example.org");
        let error = id_of([("UDID", "D-1"), shared]).unwrap_err();
        assert_eq!((error.code(), error.field()), ("message-key-missing", Some("UserShortName")));
    }

    #[test]
    fn a_message_of_nobody_is_refused() {
        let error = id_of([("UDID", "")]).unwrap_err();
        assert_eq!((error.code(), error.field()), ("message-key-missing", Some("UDID")));
        for (keys, field) in [
            ([("UDID", "a/b"), ("UserID", "u")], "UDID"),
            ([("UDID", "D-1"), ("UserID", "\u{7}")], "UserID"),
            ([("EnrollmentID", "a b"), ("EnrollmentUserID", "u")], "EnrollmentID"),
            ([("EnrollmentID", "E-1"), ("EnrollmentUserID", "\u{7}")], "EnrollmentUserID"),
        ] {
            let error = id_of(keys).unwrap_err();
            assert_eq!((error.code(), error.field()), ("enrollment-id", Some(field)));
        }
    }
}
