//! Check-in messages: a device enrolls, renews its push token, asks for something of its own, or leaves.
//!
//! Apple: `mdm/checkin/*.yaml` of the device-management schema.

use plist::Dictionary;

use super::fields::{Fields, missing};
use super::identity;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::secret::Secret;

/// Longest push token accepted, in bytes. Apple promises no length; today's are 32 and a test client sends 9.
const MAX_PUSH_TOKEN: usize = 512;

/// One check-in message and who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckIn {
    /// The channel that speaks.
    pub enrollment: EnrollmentId,
    /// What it says.
    pub message: CheckInMessage,
}

/// What a check-in says, by its `MessageType`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckInMessage {
    /// The MDM payload is being installed. Not enrolled until the first TokenUpdate.
    Authenticate(Authenticate),
    /// How to wake this channel from now on.
    TokenUpdate(TokenUpdate),
    /// The MDM payload was removed. The device does not wait for the answer.
    CheckOut,
    /// A Mac asks whether a network user is to be managed.
    UserAuthenticate,
    /// A Mac deposits its bootstrap token; none means: forget the one you have.
    SetBootstrapToken(Option<Secret<Vec<u8>>>),
    /// A Mac asks for its bootstrap token.
    GetBootstrapToken,
    /// A request of declarative management.
    DeclarativeManagement(DeclarativeManagement),
    /// A token for another of Apple's services is asked for.
    GetToken {
        /// The service: `com.apple.maid`, `com.apple.watch.pairing`.
        service_type: String,
    },
    /// A device about to erase itself asks how to come back.
    ReturnToService,
}

/// What a device tells of itself when it enrolls. Which keys come depends on system and access rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticate {
    /// The push topic in the installed MDM payload.
    pub topic: String,
    /// The device's name.
    pub device_name: Option<String>,
    /// The model's name, such as `MacBook Pro`.
    pub model_name: Option<String>,
    /// The model number.
    pub model: Option<String>,
    /// The hardware, such as `iPhone17,2`.
    pub product_name: Option<String>,
    /// The system's version.
    pub os_version: Option<String>,
    /// The system's build.
    pub build_version: Option<String>,
    /// The serial number; never sent by a User Enrollment.
    pub serial_number: Option<String>,
    /// The cellular equipment identity.
    pub imei: Option<String>,
    /// The CDMA equipment identity.
    pub meid: Option<String>,
    /// Whether it is in User Enrollment, which names no UDID.
    pub user_enrollment: bool,
}

/// What is needed to push to this channel: topic, token and magic belong together and replace the former three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUpdate {
    /// The push topic to use for this channel.
    pub topic: String,
    /// The push token, 1 to 512 bytes.
    pub token: Vec<u8>,
    /// Proves to the device that a push comes from its own server.
    pub push_magic: Secret<String>,
    /// What ClearPasscode needs. Absence does not take back an earlier one.
    pub unlock_token: Option<Secret<Vec<u8>>>,
    /// Whether Setup Assistant waits for DeviceConfigured. Absence keeps what was said before.
    pub awaiting_configuration: Option<bool>,
    /// The user's account name, on a user channel.
    pub user_short_name: Option<String>,
    /// The user's full name, on a user channel.
    pub user_long_name: Option<String>,
}

/// A request of declarative management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclarativeManagement {
    /// `tokens`, `declaration-items`, `status` or `declaration/<type>/<identifier>`.
    pub endpoint: String,
    /// JSON bytes, with a status report.
    pub data: Option<Vec<u8>>,
}

impl CheckIn {
    /// Reads a check-in out of a message that has a `MessageType`.
    ///
    /// # Errors
    /// Malformed: `checkin-message-type`, `checkin-push-token`, `message-key-missing`, `message-key-type`,
    /// `enrollment-id`.
    pub fn from_message(message: &Dictionary) -> Result<Self> {
        let fields = Fields(message);
        let message_type = fields.required_text("MessageType")?;
        let enrollment = identity::enrollment(message)?;
        let message = match message_type {
            "Authenticate" => CheckInMessage::Authenticate(authenticate(fields)?),
            "TokenUpdate" => CheckInMessage::TokenUpdate(token_update(fields)?),
            "CheckOut" => CheckInMessage::CheckOut,
            "UserAuthenticate" => CheckInMessage::UserAuthenticate,
            "SetBootstrapToken" => CheckInMessage::SetBootstrapToken(fields.secret("BootstrapToken")?),
            "GetBootstrapToken" => CheckInMessage::GetBootstrapToken,
            "DeclarativeManagement" => CheckInMessage::DeclarativeManagement(DeclarativeManagement {
                endpoint: fields.required_text("Endpoint")?.to_owned(),
                data: fields.data("Data")?.map(<[u8]>::to_vec),
            }),
            "GetToken" => CheckInMessage::GetToken {
                service_type: fields.required_text("TokenServiceType")?.to_owned(),
            },
            "ReturnToService" => CheckInMessage::ReturnToService,
            _ => {
                return Err(Error::malformed(
                    "checkin-message-type",
                    "The device sent a kind of check-in this server does not know.",
                )
                .at("MessageType"));
            }
        };
        Ok(Self { enrollment, message })
    }
}

fn authenticate(fields: Fields<'_>) -> Result<Authenticate> {
    Ok(Authenticate {
        topic: fields.required_text("Topic")?.to_owned(),
        device_name: fields.string("DeviceName")?,
        model_name: fields.string("ModelName")?,
        model: fields.string("Model")?,
        product_name: fields.string("ProductName")?,
        os_version: fields.string("OSVersion")?,
        build_version: fields.string("BuildVersion")?,
        serial_number: fields.string("SerialNumber")?,
        imei: fields.string("IMEI")?,
        meid: fields.string("MEID")?,
        user_enrollment: fields.text("UDID")?.is_none(),
    })
}

fn token_update(fields: Fields<'_>) -> Result<TokenUpdate> {
    let token = fields.data("Token")?.ok_or_else(|| missing("Token"))?;
    if token.len() > MAX_PUSH_TOKEN {
        return Err(Error::malformed(
            "checkin-push-token",
            "The device's push token is over 512 bytes long.",
        )
        .at("Token"));
    }
    Ok(TokenUpdate {
        topic: fields.required_text("Topic")?.to_owned(),
        token: token.to_vec(),
        push_magic: Secret::new(fields.required_text("PushMagic")?.to_owned()),
        unlock_token: fields.secret("UnlockToken")?,
        awaiting_configuration: fields.flag("AwaitingConfiguration")?,
        user_short_name: fields.string("UserShortName")?,
        user_long_name: fields.string("UserLongName")?,
    })
}

#[cfg(test)]
mod tests {
    use plist::Value;

    use super::*;
    use crate::protocol::{body, captured};

    fn read(xml: &str) -> Result<CheckIn> {
        CheckIn::from_message(body::parse(xml.as_bytes()).unwrap().as_dictionary().unwrap())
    }

    /// A message of this type from device D-1, with more keys.
    fn message(message_type: &str, keys: &[(&str, Value)]) -> Dictionary {
        let mut message = Dictionary::new();
        message.insert("MessageType".to_owned(), message_type.into());
        message.insert("UDID".to_owned(), "D-1".into());
        for (key, value) in keys {
            message.insert((*key).to_owned(), value.clone());
        }
        message
    }

    fn says(message_type: &str, keys: &[(&str, Value)]) -> Result<CheckInMessage> {
        CheckIn::from_message(&message(message_type, keys)).map(|checkin| checkin.message)
    }

    #[test]
    fn a_recorded_device_enrolls() {
        let CheckIn { enrollment, message } = read(captured::AUTHENTICATE).unwrap();
        assert_eq!(enrollment.to_string(), "2844A114-08D1-4C14-8B75-4E8CE0302D23");
        let CheckInMessage::Authenticate(told) = message else { panic!("{message:?}") };
        assert_eq!(told.topic, "com.apple.mgmt.External.11111111-2222-3333-4444-555555555555");
        assert_eq!(told.device_name.as_deref(), Some("0N9FC9K37QW9's Computer"));
        assert_eq!(told.serial_number.as_deref(), Some("0N9FC9K37QW9"));
        assert_eq!((told.model, told.user_enrollment), (None, false));

        let CheckInMessage::TokenUpdate(update) = read(captured::TOKEN_UPDATE).unwrap().message else {
            panic!("not a TokenUpdate")
        };
        assert_eq!(update.token, b"fakeToken");
        assert_eq!(update.push_magic.expose(), "fakePushMagic");
        assert_eq!((update.unlock_token, update.awaiting_configuration), (None, None));
    }

    #[test]
    fn the_secrets_of_a_token_update_are_not_printed() {
        let keys = [
            ("Topic", "com.apple.mgmt.x".into()),
            ("Token", Value::Data(vec![7; 32])),
            ("PushMagic", "magic-word".into()),
            ("UnlockToken", Value::Data(b"unlock".to_vec())),
            ("AwaitingConfiguration", true.into()),
        ];
        let said = says("TokenUpdate", &keys).unwrap();
        let printed = format!("{said:?}");
        assert!(!printed.contains("magic-word") && !printed.contains("117, 110"), "{printed}");
        let CheckInMessage::TokenUpdate(update) = said else { panic!("not a TokenUpdate") };
        assert_eq!(update.awaiting_configuration, Some(true));
        assert_eq!(update.unlock_token.unwrap().expose(), b"unlock");
    }

    #[test]
    fn every_other_message_type_is_known() {
        let data = || Value::Data(b"{}".to_vec());
        assert_eq!(says("CheckOut", &[]).unwrap(), CheckInMessage::CheckOut);
        assert_eq!(says("UserAuthenticate", &[]).unwrap(), CheckInMessage::UserAuthenticate);
        assert_eq!(says("GetBootstrapToken", &[]).unwrap(), CheckInMessage::GetBootstrapToken);
        assert_eq!(says("ReturnToService", &[]).unwrap(), CheckInMessage::ReturnToService);
        assert_eq!(
            says("SetBootstrapToken", &[("BootstrapToken", data())]).unwrap(),
            CheckInMessage::SetBootstrapToken(Some(Secret::new(b"{}".to_vec())))
        );
        assert_eq!(
            says("DeclarativeManagement", &[("Endpoint", "status".into()), ("Data", data())]).unwrap(),
            CheckInMessage::DeclarativeManagement(DeclarativeManagement {
                endpoint: "status".to_owned(),
                data: Some(b"{}".to_vec()),
            })
        );
        assert_eq!(
            says("GetToken", &[("TokenServiceType", "com.apple.maid".into())]).unwrap(),
            CheckInMessage::GetToken { service_type: "com.apple.maid".to_owned() }
        );
    }

    #[test]
    fn an_empty_bootstrap_token_means_forget_it() {
        for keys in [vec![], vec![("BootstrapToken", Value::Data(Vec::new()))]] {
            assert_eq!(says("SetBootstrapToken", &keys).unwrap(), CheckInMessage::SetBootstrapToken(None));
        }
    }

    #[test]
    fn a_message_without_its_keys_is_refused_by_name() {
        let topic = ("Topic", Value::from("com.apple.mgmt.x"));
        let token = ("Token", Value::Data(vec![1]));
        for (message_type, keys, key) in [
            ("Authenticate", vec![], "Topic"),
            ("TokenUpdate", vec![topic.clone()], "Token"),
            ("TokenUpdate", vec![topic.clone(), ("Token", Value::Data(Vec::new()))], "Token"),
            ("TokenUpdate", vec![token.clone()], "Topic"),
            ("TokenUpdate", vec![topic, token], "PushMagic"),
            ("DeclarativeManagement", vec![], "Endpoint"),
            ("GetToken", vec![], "TokenServiceType"),
        ] {
            let error = says(message_type, &keys).unwrap_err();
            assert_eq!((error.code(), error.field()), ("message-key-missing", Some(key)), "{message_type}");
        }
    }

    #[test]
    fn an_endless_push_token_and_an_unknown_type_are_refused() {
        let error = says("TokenUpdate", &[("Token", Value::Data(vec![0; 513]))]).unwrap_err();
        assert_eq!((error.code(), error.field()), ("checkin-push-token", Some("Token")));
        let error = says("Goodbye", &[]).unwrap_err();
        assert_eq!((error.code(), error.field()), ("checkin-message-type", Some("MessageType")));
    }
}
