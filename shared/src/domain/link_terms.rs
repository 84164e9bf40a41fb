//! What a link allows: how often, for whom, on which devices.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::contact::EmailAddress;
use crate::error::{Error, Result};

/// The most devices that a link with a limit may enroll.
pub const MOST_USES: u32 = 10_000;
/// The most devices that a link may name.
pub const MOST_DEVICES: usize = 500;
/// The longest group or name, in characters: what a certificate's subject holds.
const LONGEST_LABEL: usize = 64;
/// The longest serial number or UDID, in characters.
const LONGEST_DEVICE: usize = 64;

/// What a link allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTerms {
    /// How many devices it enrolls; `None`: any number until it ends.
    pub uses: Option<u32>,
    /// Whom it is for.
    pub holder: LinkHolder,
    /// Serial numbers and UDIDs, in capitals; empty: any device.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub devices: BTreeSet<String>,
    /// For User Enrollment: the device stays its owner's, and only the organization's part of it is managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_enrollment: Option<UserEnrollment>,
}

/// How an owner's device is enrolled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEnrollment {
    /// The Managed Apple Account that the person is to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_apple_account: Option<EmailAddress>,
}

/// Whom a link is for. It is kept with every identity that the link obtains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkHolder {
    /// The group that devices join. Its name stands in the identity's subject (`OU`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A person's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
}

impl Default for LinkTerms {
    fn default() -> Self {
        Self { uses: Some(1), holder: LinkHolder::default(), devices: BTreeSet::new(), user_enrollment: None }
    }
}

impl LinkTerms {
    /// Whether it enrolls one device only.
    pub fn is_single(&self) -> bool {
        self.uses == Some(1)
    }

    /// Whether a device with one of these names may enroll.
    pub fn admits(&self, names: &BTreeSet<String>) -> bool {
        self.devices.is_empty() || !self.devices.is_disjoint(names)
    }

    /// The terms with tidy texts.
    ///
    /// # Errors
    /// Malformed, naming the field: too many uses, a label that is empty or too long, too many or odd devices.
    pub fn checked(self) -> Result<Self> {
        if self.uses.is_some_and(|uses| !(1..=MOST_USES).contains(&uses)) {
            let message = format!("A link enrolls 1 to {MOST_USES} devices, or any number with null.");
            return Err(Error::malformed("link-uses", message).at("uses"));
        }
        if self.devices.len() > MOST_DEVICES {
            let message = format!("A link names at most {MOST_DEVICES} devices.");
            return Err(Error::malformed("link-devices", message).at("devices"));
        }
        if self.user_enrollment.is_some() && !self.devices.is_empty() {
            let message = "A device in User Enrollment tells neither its serial number nor its UDID: none can be named.";
            return Err(Error::malformed("link-devices", message).at("devices"));
        }
        let devices = self.devices.iter().map(|device| device_name(device)).collect::<Result<_>>()?;
        let LinkHolder { group, name, email } = self.holder;
        let holder = LinkHolder { group: label("group", group)?, name: label("name", name)?, email };
        Ok(Self { holder, devices, ..self })
    }
}

/// A device as it is compared: serial numbers and UDIDs are written in either case.
pub fn compared(device: &str) -> String {
    device.trim().to_uppercase()
}

fn device_name(text: &str) -> Result<String> {
    let device = compared(text);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !device.is_empty() && device.len() <= LONGEST_DEVICE && device.bytes().all(fits) {
        Ok(device)
    } else {
        let message = format!("{text:?} is neither a serial number nor a UDID.");
        Err(Error::malformed("link-devices", message).at("devices"))
    }
}

fn label(field: &'static str, text: Option<String>) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    let Some(tidy) = tidy(&text) else {
        let message = format!("A {field} has 1 to {LONGEST_LABEL} characters, on one line.");
        return Err(Error::malformed("link-label", message).at(field));
    };
    Ok(Some(tidy.to_owned()))
}

/// A label without the space around it; `None` when it is empty, too long or not on one line.
pub(super) fn tidy(text: &str) -> Option<&str> {
    let tidy = text.trim();
    let fits = (1..=LONGEST_LABEL).contains(&tidy.chars().count());
    (fits && !tidy.chars().any(char::is_control)).then_some(tidy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_group(group: &str) -> LinkTerms {
        let holder = LinkHolder { group: Some(group.to_owned()), ..LinkHolder::default() };
        LinkTerms { holder, ..LinkTerms::default() }
    }

    fn with_device(device: &str) -> LinkTerms {
        LinkTerms { devices: BTreeSet::from([device.to_owned()]), ..LinkTerms::default() }
    }

    #[test]
    fn terms_are_tidied() {
        assert!(LinkTerms::default().is_single());
        assert_eq!(with_group(" Year 7 ").checked().unwrap().holder.group.as_deref(), Some("Year 7"));
        let devices = with_device(" c02xyz ").checked().unwrap().devices;
        assert_eq!(devices, BTreeSet::from(["C02XYZ".to_owned()]));
        assert!(LinkTerms { uses: None, ..LinkTerms::default() }.checked().is_ok());
    }

    #[test]
    fn a_device_is_admitted_by_any_of_its_names() {
        let names = |names: &[&str]| names.iter().map(|name| compared(name)).collect::<BTreeSet<_>>();
        assert!(LinkTerms::default().admits(&names(&["D-1"])));
        let named = with_device("c02xyz").checked().unwrap();
        assert!(named.admits(&names(&["D-1", "C02XYZ"])));
        assert!(!named.admits(&names(&["D-1", "C02XYA"])));
    }

    #[test]
    fn terms_that_cannot_be_are_refused_by_name() {
        let too_many = (0..=MOST_DEVICES).map(|n| format!("C{n}")).collect();
        for (terms, code, field) in [
            (LinkTerms { uses: Some(0), ..LinkTerms::default() }, "link-uses", "uses"),
            (LinkTerms { uses: Some(MOST_USES + 1), ..LinkTerms::default() }, "link-uses", "uses"),
            (LinkTerms { devices: too_many, ..LinkTerms::default() }, "link-devices", "devices"),
            (
                LinkTerms { user_enrollment: Some(UserEnrollment::default()), ..with_device("C02XYZ") },
                "link-devices",
                "devices",
            ),
            (with_device("C02 XYZ"), "link-devices", "devices"),
            (with_device(""), "link-devices", "devices"),
            (with_group(" "), "link-label", "group"),
            (with_group("a\nb"), "link-label", "group"),
            (with_group(&"x".repeat(65)), "link-label", "group"),
        ] {
            let error = terms.checked().unwrap_err();
            assert_eq!((error.code(), error.field()), (code, Some(field)));
        }
    }
}
