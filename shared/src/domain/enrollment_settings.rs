//! What a tenant's enrollment profiles ask of devices.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::external_scep::ExternalScep;
use crate::error::{Error, Result};
use crate::id::KeyId;

/// A right that the MDM payload asks for. Apple: `AccessRights` in `mdm/profiles/com.apple.mdm.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessRight {
    /// List configuration profiles.
    InspectProfiles,
    /// Install and remove configuration profiles.
    ManageProfiles,
    /// Lock the device, remove its passcode.
    LockDevice,
    /// Erase the device.
    EraseDevice,
    /// Read serial number, model, versions and the like.
    QueryDevice,
    /// Read addresses of its network interfaces.
    QueryNetwork,
    /// List provisioning profiles.
    InspectProvisioningProfiles,
    /// Install and remove provisioning profiles.
    ManageProvisioningProfiles,
    /// List installed apps.
    InspectApps,
    /// Read restrictions.
    QueryRestrictions,
    /// Read what protects the device.
    QuerySecurity,
    /// Change settings.
    ChangeSettings,
    /// Install and remove apps.
    ManageApps,
}

impl AccessRight {
    /// Every right, in the order of Apple's bits.
    pub const ALL: [Self; 13] = [
        Self::InspectProfiles,
        Self::ManageProfiles,
        Self::LockDevice,
        Self::EraseDevice,
        Self::QueryDevice,
        Self::QueryNetwork,
        Self::InspectProvisioningProfiles,
        Self::ManageProvisioningProfiles,
        Self::InspectApps,
        Self::QueryRestrictions,
        Self::QuerySecurity,
        Self::ChangeSettings,
        Self::ManageApps,
    ];

    /// The rights as Apple adds them up: 8191 for all.
    pub fn bits(rights: &BTreeSet<Self>) -> u16 {
        let bits = (0_u16..).zip(Self::ALL).filter(|(_, right)| rights.contains(right));
        bits.map(|(bit, _)| 1 << bit).sum()
    }
}

/// When a person may remove the profile, and management with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemovalRule {
    /// Always.
    #[default]
    Always,
    /// With a password, which is in the secret store under this name.
    WithPassword(KeyId),
}

/// Where a device gets the identity that it signs with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentitySource {
    /// The device makes a key and asks this server for its certificate.
    #[default]
    Scep,
    /// Key and certificate come inside the profile, made for this one profile.
    Pkcs12,
    /// The device makes a key and asks a SCEP server of the tenant's own.
    ExternalScep,
}

/// How a device gets its enrollment profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnrollmentMethod {
    /// The link holds it.
    #[default]
    Direct,
    /// In phases: the device proves who it is first, with the certificate it has from Apple. Macs have none to rely on.
    OverTheAir,
}

/// How a device proves that a message is its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceAuthentication {
    /// It signs each message: `Mdm-Signature`.
    #[default]
    Signature,
    /// It shows its identity in the TLS handshake, on a host of its own.
    MutualTls,
}

/// How far mutual TLS has come, where a tenant wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MutualTlsState {
    /// The gateway does not know the tenant's authority yet: profiles still have their devices sign.
    Pending,
    /// Profiles that are served now name the host that asks for certificates.
    Active,
}

/// A tenant's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentSettings {
    /// What the MDM payload asks for.
    pub access_rights: BTreeSet<AccessRight>,
    /// When a person may remove the profile.
    pub removal: RemovalRule,
    /// The authority of this server's TLS certificate, DER, where devices do not trust it by themselves.
    pub trusted_authority: Option<Bytes>,
    /// Whether the device speaks to this server only over a certificate of that authority.
    pub pinned: bool,
    /// Whether each user of a Mac or a shared iPad has a channel of their own.
    pub per_user_connections: bool,
    /// Whether a Mac deposits its bootstrap token.
    pub bootstrap_token: bool,
    /// Where devices get their identities.
    #[serde(default)]
    pub identity: IdentitySource,
    /// The tenant's own SCEP server, where devices get them there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_scep: Option<ExternalScep>,
    /// How devices get their profiles.
    #[serde(default)]
    pub method: EnrollmentMethod,
    /// How the devices that enroll from now on prove themselves.
    #[serde(default)]
    pub device_authentication: DeviceAuthentication,
    /// Whether mutual TLS was ever wanted: from then on devices may depend on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mutual_tls_used: bool,
    /// Counts the changes.
    pub version: u64,
}

/// What a tenant has that changed nothing yet.
impl Default for EnrollmentSettings {
    fn default() -> Self {
        Self {
            access_rights: AccessRight::ALL.into(),
            removal: RemovalRule::Always,
            trusted_authority: None,
            pinned: false,
            per_user_connections: true,
            bootstrap_token: true,
            identity: IdentitySource::Scep,
            external_scep: None,
            method: EnrollmentMethod::Direct,
            device_authentication: DeviceAuthentication::Signature,
            mutual_tls_used: false,
            version: 0,
        }
    }
}

impl EnrollmentSettings {
    /// The tenant's own SCEP server, if devices get their identities there.
    pub fn external(&self) -> Option<&ExternalScep> {
        match self.identity {
            IdentitySource::ExternalScep => self.external_scep.as_ref(),
            IdentitySource::Scep | IdentitySource::Pkcs12 => None,
        }
    }

    /// Checks what devices would refuse whatever was before.
    ///
    /// # Errors
    /// Malformed, naming the field.
    pub fn check(&self) -> Result<()> {
        let rights = &self.access_rights;
        let refuse = |message: &str| Err(Error::malformed("access-rights", message).at("access_rights"));
        if rights.is_empty() {
            return refuse("A device refuses a profile that asks for no right at all.");
        }
        for (right, needs, message) in [
            (
                AccessRight::ManageProfiles,
                AccessRight::InspectProfiles,
                "A device gives \"manage-profiles\" only together with \"inspect-profiles\".",
            ),
            (
                AccessRight::ManageProvisioningProfiles,
                AccessRight::InspectProvisioningProfiles,
                "A device gives \"manage-provisioning-profiles\" only together with \"inspect-provisioning-profiles\".",
            ),
        ] {
            if rights.contains(&right) && !rights.contains(&needs) {
                return refuse(message);
            }
        }
        if self.method == EnrollmentMethod::OverTheAir && self.identity == IdentitySource::Pkcs12 {
            let message = "In phases a device asks for its identity: it cannot come with the profile.";
            return Err(Error::malformed("phases-need-scep", message)
                .at("identity")
                .next("Choose identity \"scep\" or \"external-scep\", or method \"direct\"."));
        }
        if self.device_authentication == DeviceAuthentication::MutualTls
            && self.identity == IdentitySource::ExternalScep
        {
            let message = "The host for mutual TLS accepts identities of this server's authorities alone.";
            return Err(Error::malformed("mutual-tls-external-scep", message)
                .at("device_authentication")
                .next("Choose \"signature\", or another identity than \"external-scep\"."));
        }
        if (self.identity == IdentitySource::ExternalScep) != self.external_scep.is_some() {
            let message = "A SCEP server of your own belongs to identity \"external-scep\", and that to it.";
            return Err(Error::malformed("external-scep", message)
                .at("external_scep")
                .next("Give both, or leave both out."));
        }
        if self.pinned && self.trusted_authority.is_none() {
            let message = "Only a certificate that the profile brings along can be pinned.";
            return Err(Error::malformed("pinning-without-certificate", message)
                .at("pinned")
                .next("Give trusted_authority, or leave pinned out."));
        }
        Ok(())
    }

    /// Checks what installed profiles allow: an update of one that widens rights or changes the users' channels is refused
    /// by the device.
    ///
    /// # Errors
    /// Conflict, naming the field.
    pub fn check_update(&self, installed: &Self) -> Result<()> {
        if !self.access_rights.is_subset(&installed.access_rights) {
            return Err(Error::conflict(
                "access-rights-widened",
                "Devices are enrolled with fewer rights, and an installed profile can never gain any.",
            )
            .at("access_rights")
            .next("Leave out what they do not have; who needs more enrolls in another tenant."));
        }
        if self.per_user_connections != installed.per_user_connections {
            return Err(Error::conflict(
                "per-user-connections-fixed",
                "Devices are enrolled, and an installed profile can neither gain nor lose its users' channels.",
            )
            .at("per_user_connections")
            .next("Leave it as it is."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rights: &[AccessRight]) -> EnrollmentSettings {
        let access_rights = rights.iter().copied().collect();
        EnrollmentSettings { access_rights, ..EnrollmentSettings::default() }
    }

    #[test]
    fn rights_add_up_as_apple_numbers_them() {
        assert_eq!(AccessRight::bits(&EnrollmentSettings::default().access_rights), 8191);
        assert_eq!(AccessRight::bits(&with(&[AccessRight::QueryDevice]).access_rights), 16);
        assert_eq!(AccessRight::bits(&with(&[AccessRight::ManageApps]).access_rights), 4096);
    }

    #[test]
    fn what_a_device_would_refuse_is_refused() {
        assert!(EnrollmentSettings::default().check().is_ok());
        for rights in [&[][..], &[AccessRight::ManageProfiles], &[AccessRight::ManageProvisioningProfiles]] {
            let error = with(rights).check().unwrap_err();
            assert_eq!((error.code(), error.field()), ("access-rights", Some("access_rights")));
        }
        let external = EnrollmentSettings {
            device_authentication: DeviceAuthentication::MutualTls,
            identity: IdentitySource::ExternalScep,
            ..EnrollmentSettings::default()
        };
        assert_eq!(external.check().unwrap_err().code(), "mutual-tls-external-scep");
        let pinned = EnrollmentSettings { pinned: true, ..EnrollmentSettings::default() };
        assert_eq!(pinned.check().unwrap_err().code(), "pinning-without-certificate");
        let trusted_authority = Some(Bytes::from_static(b"certificate"));
        assert!(EnrollmentSettings { trusted_authority, ..pinned }.check().is_ok());
    }

    #[test]
    fn an_update_takes_rights_and_never_gives_any() {
        let (all, few) = (EnrollmentSettings::default(), with(&[AccessRight::QueryDevice]));
        assert!(few.check_update(&all).is_ok() && few.check_update(&few).is_ok());
        assert_eq!(all.check_update(&few).unwrap_err().code(), "access-rights-widened");
        let without = EnrollmentSettings { per_user_connections: false, ..all.clone() };
        for (after, before) in [(&without, &all), (&all, &without)] {
            let error = after.check_update(before).unwrap_err();
            assert_eq!(error.code(), "per-user-connections-fixed");
        }
    }
}
