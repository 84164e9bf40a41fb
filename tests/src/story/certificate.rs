//! The first push certificate, from the tenant to its activation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use shared::time::Timestamp;

use super::stage::{Stage, moment, string};
use super::tell::{Result, Wrong, same};
use crate::actors::{Api, Tenant, subject};

/// A push certificate as the story remembers it.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) topic: String,
    pub(super) serial: String,
    pub(super) not_after: Timestamp,
}

impl Certificate {
    pub(super) fn read(view: &Value) -> Result<Self> {
        Ok(Self {
            topic: string(view, "/topic")?,
            serial: string(view, "/serial_number")?,
            not_after: moment(view, "/not_after")?,
        })
    }
}

impl Stage<'_> {
    /// A tenant with its first administrator.
    pub(super) async fn tenant(&mut self, name: &str, contact: &str) -> Result<Tenant> {
        let operator = self.operator.clone();
        let body = json!({ "name": name, "contacts": [contact] });
        let created = self.post(&operator, "/v1/tenants", body, 201).await?;
        let (id, token) = (string(&created.json, "/tenant/id")?, string(&created.json, "/token")?);
        self.tell.fact(&format!("{name} is {id}; its admin token pom_{id}_... is shown this once"));
        let admin = Api::new(self.runner.base_url(), Some(&token));
        Ok(Tenant::new(id, admin))
    }

    /// A request, and its file for Apple's portal.
    pub(super) async fn request(&mut self, who: &Tenant) -> Result<String> {
        self.order(who, "push-certificate/request", json!({ "subject": subject() }), 201).await?;
        let file = self.get(&who.admin, &who.path("push-certificate/request/file")).await?;
        let header = file.header("content-disposition").unwrap_or_default();
        let name = header.split('"').nth(1).unwrap_or(header).to_owned();
        self.tell.fact(&format!("{name}, {} bytes, signed by the MDM vendor", file.bytes.len()));
        Ok(file.text())
    }

    /// The portal's certificate for a file: of a new row, or of the row `renews`.
    pub(super) async fn portal(&mut self, file: &str, renews: Option<&str>) -> Result<String> {
        let anyone = self.anyone.clone();
        let path = match renews {
            None => "/_local/portal/certificates".to_owned(),
            Some(uid) => format!("/_local/portal/certificates/{uid}/renew"),
        };
        let issued = self.call(&anyone, Method::POST, &path, file.into(), 201).await?;
        self.tell.fact(&format!("UID {}", issued.header("x-push-topic").unwrap_or_default()));
        Ok(issued.text())
    }

    /// The portal refuses a file that was damaged on its way.
    pub(super) async fn damaged(&mut self, file: &str) -> Result {
        let anyone = self.anyone.clone();
        let refused =
            self.call(&anyone, Method::POST, "/_local/portal/certificates", spoil(file)?.into(), 400).await?;
        let faults = refused.json["errors"].as_array().cloned().unwrap_or_default();
        if faults.is_empty() {
            return Err(Wrong::new("the portal says what is wrong", refused.text()));
        }
        for fault in faults {
            self.tell.fact(&format!("the portal: {}", fault.as_str().unwrap_or_default()));
        }
        Ok(())
    }

    /// Uploads and reads the review.
    pub(super) async fn stage(&mut self, who: &Tenant, pem: &str, source: &str) -> Result<Value> {
        let staged = self.order(who, "push-certificate/staged", json!({ "certificate": pem }), 201).await?;
        self.tell.fact(&format!(
            "review: {}. {}",
            string(&staged.json, "/source")?,
            string(&staged.json, "/meaning")?
        ));
        same("the source", string(&staged.json, "/source")?, source.to_owned())?;
        Ok(staged.json)
    }

    /// Activates what was reviewed, and nothing that was uploaded since.
    pub(super) async fn activate(&mut self, who: &Tenant, review: &Value) -> Result<Certificate> {
        let body = json!({ "fingerprint": review["certificate"]["fingerprint"], "expiry_mails": true });
        let done = self.order(who, "push-certificate/activate", body, 200).await?;
        let certificate = Certificate::read(&done.json["active"])?;
        let fingerprint = string(&done.json, "/active/fingerprint")?;
        self.tell.fact(&format!("active: serial {}, until {}", certificate.serial, certificate.not_after));
        self.tell.fact(&format!("SHA-256 {fingerprint}"));
        self.tell.fact(&string(&done.json, "/check/meaning")?);
        Ok(certificate)
    }

    /// Asks for the deletion of all push certificates, and tells the refusal or what it meant.
    pub(super) async fn delete(&mut self, who: &Tenant, typed: Value, status: u16) -> Result<Value> {
        let path = who.path("push-certificate");
        let body = typed.to_string().into_bytes();
        let answer = self.call(&who.admin, Method::DELETE, &path, body, status).await?;
        self.tell.fact(&match answer.json["detail"].as_str() {
            Some(refusal) => format!("refused: {refusal}"),
            None => format!("devices that must enroll again: {}", answer.json["orphaned_enrollments"]),
        });
        Ok(answer.json)
    }
}

/// The file with one character of the vendor's signature changed.
fn spoil(file: &str) -> Result<String> {
    let unreadable = || Wrong::new("a request file in base64", file.to_owned());
    let compact: String = file.split_whitespace().collect();
    let xml = STANDARD
        .decode(compact)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(unreadable)?;
    let (head, rest) = xml.split_once("<key>PushCertSignature</key>").ok_or_else(unreadable)?;
    let (open, signature) = rest.split_once("<string>").ok_or_else(unreadable)?;
    let first = signature.trim_start().chars().next().ok_or_else(unreadable)?;
    let other = if first == 'A' { "B" } else { "A" };
    let spoiled = signature.replacen(first, other, 1);
    Ok(STANDARD.encode(format!("{head}<key>PushCertSignature</key>{open}<string>{spoiled}")))
}
