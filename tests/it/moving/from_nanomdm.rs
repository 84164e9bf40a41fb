//! Devices of another server come over with the identities they have.

use std::path::Path;

use openssl::x509::X509;
use plist::{Dictionary, Value as Plist};
use pomarium_local::device::SimDevice;
use pomarium_move::{Dump, Newcomer, adopt};
use pomarium_tests::{Api, Tenant, TestApp};
use serde_json::{Value, json};
use shared::protocol::body;
use tempfile::TempDir;

use super::elsewhere::{Elsewhere, leads, secrets};
use super::{export, import};
use crate::crypto::certificate_pem;
use crate::devices::{enrolled, enrollment, queue, status};
use crate::killed::scope;
use crate::stored::{everything, unchanged};

/// The server that the devices come from: what its database would hold of them.
struct Former {
    app: TestApp,
    tenant: Tenant,
    push: Value,
    topic: String,
    authorities: String,
    devices: Vec<Value>,
    users: Vec<Value>,
    enrollments: Vec<Value>,
    associations: Vec<Value>,
}

fn xml(message: Dictionary) -> String {
    String::from_utf8(body::to_xml(&message.into()).unwrap()).unwrap()
}

fn keys<const N: usize>(keys: [(&str, Plist); N]) -> Dictionary {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

impl Former {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.tenant("Green School").await;
        tenant.request().await;
        let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
        tenant.stage(&issued.pem).await;
        tenant.activate(json!({})).await;
        tenant.create_authority().await;
        let kept = secrets(&app.runner.aws.sdk_config(), &tenant.id).await;
        let (_, key) = kept.iter().find(|(name, _)| name.contains("/push-key/")).unwrap();
        let key = String::from_utf8(key.clone()).unwrap();
        let push = json!({"topic": issued.uid, "cert_pem": issued.pem, "key_pem": key, "stale_token": 1});
        let authorities = app.runner.state.store.authorities(&scope(&tenant)).await.unwrap();
        let authorities = certificate_pem(&X509::from_der(&authorities[0].certificate).unwrap());
        let none = Vec::new;
        Self {
            app,
            tenant,
            push,
            topic: issued.uid,
            authorities,
            devices: none(),
            users: none(),
            enrollments: none(),
            associations: none(),
        }
    }

    /// A device that is enrolled there.
    async fn device(&mut self, udid: &str) -> SimDevice {
        let device = enrolled(&self.app, &self.tenant, udid).await;
        let facts = [("Topic", self.topic.as_str().into()), ("SerialNumber", format!("C02{udid}").into())];
        let certificate = &device.identity().unwrap().certificate;
        self.devices.push(json!({
            "id": udid,
            "identity_cert": certificate_pem(certificate),
            "serial_number": format!("C02{udid}"),
            "authenticate": xml(device.checkin("Authenticate", keys(facts))),
            // As it was before the device got another push token, and without the unlock token of before.
            "token_update": xml(device.checkin("TokenUpdate", keys([
                ("Topic", self.topic.as_str().into()), ("PushMagic", "former".into()), ("Token", Plist::Data(vec![1; 32])),
            ]))),
            "unlock_token": "\\x756e6c6f636b",
            "bootstrap_token_b64": "Ym9vdHN0cmFw",
        }));
        let sha256 = hex::encode(openssl::sha::sha256(&certificate.to_der().unwrap()));
        self.associations.push(json!({"id": udid, "sha256": sha256}));
        self.enroll(&device, udid, None);
        device
    }

    /// A user on it.
    fn user(&mut self, device: &SimDevice, udid: &str) -> SimDevice {
        let mut user = device.user("U-1", "jo");
        user.listen(&self.app.runner.apns).unwrap();
        let update = user.checkin("TokenUpdate", keys([("UserLongName", "Jo Green".into())]));
        self.users.push(json!({"id": user.id(), "device_id": udid, "token_update": xml(update)}));
        self.enroll(&user, udid, Some(user.id()));
        user
    }

    fn enroll(&mut self, channel: &SimDevice, device: &str, user: Option<String>) {
        self.enrollments.push(json!({
            "id": channel.id(), "device_id": device, "user_id": user, "type": "Device", "topic": self.topic,
            "push_magic": channel.push_magic(), "token_hex": hex::encode(channel.push_token()), "enabled": true,
        }));
    }

    /// The dump in files.
    fn written(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let tables = [
            ("nano_devices", &self.devices),
            ("users", &self.users),
            ("enrollments", &self.enrollments),
            ("push_certs", &vec![self.push.clone()]),
            ("cert_auth_associations", &self.associations),
        ];
        for (name, rows) in tables {
            let lines: Vec<_> = rows.iter().map(Value::to_string).collect();
            std::fs::write(folder.path().join(format!("{name}.jsonl")), lines.join("\n")).unwrap();
        }
        folder
    }

    fn newcomer(&self) -> Newcomer {
        Newcomer {
            name: "Green School".into(),
            contacts: vec!["it@green.example".parse().unwrap()],
            authorities: self.authorities.clone(),
            topic: None,
        }
    }
}

fn read(folder: &Path) -> Dump {
    Dump::read(folder).expect("it is a dump")
}

#[tokio::test]
async fn devices_of_another_server_speak_with_the_identities_they_have() {
    let mut former = Former::new().await;
    let mut device = former.device("D-1").await;
    let mut user = former.user(&device, "D-1");
    let workshop = Elsewhere::start(&former.app).await;
    let adopted = adopt(&workshop.state, &read(former.written().path()), &former.newcomer())
        .await
        .expect("it is taken over");
    assert_eq!((adopted.enrollments, adopted.left_out.as_slice()), (2, &[][..]));

    let file = export(&workshop.places(&former.app), &adopted.tenant, false).await;
    let there = Elsewhere::start(&former.app).await;
    import(&there.places(&former.app), &file).await.expect("it is imported");
    let id = adopted.tenant.to_string();
    let tenant = Tenant::new(id.clone(), Api::new(&there.address, Some(adopted.token.expose())));
    let shown = enrollment(&tenant, "D-1").await;
    assert_eq!((&shown["state"], &shown["device"]["serial_number"]), (&json!("enrolled"), &json!("C02D-1")));
    assert_eq!((&shown["has_unlock_token"], &shown["topic"]), (&json!(true), &json!(former.topic)));
    assert_eq!(enrollment(&tenant, "D-1:U-1").await["state"], "enrolled");

    // The old address leads here, with another path.
    let (from, to) = (former.app.runner.base_url(), &there.address);
    for channel in [&mut device, &mut user] {
        leads(channel, &format!("{from}/mdm/{}", former.tenant.id), &format!("{to}/mdm/{id}"));
    }
    assert_eq!(device.idle().await.expect("it is known by its identity"), None);
    assert_eq!(device.bootstrap_token().await.unwrap().as_deref(), Some(&b"bootstrap"[..]));
    let asked = [queue(&tenant, "D-1", "ProfileList").await, queue(&tenant, "D-1:U-1", "ProfileList").await];
    there.deliver_hints().await;
    for (channel, uuid) in [&mut device, &mut user].into_iter().zip(&asked) {
        assert!(channel.wait_for_push().await, "its push token and the push certificate came along");
        channel.answer_all().await.expect("it answers");
        assert_eq!(status(&tenant, uuid).await, "Acknowledged");
    }
    device.token_update(None).await.expect("a new push token is told as ever");
}

#[tokio::test]
async fn who_cannot_be_taken_over_is_named_and_holds_up_nobody() {
    let mut former = Former::new().await;
    for udid in ["D-1", "D-2", "D-3", "D-4", "D-5", "D-6"] {
        former.device(udid).await;
    }
    let sixth = former.enrollments.len() - 1;
    former.enrollments[1]["enabled"] = json!(false);
    former.enrollments[2]["topic"] = json!("com.apple.mgmt.External.other");
    former.devices[3]["identity_cert"] = Value::Null;
    former.associations[4]["sha256"] = json!("00");
    // Somebody else's authority.
    former.devices[sixth]["identity_cert"] = former.push["cert_pem"].clone();
    former.associations.remove(sixth);
    former.enrollments.push(json!({"id": "D-4:U-1", "device_id": "D-4", "user_id": "D-4:U-1", "enabled": 1, "topic": former.topic}));
    let workshop = Elsewhere::start(&former.app).await;
    let adopted = adopt(&workshop.state, &read(former.written().path()), &former.newcomer()).await.unwrap();
    assert_eq!(adopted.enrollments, 1);
    let told: Vec<_> = adopted.left_out.iter().map(|(id, why)| (id.as_str(), why.as_str())).collect();
    assert_eq!(
        told,
        [
            ("D-2", "it is not enrolled any more"),
            ("D-3", "it listens on another push topic"),
            ("D-4", "its identity certificate is not in the dump"),
            ("D-5", "it speaks with another identity than the one in the dump"),
            ("D-6", "The signer's authority is not this tenant's."),
            ("D-4:U-1", "its device was left out"),
        ]
    );
}

#[tokio::test]
async fn a_topic_is_chosen_where_there_are_several_and_a_wrong_certificate_is_refused() {
    let former = Former::new().await;
    let folder = former.written();
    let mut several = former.push.clone();
    several["topic"] = json!("com.apple.mgmt.External.other");
    std::fs::write(folder.path().join("push_certs.jsonl"), format!("{}\n{several}", former.push)).unwrap();
    let there = TestApp::start().await;
    let before = everything(&there).await;
    for topic in [None, Some("com.apple.mgmt.External.none".to_owned())] {
        let newcomer = Newcomer { topic, ..former.newcomer() };
        let refused = adopt(&there.runner.state, &read(folder.path()), &newcomer).await.unwrap_err();
        assert_eq!((refused.code(), refused.field()), ("dump-topic", Some("TOPIC")));
        assert!(refused.to_string().contains(&former.topic), "{refused}");
    }
    unchanged(&there, &before).await;
    // The other server's portal is none that is trusted there, as a certificate that Apple did not issue.
    let newcomer = Newcomer { topic: Some(former.topic.clone()), ..former.newcomer() };
    let refused = adopt(&there.runner.state, &read(folder.path()), &newcomer).await.unwrap_err();
    assert!(refused.code().starts_with("push-certificate"), "{refused:?}");
}
