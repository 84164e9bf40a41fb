//! What may be said about a certificate service, and what becomes of its authority.

use openssl::sha::sha1;
use openssl::x509::X509;
use serde_json::{Value, json};
use shared::service::issue_identity::ca_certificate;

use super::{USER, World, fixed, issued_to, other, refused};
use crate::devices::enrollment;
use pomarium_local::device::SimDevice;
use pomarium_local::ndes::PASSWORD;

#[tokio::test]
async fn the_settings_are_shown_without_their_secret() {
    let world = World::new().await;
    let fetched = world.choose(world.fetched(PASSWORD)).await.expect(200);
    let shown = world.tenant.get("enrollment-settings").await.expect(200);
    assert_eq!(fetched.json, shown.json);
    assert!(!shown.text().contains(PASSWORD));
    let external = &shown.json["external_scep"];
    assert_eq!(external["url"], world.ndes.scep_url());
    assert_eq!(
        external["challenge"],
        json!({"kind": "fetched", "url": world.ndes.admin_url(), "user": USER})
    );
    let der = world.ndes.authority().to_der().unwrap();
    assert_eq!(external["ca_fingerprint"], hex(&sha1(&der)));
    let listed = world.tenant.get("identity-authority").await.expect(200).json["authorities"].clone();
    let listed = listed.as_array().unwrap().iter().find(|each| each["external"] == true).unwrap().clone();
    assert_eq!((&listed["state"], &listed["issuing"]), (&json!("trusted"), &json!(false)));
    for fact in ["fingerprint", "not_after", "common_name"] {
        assert_eq!(external["authorities"][0][fact], listed[fact]);
    }
    let entry = world.tenant.get("audit?action=enrollment-settings-changed").await.expect(200);
    assert!(entry.text().contains(listed["fingerprint"].as_str().unwrap()), "{}", entry.text());
    assert!(!entry.text().contains(PASSWORD));
}

#[tokio::test]
async fn a_secret_may_be_left_out_once_it_is_kept_and_goes_nowhere_else() {
    let world = World::with_static().await;
    world.choose(json!({"kind": "static"})).await.expect(200);
    let (_, url) = world.link(json!({})).await;
    world.holding(&url, "D-1").await.authenticate().await.expect("the challenge is the same");
    let mut password = world.fetched(PASSWORD);
    world.choose(password.clone()).await.expect(200);
    password.as_object_mut().unwrap().remove("password");
    world.choose(password.clone()).await.expect(200);
    world.holding(&world.tenant.enrollment_link().await, "D-2").await;
    for (field, value) in [("url", "http://127.0.0.1:1/other"), ("user", "somebody")] {
        let mut elsewhere = password.clone();
        elsewhere[field] = json!(value);
        let answer = world.choose(elsewhere).await.expect(400);
        assert_eq!(
            (answer.problem(), &answer.json["field"]),
            ("external-scep", &json!("external_scep.challenge.password"))
        );
    }
    assert_eq!(world.choose(json!({"kind": "static"})).await.expect(400).problem(), "external-scep");
}

#[tokio::test]
async fn a_page_that_gives_no_challenge_is_no_setting() {
    let world = World::new().await;
    let cases: [(&str, &dyn Fn(), &str, &str); 3] = [
        ("wrong horse", &|| {}, "refuses the user or the password", "Correct them"),
        (PASSWORD, &|| world.ndes.permit(false), "may not enroll", "right to enroll"),
        (PASSWORD, &|| world.ndes.speak_ntlm_only(), "HTTP Basic", "NTLM"),
    ];
    for (password, before, why, next) in cases {
        before();
        let answer = world.choose(world.fetched(password)).await.expect(400);
        assert_eq!(
            (answer.problem(), &answer.json["field"]),
            ("external-challenge-refused", &json!("external_scep.challenge"))
        );
        assert!(answer.json["detail"].as_str().unwrap().contains(why), "{}", answer.text());
        assert!(answer.json["next_step"].as_str().unwrap().contains(next), "{}", answer.text());
    }
    let mut nobody = world.fetched(PASSWORD);
    nobody["url"] = json!("http://127.0.0.1:1/certsrv/mscep_admin/");
    let answer = world.choose(nobody).await.expect(400);
    assert!(answer.json["detail"].as_str().unwrap().contains("cannot be reached"), "{}", answer.text());
    assert_eq!(world.tenant.get("enrollment-settings").await.expect(200).json["identity"], "scep");
    let listed = world.tenant.get("identity-authority").await.expect(200).text();
    assert!(!listed.contains("\"external\":true"), "{listed}");
}

#[tokio::test]
async fn what_cannot_work_is_refused() {
    let world = World::new().await;
    let good = world.external(fixed());
    let leaf =
        String::from_utf8(issued_to(&world.ndes, &[("CN", "leaf")]).certificate.to_pem().unwrap()).unwrap();
    let six = world.ndes.authority_pem().unwrap().repeat(6);
    let tenant = world.tenant.id.parse().unwrap();
    let own = ca_certificate(&world.app.runner.state, tenant, None).await.unwrap();
    let own = X509::from_der(&own).unwrap().to_pem().unwrap();
    for (field, value, at) in [
        ("url", json!("ftp://ca.example/scep"), "external_scep.url"),
        ("name", json!(""), "external_scep.name"),
        ("ca_fingerprint", json!("00"), "external_scep.ca_fingerprint"),
        ("authority", json!("no certificate"), "external_scep.authority"),
        ("authority", json!(leaf), "external_scep.authority"),
        ("authority", json!(six), "external_scep.authority"),
        ("authority", json!(String::from_utf8(own).unwrap()), "external_scep.authority"),
        ("challenge", json!({"kind": "static"}), "external_scep.challenge.secret"),
        ("challenge", json!({"kind": "static", "secret": "two\nlines"}), "external_scep.challenge.secret"),
        (
            "challenge",
            json!({"kind": "fetched", "url": world.ndes.admin_url(), "user": "a:b", "password": "c"}),
            "external_scep.challenge.user",
        ),
    ] {
        let mut external = good.clone();
        external[field] = value;
        let answer =
            world.put(json!({"identity": "external-scep", "external_scep": external})).await.expect(400);
        assert_eq!(
            (answer.problem(), &answer.json["field"]),
            ("external-scep", &json!(at)),
            "{}",
            answer.text()
        );
    }
    let private = json!({"kind": "fetched", "url": "https://10.0.0.7/certsrv/mscep_admin/", "user": "a", "password": "b"});
    assert_eq!(world.choose(private).await.expect(400).problem(), "outbound-url");
    for settings in [json!({"identity": "external-scep"}), json!({"external_scep": good})] {
        let answer = world.put(settings).await.expect(400);
        assert_eq!((answer.problem(), &answer.json["field"]), ("external-scep", &json!("external_scep")));
    }
}

#[tokio::test]
async fn an_authority_stays_trusted_until_it_is_retired() {
    let world = World::with_static().await;
    let device = world.enroll("D-1").await;
    let id = listed(&world).await["id"].as_str().unwrap().to_owned();
    let retire = format!("identity-authority/{id}/retire");
    assert_eq!(
        world.tenant.post(&retire, json!({})).await.expect(409).problem(),
        "identity-authority-issues"
    );
    world.put(json!({})).await.expect(200);
    device.idle().await.expect("it is managed");
    let counted = world.tenant.post(&retire, json!({})).await.expect(409);
    assert_eq!(counted.problem(), "retirement-not-confirmed");
    assert!(counted.text().contains("1 device signs"), "{}", counted.text());
    let retired = world.tenant.post(&retire, json!({"confirm_devices": 1})).await.expect(200).json;
    assert_eq!(retired["state"], "retired");
    refused(device.idle().await);
    // Chosen again, it counts again.
    world.choose(fixed()).await.expect(200);
    device.idle().await.expect("it is managed");
}

#[tokio::test]
async fn an_authority_whose_every_identity_counted_is_narrowed() {
    let world = World::new().await;
    let pem = world.ndes.authority_pem().unwrap();
    world.tenant.post("identity-authority/trusted", json!({"certificate": pem})).await.expect(201);
    let mut device = SimDevice::new("D-0", "D-0", "iPad");
    device.open_link(&world.tenant.enrollment_link().await).await.expect("a profile");
    device.set_identity(issued_to(&world.ndes, &[("CN", "came along")]));
    device.authenticate().await.expect("it comes from another server");

    world.ndes.accept_always("open sesame");
    world.choose(fixed()).await.expect(200);
    let laptop = other(&device, "D-9", issued_to(&world.ndes, &[("CN", "laptop")]));
    refused(laptop.authenticate().await);
    device.authenticate().await.expect("it is bound already");
    assert_eq!(enrollment(&world.tenant, "D-0").await["id"], "D-0");
    let again =
        world.tenant.post("identity-authority/trusted", json!({"certificate": pem})).await.expect(409);
    assert_eq!(again.problem(), "identity-authority-external");
}

/// The authority of the service, as the API shows it.
async fn listed(world: &World) -> Value {
    let listed = world.tenant.get("identity-authority").await.expect(200).json["authorities"].clone();
    listed.as_array().unwrap().iter().find(|each| each["external"] == true).unwrap().clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
