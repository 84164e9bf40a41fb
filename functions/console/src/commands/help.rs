//! What commands do, in a sentence each, and which devices take them.

use shared::protocol::command::schema::{Availability, Since};

const PURPOSES: [(&str, &str); 24] = [
    ("DeviceLock", "Locks the screen at once. A Mac is locked with a PIN and restarts."),
    ("EraseDevice", "Deletes everything on the device. Nobody can undo it."),
    ("ClearPasscode", "Takes the passcode away, so that whoever holds the device can use it."),
    ("RestartDevice", "Restarts the device."),
    ("ShutDownDevice", "Turns the device off. Somebody must turn it on again by hand."),
    ("SetRecoveryLock", "Sets or clears the password of a Mac's recovery system."),
    ("EnableLostMode", "Locks a lost device with a message, and lets you ask where it is."),
    ("DisableLostMode", "Ends lost mode: the device can be used again."),
    ("DeviceLocation", "Asks a device in lost mode where it is."),
    ("DeviceInformation", "Asks for name, system, model, battery and memory."),
    ("SecurityInfo", "Asks for passcode, encryption and firewall."),
    ("InstalledApplicationList", "Asks which apps are installed."),
    ("CertificateList", "Asks which certificates are installed."),
    ("ProfileList", "Asks which profiles are installed."),
    ("ProvisioningProfileList", "Asks which provisioning profiles are installed."),
    ("Restrictions", "Asks which restrictions are in force."),
    ("InstallProfile", "Installs a configuration profile, or replaces the one of the same identifier."),
    ("RemoveProfile", "Removes a configuration profile that this server installed."),
    ("InstallProvisioningProfile", "Installs a provisioning profile for apps of your own."),
    ("RemoveProvisioningProfile", "Removes a provisioning profile."),
    ("InstallApplication", "Installs an app from the App Store, or one of your own by its manifest."),
    ("RemoveApplication", "Removes an app that this server installed, with its data."),
    ("Settings", "Changes settings such as the device's name or wallpaper."),
    ("DeviceConfigured", "Releases a device that waits in Setup Assistant."),
];

/// What the keys are for that people fill in most.
const KEYS: [(&str, &str); 6] = [
    ("Message", "What the lock screen says."),
    ("PhoneNumber", "Stands on the lock screen, for whoever finds the device."),
    ("Footnote", "Stands at the bottom of the lock screen."),
    ("PIN", "Six digits. A Mac needs them to be unlocked again; keep them."),
    ("Identifier", "As the app or profile calls itself: org.example.reader"),
    ("NotifyUser", "Whether its user is told before."),
];

/// What a key is for, if that needs saying.
pub(super) fn purpose_of(key: &str) -> Option<&'static str> {
    KEYS.iter().find(|(known, _)| *known == key).map(|(_, purpose)| *purpose)
}

/// What a command does.
pub(super) fn purpose(name: &str) -> &'static str {
    PURPOSES.iter().find(|(known, _)| *known == name).map_or("", |(_, purpose)| purpose)
}

/// Which devices take it.
pub(super) fn takers(availability: &Availability) -> String {
    let systems = [
        ("iPhone and iPad", availability.ios),
        ("Mac", availability.macos),
        ("Apple TV", availability.tvos),
        ("Apple Vision", availability.visionos),
        ("Apple Watch", availability.watchos),
    ];
    let named: Vec<String> =
        systems.into_iter().filter_map(|(name, since)| Some(from(name, since?))).collect();
    format!("For {}.", named.join("; "))
}

fn from(name: &str, since: Since) -> String {
    let (major, minor) = since.version;
    let supervised = if since.supervised { ", supervised" } else { "" };
    format!("{name} from {major}.{minor}{supervised}")
}

#[cfg(test)]
mod tests {
    use shared::protocol::command::schema;

    use super::*;

    #[test]
    fn every_command_is_explained() {
        for schema in schema::all() {
            assert!(!purpose(schema.name).is_empty(), "{}", schema.name);
        }
        let lock = schema::of("ShutDownDevice").unwrap();
        assert_eq!(takers(&lock.availability), "For iPhone and iPad from 10.3, supervised; Mac from 10.13.");
    }
}
