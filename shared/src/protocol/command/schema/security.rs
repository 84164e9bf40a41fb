//! Locking, erasing, restarting.

use super::{Availability, CommandSchema, Shape, flag, optional, required, since, supervised, text};

const PIN: super::Key = optional("PIN", Shape::Pin, "six digits");
const OBLITERATION: &[&str] = &["Default", "DoNotObliterate", "ObliterateWithWarning", "Always"];

pub(super) const COMMANDS: &[CommandSchema] = &[
    CommandSchema {
        name: "DeviceLock",
        keys: &[text("Message"), text("PhoneNumber"), PIN],
        availability: Availability {
            ios: since(4, 0),
            macos: since(10, 7),
            tvos: None,
            visionos: since(2, 0),
            watchos: since(10, 0),
            user_enrollment: true,
            user_channel: false,
        },
        harmless: false,
    },
    CommandSchema {
        name: "EraseDevice",
        keys: &[
            PIN,
            flag("PreserveDataPlan"),
            flag("DisallowProximitySetup"),
            optional(
                "ObliterationBehavior",
                Shape::OneOf(OBLITERATION),
                "Default, DoNotObliterate, ObliterateWithWarning or Always",
            ),
            optional("ReturnToService", Shape::Dictionary, "a dictionary"),
        ],
        availability: Availability {
            ios: since(4, 0),
            macos: since(10, 7),
            tvos: since(10, 2),
            visionos: since(1, 1),
            watchos: since(10, 0),
            user_enrollment: false,
            user_channel: false,
        },
        harmless: false,
    },
    CommandSchema {
        name: "ClearPasscode",
        // Required by Apple; the server puts in the one the device deposited.
        keys: &[optional("UnlockToken", Shape::Data, "the token that the device deposited")],
        availability: Availability {
            ios: since(4, 0),
            macos: None,
            tvos: None,
            visionos: since(1, 1),
            watchos: since(10, 0),
            user_enrollment: false,
            user_channel: false,
        },
        harmless: false,
    },
    CommandSchema {
        name: "RestartDevice",
        keys: &[
            flag("RebuildKernelCache"),
            optional("KextPaths", Shape::Texts, "a list of paths"),
            flag("NotifyUser"),
        ],
        availability: Availability {
            ios: supervised(10, 3),
            macos: since(10, 13),
            tvos: supervised(10, 2),
            visionos: None,
            watchos: None,
            user_enrollment: false,
            user_channel: false,
        },
        harmless: true,
    },
    CommandSchema {
        name: "ShutDownDevice",
        keys: &[],
        availability: Availability {
            ios: supervised(10, 3),
            macos: since(10, 13),
            tvos: None,
            visionos: None,
            watchos: None,
            user_enrollment: false,
            user_channel: false,
        },
        harmless: true,
    },
    CommandSchema {
        name: "SetRecoveryLock",
        keys: &[
            optional("CurrentPassword", Shape::AnyText, "the present password"),
            required("NewPassword", Shape::AnyText, "the new password, or an empty text to clear it"),
        ],
        availability: Availability {
            ios: None,
            macos: since(11, 5),
            tvos: None,
            visionos: None,
            watchos: None,
            user_enrollment: false,
            user_channel: false,
        },
        harmless: false,
    },
];
