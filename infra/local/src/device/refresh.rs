//! The enrollment profile once more: a device takes it for an update of the one that it has.

use plist::{Dictionary, Value};
use shared::protocol::report::ErrorChainItem;

use super::error::{DeviceError, Result};
use super::wire::Command;
use super::{Reply, ServedProfile, SimDevice};

impl SimDevice {
    /// The enrollment profile that a command brings, if it does.
    pub fn enrollment_profile(&self, command: &Command) -> Option<ServedProfile> {
        let payload = command.keys.get("Payload").and_then(Value::as_data);
        let profile =
            ServedProfile::read(payload.filter(|_| command.request_type == "InstallProfile")?).ok()?;
        (profile.identifier == self.profile.as_ref()?.identifier).then_some(profile)
    }

    /// Installs it with all that follows, or stays as it was.
    pub(super) async fn refresh(&mut self, profile: ServedProfile) -> Reply {
        let former = (self.profile.clone(), self.identity.clone());
        match self.install(profile).await {
            Ok(()) => Reply::Acknowledge(Dictionary::new()),
            Err(error) => {
                (self.profile, self.identity) = former;
                Reply::Error(vec![ErrorChainItem {
                    code: Some(4001),
                    domain: Some("MCInstallationErrorDomain".to_owned()),
                    localized_description: Some(error.to_string()),
                    us_english_description: None,
                }])
            }
        }
    }

    async fn install(&mut self, profile: ServedProfile) -> Result<()> {
        let installed = self.profile()?;
        let fixed = |profile: &ServedProfile| {
            let urls = (profile.server_url.clone(), profile.check_in_url.clone());
            (profile.topic.clone(), urls, profile.sign_messages)
        };
        if fixed(&profile) != fixed(installed) || widens(profile.access_rights, installed.access_rights) {
            return Err(DeviceError::unreadable("the enrollment profile", "an update that is not allowed"));
        }
        self.profile = Some(profile);
        self.obtain_identity().await?;
        if self.begins_anew {
            self.authenticate().await?;
        }
        self.token_update(None).await
    }
}

/// Whether an update asks for rights that the installed profile does not have; a User Enrollment has none to ask for.
fn widens(update: Option<u64>, installed: Option<u64>) -> bool {
    match (update, installed) {
        (Some(update), Some(installed)) => update & !installed != 0,
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}
