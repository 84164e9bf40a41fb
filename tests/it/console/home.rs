//! The first page: what needs somebody today.

use pomarium_tests::TestApp;

use super::{administrator, viewer};
use crate::devices::{enrolled, pass_seconds, queue};
use crate::inactivity::fall_silent;

#[tokio::test]
async fn the_first_page_names_who_is_stuck_and_who_is_silent() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let home = format!("/console/{}", tenant.id);
    let mut jo = administrator(&app, &tenant, "jo@green-school.example").await;
    jo.open(&home).await.expect(200).says("Enroll a first device").is_silent_about("<svg");

    enrolled(&app, &tenant, "D-1").await;
    let mut other = enrolled(&app, &tenant, "D-2").await;
    let calm = jo.open(&home).await.expect(200);
    calm.says("There is no rule: silence has no consequence.").says("1 day: 2").says("now: 2");
    calm.is_silent_about("Enroll a first device");

    let page = format!("{home}/silence");
    jo.open(&page).await.expect(200);
    jo.submit(&page, &[("after", "24h"), ("daily_cap", "50")]).await.expect(200);
    fall_silent(&app, &mut other).await;
    queue(&tenant, "D-2", "ProfileList").await;
    for _ in 0..3 {
        pass_seconds(&app, 1);
        other.idle().await.expect("it is served").expect("the command");
    }
    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    let today = kim.open(&home).await.expect(200);
    let (stuck, silent) = today.text.split_once("Silent devices</h3>").unwrap();
    assert!(stuck.split_once("Stuck devices</h3>").unwrap().1.contains("1 device"), "{stuck}");
    assert!(silent.contains("1 device"), "{silent}");
    today.says("7 days: 1");
}
