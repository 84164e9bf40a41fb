//! Profiles, apps, settings.

use super::{Availability, CommandSchema, Shape, flag, optional, required, since, supervised, text};

/// Every system, also its users' channels and in User Enrollment.
const PROFILES: Availability = Availability {
    ios: since(4, 0),
    macos: since(10, 7),
    tvos: since(9, 0),
    visionos: since(1, 1),
    watchos: since(10, 0),
    user_enrollment: true,
    user_channel: true,
};

const PROVISIONING: Availability =
    Availability { macos: since(11, 0), tvos: since(10, 2), user_channel: false, ..PROFILES };

pub(super) const COMMANDS: &[CommandSchema] = &[
    CommandSchema {
        name: "InstallProfile",
        keys: &[required("Payload", Shape::Data, "the profile's bytes")],
        availability: PROFILES,
        harmless: false,
    },
    CommandSchema {
        name: "RemoveProfile",
        keys: &[required("Identifier", Shape::Text, "the PayloadIdentifier of the profile to remove")],
        availability: PROFILES,
        harmless: true,
    },
    CommandSchema {
        name: "InstallProvisioningProfile",
        keys: &[required("ProvisioningProfile", Shape::Data, "the provisioning profile's bytes")],
        availability: PROVISIONING,
        harmless: false,
    },
    CommandSchema {
        name: "RemoveProvisioningProfile",
        keys: &[required("UUID", Shape::Text, "the UUID of the provisioning profile to remove")],
        availability: PROVISIONING,
        harmless: true,
    },
    CommandSchema {
        name: "InstallApplication",
        keys: &[
            optional("iTunesStoreID", Shape::Integer, "the app's number in the App Store"),
            text("Identifier"),
            optional("ManifestURL", Shape::HttpsUrl, "a URL that begins with https:"),
            optional("Options", Shape::Dictionary, "a dictionary"),
            optional("ManagementFlags", Shape::OneOfNumbers(&[0, 1, 4, 5]), "0, 1, 4 or 5"),
            optional("Configuration", Shape::Dictionary, "a dictionary"),
            optional("Attributes", Shape::Dictionary, "a dictionary"),
            optional("ChangeManagementState", Shape::OneOf(&["Managed"]), "the text Managed"),
            flag("InstallAsManaged"),
            flag("iOSApp"),
        ],
        availability: Availability { ios: since(5, 0), macos: since(10, 9), tvos: since(10, 2), ..PROFILES },
        // The app's configuration may hold one.
        harmless: false,
    },
    CommandSchema {
        name: "RemoveApplication",
        keys: &[required("Identifier", Shape::Text, "the bundle identifier of the app to remove")],
        availability: Availability {
            ios: since(5, 0),
            macos: since(11, 0),
            tvos: since(10, 2),
            user_channel: false,
            ..PROFILES
        },
        harmless: true,
    },
    CommandSchema {
        name: "Settings",
        keys: &[required("Settings", Shape::Items, "a list of settings, each a dictionary with an Item")],
        availability: Availability { ios: since(5, 0), macos: since(10, 9), tvos: since(9, 0), ..PROFILES },
        harmless: false,
    },
    CommandSchema {
        name: "DeviceConfigured",
        keys: &[],
        availability: Availability {
            ios: supervised(9, 0),
            macos: since(10, 11),
            tvos: supervised(10, 2),
            visionos: supervised(2, 0),
            watchos: None,
            user_enrollment: false,
            user_channel: false,
        },
        harmless: true,
    },
];
