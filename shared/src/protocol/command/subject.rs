//! What a command is about, so that a later one takes the place of an earlier one that still waits.

use plist::{Dictionary, Value};

use crate::protocol::{body, decode};

/// The commands that only ask: the same question twice is one.
const QUESTIONS: [&str; 7] = [
    "CertificateList",
    "DeviceInformation",
    "InstalledApplicationList",
    "ProfileList",
    "ProvisioningProfileList",
    "Restrictions",
    "SecurityInfo",
];

/// The subject: the whole question, or the profile's identifier.
pub(super) fn of(request_type: &str, keys: &Dictionary) -> Option<String> {
    if QUESTIONS.contains(&request_type) {
        // JSON objects have their keys in order, whoever wrote them in which.
        return Some(decode::to_json(&keys.clone().into()).to_string());
    }
    let payload =
        keys.get("Payload").and_then(Value::as_data).filter(|_| request_type == "InstallProfile")?;
    Some(format!("InstallProfile {}", identifier(payload)?))
}

/// The PayloadIdentifier of a profile, signed or not. A signature wraps the text and leaves it as it is, except where
/// it was written in pieces: such a profile has no subject here, and never takes another's place.
fn identifier(payload: &[u8]) -> Option<String> {
    let profile = body::parse(payload).ok().or_else(|| body::parse(embedded(payload)?).ok())?;
    Some(profile.as_dictionary()?.get("PayloadIdentifier")?.as_string()?.to_owned())
}

fn embedded(message: &[u8]) -> Option<&[u8]> {
    const END: &[u8] = b"</plist>";
    let find = |word: &[u8]| message.windows(word.len()).position(|window| window == word);
    message.get(find(b"<?xml").or_else(|| find(b"<plist"))?..find(END)? + END.len())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::super::Command;

    fn subject(command: &serde_json::Value) -> Option<String> {
        Command::from_json(command).unwrap().subject()
    }

    #[test]
    fn the_same_question_has_the_same_subject() {
        let ask =
            |queries: &[&str]| subject(&json!({"RequestType": "DeviceInformation", "Queries": queries}));
        assert_eq!(ask(&["UDID"]), ask(&["UDID"]));
        assert_ne!(ask(&["UDID"]), ask(&["OSVersion"]));
        assert_ne!(
            subject(&json!({"RequestType": "ProfileList"})),
            subject(&json!({"RequestType": "SecurityInfo"}))
        );
    }

    #[test]
    fn a_profile_is_known_by_its_identifier_signed_or_not() {
        let profile = b"<plist><dict><key>PayloadIdentifier</key><string>a.b</string></dict></plist>";
        let install = |bytes: &[u8]| {
            subject(&json!({"RequestType": "InstallProfile", "Payload": STANDARD.encode(bytes)}))
        };
        assert_eq!(install(profile).as_deref(), Some("InstallProfile a.b"));
        let wrapped = [b"\x30\x82\x01\x00".as_slice(), profile, b"\x30\x10 signature"].concat();
        assert_eq!(install(&wrapped).as_deref(), Some("InstallProfile a.b"));
        assert_eq!(install(b"nonsense"), None);
    }

    #[test]
    fn what_acts_counts_each_time() {
        for request_type in ["RestartDevice", "DeviceLock", "ACommandOfNextYear"] {
            assert_eq!(subject(&json!({"RequestType": request_type})), None);
        }
    }
}
