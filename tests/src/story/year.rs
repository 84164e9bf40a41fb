//! A year later: mails, and a renewal that no device notices.

use serde_json::{Value, json};
use shared::time::{DAY, SignedDuration};

use super::certificate::Certificate;
use super::stage::{Stage, string};
use super::tell::{Result, Wrong, same};
use crate::actors::Tenant;

impl Stage<'_> {
    /// Moves the clock to so many whole days, and an hour, before the end.
    pub(super) async fn days_before(&mut self, certificate: &Certificate, days: i64) -> Result {
        let ahead = SignedDuration::from_secs(days * DAY + 3_600);
        self.set_clock(certificate.not_after - ahead).await
    }

    /// Runs the notifier, which must send so many mails.
    pub(super) async fn notifier(&mut self, sent: u64) -> Result {
        let anyone = self.anyone.clone();
        let tally = self.post(&anyone, "/_local/run/expiry-notifier", json!({}), 200).await?;
        self.tell.fact(&format!("sent {}, sent before {}", tally.json["sent"], tally.json["repeated"]));
        same("mails sent", tally.json["sent"].as_u64(), Some(sent))
    }

    /// The latest mail, which must say so many days.
    pub(super) async fn latest_mail(&mut self, days: i64, mails: usize) -> Result {
        let anyone = self.anyone.clone();
        let all = self.get(&anyone, "/_local/mails").await?;
        let subject = string(&all.json, "/mails/0/subject")?;
        self.tell.fact(&format!("to {}: \"{subject}\"", string(&all.json, "/mails/0/to")?));
        let about_ends =
            |mail: &&Value| mail["subject"].as_str().is_some_and(|subject| subject.contains(" expires "));
        let found = all.json["mails"].as_array().map(|mails| mails.iter().filter(about_ends).count());
        same("mails about an end", found, Some(mails))?;
        if subject.ends_with(&format!("expires in {days} days")) {
            return Ok(());
        }
        Err(Wrong::new(format!("a mail about {days} days"), subject))
    }

    /// The same device, not enrolled again, answers a command pushed with the certificate of now.
    pub(super) async fn still_answers(&mut self, who: &Tenant, udid: &str) -> Result {
        let path = who.path(&format!("enrollments/{udid}"));
        let before = self.runner.apns.pushes().last().map_or(0, |push| push.connection);
        let enrolled = who.get(&format!("enrollments/{udid}")).await.json["enrolled_at"].clone();
        let order = json!({ "command": { "RequestType": "DeviceInformation", "Queries": ["DeviceName"] } });
        let answer = self.command(who, udid, order).await?;
        let seen = self.get(&who.admin, &path).await?;
        same("the time of enrollment", &seen.json["enrolled_at"], &enrolled)?;
        same("the state", string(&seen.json, "/state")?, "enrolled".to_owned())?;
        let connection = self.runner.apns.pushes().last().map_or(0, |push| push.connection);
        if connection <= before {
            return Err(Wrong::new(
                "a push over the new certificate's own connection",
                format!("connection {connection}"),
            ));
        }
        let name = answer.pointer("/QueryResponses/DeviceName").and_then(Value::as_str).unwrap_or_default();
        self.tell.fact(&format!(
            "\"{name}\" answered, pushed over connection {connection} of the active certificate"
        ));
        Ok(())
    }

    /// Goes back to the certificate that was active before.
    pub(super) async fn roll_back(&mut self, who: &Tenant, expected: &Certificate) -> Result {
        let back = self.order(who, "push-certificate/rollback", json!({}), 200).await?;
        let active = Certificate::read(&back.json)?;
        self.tell.fact(&format!("active: serial {}, until {}", active.serial, active.not_after));
        same("the active serial number", active.serial, expected.serial.clone())
    }
}
