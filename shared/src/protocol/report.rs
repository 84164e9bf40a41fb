//! A device's report on a command, which is also its request for the next one.

use std::str::FromStr;

use plist::{Dictionary, Value};
use serde::{Deserialize, Serialize};

use super::fields::{Fields, missing};
use super::identity;
use super::inventory::{self, InventoryAnswer};
use crate::error::{Error, Result};
use crate::id::EnrollmentId;

/// What a device reports when it polls. The command's results stay in the body it came in (`decode` shows them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The channel that polls.
    pub enrollment: EnrollmentId,
    /// How the command went, or that there was none.
    pub status: Status,
    /// The command this is about, as the device wrote it: it may be one this server never sent. Always there unless
    /// Idle.
    pub command_uuid: Option<String>,
    /// Why it failed, outermost first.
    pub error_chain: Vec<ErrorChainItem>,
    /// Which part of the device's inventory it tells, if any.
    pub inventory: Option<InventoryAnswer>,
}

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing to report: the device asks for work.
    Idle,
    /// Done.
    Acknowledged,
    /// Tried and failed.
    Error,
    /// Not understood.
    CommandFormatError,
    /// Cannot be done at present, because the device is locked or in use. It will ask again by itself.
    NotNow,
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "Idle" => Ok(Self::Idle),
            "Acknowledged" => Ok(Self::Acknowledged),
            "Error" => Ok(Self::Error),
            "CommandFormatError" => Ok(Self::CommandFormatError),
            "NotNow" => Ok(Self::NotNow),
            _ => Err(Error::malformed(
                "report-status",
                "The device reported a status this server does not know.",
            )
            .at("Status")),
        }
    }
}

/// One link of the chain of errors behind a failed command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorChainItem {
    /// Apple's number within the domain.
    pub code: Option<i64>,
    /// Who numbers, such as `MCMDMErrorDomain`.
    pub domain: Option<String>,
    /// The text in the device's language.
    pub localized_description: Option<String>,
    /// The text in English.
    pub us_english_description: Option<String>,
}

impl Report {
    /// Reads a report out of a message that has a `Status`.
    ///
    /// # Errors
    /// Malformed: `report-status`, `message-key-missing`, `message-key-type`, `enrollment-id`.
    pub fn from_message(message: &Dictionary) -> Result<Self> {
        let fields = Fields(message);
        let status = fields.required_text("Status")?.parse()?;
        let command_uuid = fields.string("CommandUUID")?;
        if command_uuid.is_none() && status != Status::Idle {
            return Err(missing("CommandUUID"));
        }
        let error_chain = message.get("ErrorChain").and_then(Value::as_array);
        let error_chain = error_chain.map_or_else(Vec::new, |chain| chain.iter().map(item).collect());
        let inventory = inventory::answer(message).filter(|_| status == Status::Acknowledged);
        Ok(Self { enrollment: identity::enrollment(message)?, status, command_uuid, error_chain, inventory })
    }
}

/// Takes what is there: an odd explanation must not cost the report it explains.
fn item(value: &Value) -> ErrorChainItem {
    let get = |key| value.as_dictionary().and_then(|item| item.get(key));
    let text = |key| get(key).and_then(Value::as_string).map(str::to_owned);
    ErrorChainItem {
        code: get("ErrorCode").and_then(Value::as_signed_integer),
        domain: text("ErrorDomain"),
        localized_description: text("LocalizedDescription"),
        us_english_description: text("USEnglishDescription"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{body, captured};

    fn read(xml: &str) -> Result<Report> {
        Report::from_message(body::parse(xml.as_bytes()).unwrap().as_dictionary().unwrap())
    }

    fn report(keys: &[(&str, Value)]) -> Result<Report> {
        let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        Report::from_message(&keys.chain([("UDID".to_owned(), "D-1".into())]).collect())
    }

    #[test]
    fn a_recorded_poll_asks_for_work() {
        let idle = read(captured::IDLE).unwrap();
        assert_eq!((idle.status, idle.command_uuid), (Status::Idle, None));
    }

    #[test]
    fn recorded_acknowledgements_name_their_command() {
        for (xml, uuid) in [
            (captured::DEVICE_INFORMATION, "d86c191e-8a0c-4a16-b2fa-53192bfaf512"),
            (captured::PROFILE_LIST, "dbd7bec3-c4b5-4920-83eb-53b93861bb39"),
            (captured::INSTALL_PROFILE, "1f8b3e12-43c1-4606-b6ef-4b645044bc82"),
        ] {
            let report = read(xml).unwrap();
            assert_eq!(report.status, Status::Acknowledged);
            assert_eq!(report.command_uuid.as_deref(), Some(uuid));
        }
    }

    #[test]
    fn a_recorded_failure_says_why() {
        let report = read(captured::SECURITY_INFO_ERROR).unwrap();
        assert_eq!(report.status, Status::Error);
        let why = "Unknown command: SecurityInfo <MDMClientError:91>".to_owned();
        assert_eq!(
            report.error_chain,
            [ErrorChainItem {
                code: Some(12021),
                domain: Some("MCMDMErrorDomain".to_owned()),
                localized_description: Some(why),
                us_english_description: None,
            }]
        );
    }

    #[test]
    fn an_odd_error_chain_does_not_cost_the_report() {
        let uuid = ("CommandUUID", Value::from("X"));
        let odd = Value::Array(vec![true.into()]);
        for (chain, links) in [(odd, 1), (Value::from("text"), 0)] {
            let report = report(&[("Status", "Error".into()), uuid.clone(), ("ErrorChain", chain)]).unwrap();
            assert_eq!(report.error_chain, vec![ErrorChainItem::default(); links]);
        }
    }

    #[test]
    fn a_status_needs_to_be_known_and_to_name_its_command() {
        let error = report(&[("Status", "Sleeping".into())]).unwrap_err();
        assert_eq!((error.code(), error.field()), ("report-status", Some("Status")));
        for status in ["Acknowledged", "Error", "CommandFormatError", "NotNow"] {
            let error = report(&[("Status", status.into())]).unwrap_err();
            assert_eq!((error.code(), error.field()), ("message-key-missing", Some("CommandUUID")));
        }
    }
}
