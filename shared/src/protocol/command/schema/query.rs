//! What only asks.

use super::{Availability, CommandSchema, Shape, flag, optional, required, since};

/// Every system, also its users' channels and in User Enrollment.
const EVERYWHERE: Availability = Availability {
    ios: since(4, 0),
    macos: since(10, 7),
    tvos: since(9, 0),
    visionos: since(1, 1),
    watchos: since(10, 0),
    user_enrollment: true,
    user_channel: true,
};

pub(super) const COMMANDS: &[CommandSchema] = &[
    CommandSchema {
        name: "DeviceInformation",
        keys: &[
            required("Queries", Shape::Texts, "a list of what to ask for"),
            optional("DeviceAttestationNonce", Shape::Data, "the nonce's bytes"),
        ],
        availability: EVERYWHERE,
        harmless: true,
    },
    CommandSchema {
        name: "SecurityInfo",
        keys: &[],
        availability: Availability { user_channel: false, ..EVERYWHERE },
        harmless: true,
    },
    CommandSchema {
        name: "InstalledApplicationList",
        keys: &[
            optional("Identifiers", Shape::Texts, "a list of bundle identifiers"),
            flag("ManagedAppsOnly"),
            optional("Items", Shape::Texts, "a list of the keys to report"),
        ],
        availability: Availability { ios: since(5, 0), tvos: since(10, 2), ..EVERYWHERE },
        harmless: true,
    },
    CommandSchema {
        name: "CertificateList",
        keys: &[flag("ManagedOnly")],
        availability: EVERYWHERE,
        harmless: true,
    },
    CommandSchema {
        name: "ProfileList",
        keys: &[flag("ManagedOnly")],
        availability: EVERYWHERE,
        harmless: true,
    },
    CommandSchema {
        name: "ProvisioningProfileList",
        keys: &[flag("ManagedOnly")],
        availability: Availability {
            macos: since(11, 0),
            tvos: since(10, 2),
            user_channel: false,
            ..EVERYWHERE
        },
        harmless: true,
    },
    CommandSchema {
        name: "Restrictions",
        keys: &[flag("ProfileRestrictions")],
        availability: Availability { macos: None, user_enrollment: false, ..EVERYWHERE },
        harmless: true,
    },
];
