//! Lost mode: on supervised iPhones and iPads only.

use super::{Availability, CommandSchema, supervised, text};

const fn from(major: u32, minor: u32) -> Availability {
    Availability {
        ios: supervised(major, minor),
        macos: None,
        tvos: None,
        visionos: None,
        watchos: None,
        user_enrollment: false,
        user_channel: false,
    }
}

pub(super) const COMMANDS: &[CommandSchema] = &[
    CommandSchema {
        name: "EnableLostMode",
        keys: &[text("Message"), text("PhoneNumber"), text("Footnote")],
        availability: from(9, 3),
        harmless: true,
    },
    CommandSchema { name: "DisableLostMode", keys: &[], availability: from(9, 3), harmless: true },
    CommandSchema { name: "DeviceLocation", keys: &[], availability: from(9, 3), harmless: true },
];
