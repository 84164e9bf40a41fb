//! A device: enrolled through a link, then asked.

use pomarium_local::device::ServedProfile;
use serde_json::{Value, json};

use super::certificate::Certificate;
use super::stage::{Stage, string};
use super::tell::{Result, Wrong, same};
use crate::actors::Tenant;

/// A raw command, as a person pastes it.
const RAW: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\
    <key>RequestType</key><string>InstalledApplicationList</string></dict></plist>";

impl Stage<'_> {
    /// The tenant's own authority.
    pub(super) async fn authority(&mut self, who: &Tenant) -> Result {
        let subject =
            json!({ "common_name": "Green School MDM", "organization": "Green School", "country": "DE" });
        let made = self.order(who, "identity-authority", subject, 201).await?;
        let name = string(&made.json, "/common_name")?;
        let fingerprint = string(&made.json, "/fingerprint")?;
        self.tell.fact(&format!("{name}, SHA-256 {fingerprint}"));
        Ok(())
    }

    /// A link, and the profile behind it.
    pub(super) async fn link(&mut self, who: &Tenant, certificate: &Certificate) -> Result<String> {
        let made = self.order(who, "enrollment-links", json!({}), 201).await?;
        let url = string(&made.json, "/url")?;
        let path = url.strip_prefix(self.runner.base_url()).unwrap_or(&url).to_owned();
        let anyone = self.anyone.clone();
        let file = self.get(&anyone, &path).await?;
        same("the profile's type", file.header("content-type"), Some("application/x-apple-aspen-config"))?;
        let profile = ServedProfile::read(&file.bytes)
            .map_err(|error| Wrong::new("an enrollment profile", error.to_string()))?;
        same("the profile's topic", &profile.topic, &certificate.topic)?;
        if profile.signer.is_none() {
            return Err(Wrong::new("a signed profile", "one without a signature"));
        }
        self.tell.fact(&format!("profile \"{}\", {} bytes, signed", profile.display_name, file.bytes.len()));
        Ok(url)
    }

    /// A simulated device enrolls. Returns its UDID.
    pub(super) async fn enroll(&mut self, who: &Tenant, link: &str) -> Result<String> {
        let anyone = self.anyone.clone();
        let body = json!({ "enroll": link, "name": "iPad of room 12" });
        let started = self.post(&anyone, "/_local/devices", body, 200).await?;
        let udid = string(&started.json, "/udid")?;
        let seen = self.get(&who.admin, &who.path(&format!("enrollments/{udid}"))).await?;
        same("the enrollment's state", string(&seen.json, "/state")?, "enrolled".to_owned())?;
        self.tell.fact(&format!("serial {}, UDID {udid}", string(&started.json, "/serial")?));
        Ok(udid)
    }

    /// Every command the story asks, answered after a real push.
    pub(super) async fn ask(&mut self, who: &Tenant, udid: &str) -> Result {
        let facts = self
            .command(
                who,
                udid,
                json!({ "command": {
            "RequestType": "DeviceInformation", "Queries": ["DeviceName", "OSVersion", "SerialNumber"],
        } }),
            )
            .await?;
        self.tell_result("DeviceInformation", &facts["QueryResponses"]);
        let security =
            self.command(who, udid, json!({ "command": { "RequestType": "SecurityInfo" } })).await?;
        self.tell_result("SecurityInfo", &security["SecurityInfo"]);
        let profiles =
            self.command(who, udid, json!({ "command": { "RequestType": "ProfileList" } })).await?;
        self.tell_result("ProfileList", &profiles["ProfileList"]);
        let raw = self.command(who, udid, json!({ "command_plist": RAW })).await?;
        self.tell_result("a raw property list", &raw["InstalledApplicationList"]);
        for (name, result) in [
            ("DeviceInformation", &facts["QueryResponses"]["SerialNumber"]),
            ("SecurityInfo", &security["SecurityInfo"]),
            ("ProfileList", &profiles["ProfileList"][0]["PayloadIdentifier"]),
            ("InstalledApplicationList", &raw["InstalledApplicationList"][0]),
        ] {
            if result.is_null() {
                return Err(Wrong::new(format!("a result of {name}"), "none"));
            }
        }
        let pushes = self.runner.apns.pushes();
        let last = pushes.last().ok_or_else(|| Wrong::new("pushes through APNs", "none"))?;
        self.tell.fact(&format!(
            "APNs got {} pushes over {} connection: type {}, topic {}",
            pushes.len(),
            last.connection,
            last.push_type,
            last.topic
        ));
        same("pushes refused", pushes.iter().filter(|push| push.status != Some(200)).count(), 0)
    }

    fn tell_result(&mut self, name: &str, result: &Value) {
        self.tell.fact(&format!("{name}: {result}"));
    }
}
