//! Silent devices: a rule that is tried before it is saved, and a device that is let back.

use pomarium_tests::{Tenant, TestApp};
use serde_json::json;

use super::{administrator, viewer};
use crate::devices::{enrolled, pass_seconds};
use crate::inactivity::fall_silent;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/silence{rest}", tenant.id)
}

#[tokio::test]
async fn a_rule_is_tried_saved_and_a_device_let_back() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let silent = enrolled(&app, &tenant, "D-1").await;
    let mut other = enrolled(&app, &tenant, "D-2").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    jo.open(&place(&tenant, ""))
        .await
        .expect(200)
        .says("None. When a device becomes inactive")
        .says("refused");

    let rule = [
        ("after", "24h"),
        ("daily_cap", "20"),
        ("exception_0_name", "Winter holidays"),
        ("exception_0_from", "2031-12-20"),
        ("exception_0_to", "2032-01-06"),
        ("device_lock", "yes"),
        ("lock_message", "Call the office"),
    ];
    let before = everything(&app).await;
    let tried = jo.submit(&place(&tenant, "/preview"), &rule).await.expect(200);
    tried
        .says("It would hit 0 of 2 devices.")
        .says("value=\"Winter holidays\"")
        .says("value=\"Call the office\"");
    let mut wrong = rule;
    wrong[3].1 = "tomorrow";
    let refused = jo.submit(&place(&tenant, ""), &wrong).await.expect(400);
    refused.says("\"tomorrow\" is not a day.").says("value=\"Winter holidays\"");
    unchanged(&app, &before).await;
    jo.submit(&place(&tenant, ""), &rule).await.expect(200).says("Saved.").says("value=\"2032-01-06\"");
    let kept = tenant.get("inactivity").await.json;
    assert_eq!((&kept["after"], &kept["daily_cap"]), (&json!("24h"), &json!(20)));
    assert_eq!(kept["device_lock"]["message"], "Call the office");

    fall_silent(&app, &mut other).await;
    jo.sign_in(&app, JO).await.expect(200);
    let list = jo.open(&place(&tenant, "")).await.expect(200);
    list.says("D-1").says("Inactive").says("Locked since").is_silent_about("<code>D-2");
    silent.idle().await.expect("it is served");
    jo.open(&place(&tenant, "")).await.expect(200).says("Back").says("Locked since");
    let unlocked = jo.submit(&place(&tenant, "/unlock"), &[("enrollment", "D-1")]).await.expect(200);
    unlocked.says("Your services let the device in again.").is_silent_about("<code>D-1");
    assert_eq!(tenant.get("access?udid=D-1").await.json["reason"], "enrolled");

    let open = jo.submit(&place(&tenant, "/access"), &[("unenrolled", "in")]).await.expect(200);
    open.says("Refuse them");
    assert_eq!(tenant.get("access/settings").await.json["allow_unenrolled_devices"], true);
}

#[tokio::test]
async fn an_outage_is_confirmed_with_a_number_and_not_by_viewers() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for udid in ["D-1", "D-2", "D-3"] {
        enrolled(&app, &tenant, udid).await;
    }
    pass_seconds(&app, 25 * 3_600);
    let mut jo = administrator(&app, &tenant, JO).await;
    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    let rule = [("after", "24h"), ("daily_cap", "50")];
    jo.open(&place(&tenant, "")).await.expect(200);
    let tried = jo.submit(&place(&tenant, "/preview"), &rule).await.expect(200);
    tried.says("It would hit 3 of 3 devices.").says("the rule would rest").says("D-3");
    jo.submit(&place(&tenant, ""), &rule).await.expect(200);

    let before = everything(&app).await;
    kim.open(&place(&tenant, "")).await.expect(200).says("24 hours").is_silent_about("Save the rule");
    kim.submit(&place(&tenant, "/confirm"), &[("devices", "3")]).await.expect(403);
    kim.submit(&place(&tenant, "/access"), &[("unenrolled", "in")]).await.expect(403);
    let wrong = jo.submit(&place(&tenant, "/confirm"), &[("devices", "2")]).await.expect(409);
    wrong.says("The rule would make 3 devices inactive, not 2.");
    unchanged(&app, &before).await;
    let confirmed = jo.submit(&place(&tenant, "/confirm"), &[("devices", "3")]).await.expect(200);
    confirmed.says("The number of silent devices is confirmed until");
}
