//! The check-in messages a device sends. Apple: `mdm/checkin/*.yaml`.

use plist::{Dictionary, Value};

use super::error::Result;
use super::wire::{Response, Url};
use super::{SimDevice, dictionary};

impl SimDevice {
    /// Sends a check-in of this type with more keys; any answer is good.
    ///
    /// # Errors
    /// When the device has no identity yet, or nobody answers.
    pub async fn send_checkin(&self, message_type: &str, keys: Dictionary) -> Result<Response> {
        self.send(Url::CheckIn, &self.checkin(message_type, keys)).await
    }

    /// A check-in of this type, unsent.
    pub fn checkin(&self, message_type: &str, keys: Dictionary) -> Dictionary {
        let mut message = self.introduction();
        message.insert("MessageType".to_owned(), message_type.into());
        message.extend(keys);
        message
    }

    /// Begins an enrollment.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn authenticate(&self) -> Result<()> {
        let mut keys = dictionary([
            ("Topic", self.profile()?.topic.as_str().into()),
            ("DeviceName", self.name.as_str().into()),
            ("ModelName", "iPad".into()),
            ("Model", "MYQ43FD/A".into()),
            ("ProductName", "iPad13,18".into()),
            ("OSVersion", self.os_version.as_str().into()),
            ("BuildVersion", "23B85".into()),
        ]);
        if !self.is_owners() {
            keys.insert("SerialNumber".to_owned(), self.serial.as_str().into());
        }
        self.checked("Authenticate", keys).await
    }

    /// Tells where pushes go, and with what its passcode is cleared.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn token_update(&self, unlock_token: Option<&[u8]>) -> Result<()> {
        let mut keys = dictionary([
            ("Topic", self.profile()?.topic.as_str().into()),
            ("Token", Value::Data(self.push.token.clone())),
            ("PushMagic", self.push.magic.as_str().into()),
        ]);
        if let Some(token) = unlock_token {
            keys.insert("UnlockToken".to_owned(), Value::Data(token.to_vec()));
        }
        self.checked("TokenUpdate", keys).await
    }

    /// Says that the MDM profile was removed.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn check_out(&self) -> Result<()> {
        self.checked("CheckOut", dictionary([("Topic", self.profile()?.topic.as_str().into())])).await
    }

    /// Deposits a Mac's bootstrap token; an empty one removes it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn set_bootstrap_token(&self, token: &[u8]) -> Result<()> {
        self.checked("SetBootstrapToken", dictionary([("BootstrapToken", Value::Data(token.to_vec()))])).await
    }

    /// Asks for a Mac's bootstrap token.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn bootstrap_token(&self) -> Result<Option<Vec<u8>>> {
        let answer = self.send_checkin("GetBootstrapToken", Dictionary::new()).await?;
        let answer = answer.accepted("GetBootstrapToken")?.dictionary()?;
        Ok(answer.and_then(|answer| answer.get("BootstrapToken")?.as_data().map(<[u8]>::to_vec)))
    }

    async fn checked(&self, message_type: &str, keys: Dictionary) -> Result<()> {
        self.send_checkin(message_type, keys).await?.accepted(message_type).map(drop)
    }
}
