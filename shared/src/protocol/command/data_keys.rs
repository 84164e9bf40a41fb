//! Which keys of commands Apple types as data: in JSON they are given in base64.

/// RequestType, then the path of keys; arrays on the way do not count. Apple: `mdm/commands/*.yaml`, type `<data>`.
const DATA_KEYS: &[(&str, &[&str])] = &[
    ("AccountConfiguration", &["AutoSetupAdminAccounts", "passwordHash"]),
    ("ClearPasscode", &["UnlockToken"]),
    ("DeclarativeManagement", &["Data"]),
    ("DeviceInformation", &["DeviceAttestationNonce"]),
    ("EraseDevice", &["ReturnToService", "BootstrapToken"]),
    ("EraseDevice", &["ReturnToService", "MDMProfileData"]),
    ("EraseDevice", &["ReturnToService", "WiFiProfileData"]),
    ("InstallEnterpriseApplication", &["ManifestURLPinningCerts"]),
    ("InstallProfile", &["Payload"]),
    ("InstallProvisioningProfile", &["ProvisioningProfile"]),
    ("RotateFileVaultKey", &["FileVaultUnlock", "PrivateKeyExport"]),
    ("RotateFileVaultKey", &["NewCertificate"]),
    ("RotateFileVaultKey", &["ReplyEncryptionCertificate"]),
    ("SetAutoAdminPassword", &["passwordHash"]),
    ("Settings", &["Settings", "Image"]),
];

/// Whether the text at this path of a command is data. Configurations of apps are free-form and never are: a command
/// that needs data there is sent as a property list.
pub(super) fn is_data(request_type: &str, path: &[&str]) -> bool {
    DATA_KEYS.iter().any(|(command, keys)| *command == request_type && *keys == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_data_only_where_apple_says_so() {
        assert!(is_data("InstallProfile", &["Payload"]));
        assert!(!is_data("RemoveProfile", &["Payload"]));
        assert!(is_data("Settings", &["Settings", "Image"]));
        assert!(!is_data("Settings", &["Settings", "Configuration", "Image"]));
    }
}
