//! Apple's published schema of the commands that are typed here: their keys, and which devices take them.
//!
//! Apple: `mdm/commands/*.yaml` of the published device management schema.

mod lost_mode;
mod management;
mod query;
mod security;

/// A command as Apple documents it.
#[derive(Clone, Copy, Debug)]
pub struct CommandSchema {
    /// The RequestType.
    pub name: &'static str,
    /// Its documented keys, RequestType aside.
    pub keys: &'static [Key],
    /// Which devices take it.
    pub availability: Availability,
    /// Whether its keys never hold a secret (a PIN, a password, a profile): only then is it stored in the clear.
    pub(super) harmless: bool,
}

/// A key of a command.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As Apple writes it.
    pub name: &'static str,
    /// What its value must be.
    pub shape: Shape,
    /// Whether the command needs it.
    pub required: bool,
    /// What it holds, in an administrator's words: "a text", "the profile's bytes".
    pub what: &'static str,
}

/// What a key's value must be.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text with something in it.
    Text,
    /// A text; an empty one has a meaning.
    AnyText,
    /// Data with something in it.
    Data,
    /// A list of texts with something in it.
    Texts,
    /// True or false.
    Flag,
    /// A whole number.
    Integer,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these numbers.
    OneOfNumbers(&'static [i64]),
    /// Six digits.
    Pin,
    /// A URL that begins with `https:`.
    HttpsUrl,
    /// A dictionary.
    Dictionary,
    /// A list of dictionaries, each with an `Item`.
    Items,
}

/// Which devices take a command.
#[derive(Clone, Copy, Debug)]
pub struct Availability {
    /// iPhone and iPad.
    pub ios: Option<Since>,
    /// Mac.
    pub macos: Option<Since>,
    /// Apple TV.
    pub tvos: Option<Since>,
    /// Apple Vision.
    pub visionos: Option<Since>,
    /// Apple Watch.
    pub watchos: Option<Since>,
    /// Whether a device in User Enrollment takes it.
    pub user_enrollment: bool,
    /// Whether a user's channel takes it.
    pub user_channel: bool,
}

/// From which version on.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// Major and minor.
    pub version: (u32, u32),
    /// Whether the device must be supervised.
    pub supervised: bool,
}

/// Any device from this version on.
const fn since(major: u32, minor: u32) -> Option<Since> {
    Some(Since { version: (major, minor), supervised: false })
}

/// A supervised device from this version on.
const fn supervised(major: u32, minor: u32) -> Option<Since> {
    Some(Since { version: (major, minor), supervised: true })
}

const fn required(name: &'static str, shape: Shape, what: &'static str) -> Key {
    Key { name, shape, required: true, what }
}

const fn optional(name: &'static str, shape: Shape, what: &'static str) -> Key {
    Key { name, shape, required: false, what }
}

const fn flag(name: &'static str) -> Key {
    optional(name, Shape::Flag, "true or false")
}

const fn text(name: &'static str) -> Key {
    optional(name, Shape::Text, "a text")
}

/// The schema of a command, if it is one of the typed ones.
pub fn of(request_type: &str) -> Option<&'static CommandSchema> {
    all().find(|schema| schema.name == request_type)
}

/// Every typed command.
pub fn all() -> impl Iterator<Item = &'static CommandSchema> {
    [security::COMMANDS, lost_mode::COMMANDS, query::COMMANDS, management::COMMANDS].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_stands_there_once_and_so_does_every_key() {
        let names: Vec<&str> = all().map(|schema| schema.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(names.len(), 24, "{names:?}");
        for schema in all() {
            let keys: BTreeSet<&str> = schema.keys.iter().map(|key| key.name).collect();
            assert_eq!(keys.len(), schema.keys.len(), "{}", schema.name);
        }
    }

    #[test]
    fn only_queries_and_the_like_are_stored_in_the_clear() {
        for schema in all().filter(|schema| schema.harmless) {
            let holds =
                |key: &Key| matches!(key.shape, Shape::Pin | Shape::Data | Shape::AnyText | Shape::Items);
            let secret = schema.keys.iter().any(holds) && schema.name != "DeviceInformation";
            assert!(!secret, "{}", schema.name);
        }
        for secret in
            ["DeviceLock", "EraseDevice", "ClearPasscode", "InstallProfile", "Settings", "SetRecoveryLock"]
        {
            assert!(!of(secret).unwrap().harmless, "{secret}");
        }
        assert!(of("ACommandOfNextYear").is_none());
    }
}
