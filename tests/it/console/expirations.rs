//! What ends, who is told of it, and the calendar for other programs.

use pomarium_tests::{Tenant, TestApp};

use super::{administrator, viewer};
use crate::mails::{confirmations, ending_token, listed};

const JO: &str = "jo@green-school.example";

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/expirations{rest}", tenant.id)
}

#[tokio::test]
async fn what_ends_is_listed_with_its_steps_and_its_mails_are_put_off() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    ending_token(&tenant, "help desk", 20).await;
    let mut jo = administrator(&app, &tenant, JO).await;

    let page = jo.open(&place(&tenant, "")).await.expect(200);
    page.says("help desk").says("It ends in 20 days").says("The program that uses it will be turned away.");
    page.says("2026-12").says("11 Dec").says("In order").says("Find the program that uses the token.");
    let tokens = format!("/console/{}/settings/tokens", tenant.id);
    page.says(&format!("{tokens}\">Go there"));
    jo.open(&tokens).await.expect(200).says("help desk");

    let credential = listed(&tenant, "api-token").await["credential"].as_str().unwrap().to_owned();
    let form = |days, by| [("credential", credential.as_str()), ("days", days), ("by", by)];
    let at = place(&tenant, "/snooze");
    jo.submit(&at, &form("15", "Kim Brown")).await.expect(400).says("value=\"Kim Brown\"");
    jo.submit(&at, &form("soon", "Jo Green")).await.expect(400).says("up to 14 days");
    let off = jo.submit(&at, &form("14", "Jo Green")).await.expect(200);
    off.says("Its mails are put off.").says("by Jo Green");
    jo.submit(&at, &[("credential", "api-token.none"), ("days", "3"), ("by", "Jo")]).await.expect(404);

    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    kim.open(&place(&tenant, "")).await.expect(200).says("help desk").is_silent_about("Put its mails off");
    kim.submit(&at, &form("3", "Kim")).await.expect(403);
}

#[tokio::test]
async fn contacts_are_asked_again_and_the_calendar_has_an_address() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let page = jo.open(&place(&tenant, "")).await.expect(200);
    page.says("Nothing ends yet.").says("it@green-school.example").says("Not confirmed");

    let asked = confirmations(&app, "it@green-school.example").len();
    let again = place(&tenant, "/ask");
    jo.submit(&again, &[]).await.expect(200).says("Nobody was asked");
    crate::devices::pass_seconds(&app, 3_601);
    jo.submit(&again, &[]).await.expect(200).says("The mails are on their way.");
    assert_eq!(confirmations(&app, "it@green-school.example").len(), asked + 1);

    let made = jo.submit(&place(&tenant, "/calendar"), &[]).await.expect(200);
    let address = made.says("It is shown only now").between("<pre><code>", "<").unwrap();
    let feed = address.split_once("/console").unwrap().1.to_owned();
    assert!(jo.open(&format!("/console{feed}")).await.expect(200).text.starts_with("BEGIN:VCALENDAR"));
    jo.open(&place(&tenant, "")).await.expect(200).says("Make a new address");
    jo.submit(&place(&tenant, "/calendar"), &[]).await.expect(200);
    jo.open(&format!("/console{feed}")).await.expect(404);
}
