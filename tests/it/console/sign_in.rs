//! Signing in and out, and what stands in a stranger's way.

use pomarium_tests::browser::code_for;
use pomarium_tests::{Browser, TestApp};
use shared::domain::session::{ABSOLUTE, CODE_LIFE, CODE_TRIES, CODES_AN_HOUR, IDLE};
use shared::time::SignedDuration;

use super::administrator;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";

#[tokio::test]
async fn a_member_signs_in_with_a_mailed_code_and_comes_back_to_the_page() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.let_in(JO, "admin").await.expect(200);
    let mut browser = Browser::new(&app);
    let wanted = format!("/console/{}/settings/members", tenant.id);

    let asked = browser.open(&wanted).await.expect(200);
    assert!(asked.place.starts_with("/console/sign-in?next=%2Fconsole%2F"), "{}", asked.place);
    asked.says("There is no password");
    // Whatever the case: it is the same mailbox.
    let form = browser
        .submit("/console/sign-in", &[("address", "Jo@Green-School.example"), ("next", &wanted)])
        .await;
    form.expect(200).says("a mail with a code of eight digits is on its way");
    let code = code_for(&app, JO).unwrap();
    let page =
        browser.submit("/console/sign-in/code", &[("code", &code), ("next", &wanted)]).await.expect(200);
    assert_eq!(page.place, wanted);
    page.says("Green School").says(JO);

    // The code was used up, and no page is kept by anybody.
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let again = browser.submit("/console/sign-in/code", &[("code", &code), ("next", "")]).await;
    again.expect(401).says("This code does not work");
    // The audit log says once who came.
    browser.open(&wanted).await.expect(200);
    let log = tenant.get("audit").await.expect(200).json;
    let entered: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "member-entered")
        .collect();
    assert_eq!(entered.len(), 1, "{log}");
    assert_eq!(entered[0]["actor"], format!("member:{JO}"));
}

#[tokio::test]
async fn nobody_learns_who_is_a_member() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    administrator(&app, &tenant, JO).await;
    let mut browser = Browser::new(&app);
    let before = everything(&app).await;
    let stranger = "eve@elsewhere.example";
    let page = browser.submit("/console/sign-in", &[("address", stranger)]).await.expect(200);
    let members = browser.submit("/console/sign-in", &[("address", JO)]).await.expect(200);
    assert_eq!(page.text.replace(stranger, JO), members.text);
    assert_eq!(code_for(&app, stranger), None);
    let mut other = Browser::new(&app);
    other.submit("/console/sign-in", &[("address", stranger)]).await.expect(200);
    other
        .submit("/console/sign-in/code", &[("code", "12345678")])
        .await
        .expect(401)
        .says("ask for a new code");
    drop(before);
    let refused = other.submit("/console/sign-in", &[("address", "eve")]).await.expect(400);
    refused.says("\"eve\" is not an e-mail address.").says("Write it like it@school.example.");
}

#[tokio::test]
async fn a_code_is_over_after_ten_minutes_five_tries_or_elsewhere() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    administrator(&app, &tenant, JO).await;

    // In another browser the right code is worth nothing: nobody can be talked into reading it out.
    let mut jo = Browser::new(&app);
    jo.submit("/console/sign-in", &[("address", JO)]).await.expect(200);
    let code = code_for(&app, JO).unwrap();
    let mut eve = Browser::new(&app);
    eve.submit("/console/sign-in", &[("address", "eve@elsewhere.example")]).await.expect(200);
    eve.submit("/console/sign-in/code", &[("code", &code)]).await.expect(401);

    for _ in 0..CODE_TRIES {
        jo.submit("/console/sign-in/code", &[("code", "0000 0000")]).await.expect(401);
    }
    jo.submit("/console/sign-in/code", &[("code", &code)]).await.expect(401);

    jo.submit("/console/sign-in", &[("address", JO)]).await.expect(200);
    let code = code_for(&app, JO).unwrap();
    app.clock.set(app.clock.now() + SignedDuration::from_secs(CODE_LIFE));
    jo.submit("/console/sign-in/code", &[("code", &code)]).await.expect(401);
}

#[tokio::test]
async fn a_mailbox_is_not_flooded() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    administrator(&app, &tenant, JO).await;
    let mut browser = Browser::new(&app);
    let codes = || {
        let mails = app.runner.aws.mailbox().list().unwrap();
        mails.iter().filter(|sent| sent.mail.subject.starts_with("Your code")).count() as u32
    };
    for _ in 0..CODES_AN_HOUR + 3 {
        browser.submit("/console/sign-in", &[("address", JO)]).await.expect(200);
    }
    assert_eq!(codes(), CODES_AN_HOUR);
    app.clock.set(app.clock.now() + SignedDuration::from_hours(1));
    browser.submit("/console/sign-in", &[("address", JO)]).await.expect(200);
    assert_eq!(codes(), CODES_AN_HOUR + 1);
}

#[tokio::test]
async fn a_session_ends_by_silence_by_age_and_by_its_owner() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let home = format!("/console/{}", tenant.id);
    let pass = |seconds| app.clock.set(app.clock.now() + SignedDuration::from_secs(seconds));
    let shown = async |browser: &mut Browser| browser.open(&home).await.place == home;

    // Somebody who works stays signed in; nobody does so for ever.
    let rounds = ABSOLUTE / (IDLE - 1);
    for _ in 0..rounds {
        pass(IDLE - 1);
        assert!(shown(&mut jo).await);
    }
    pass(ABSOLUTE - rounds * (IDLE - 1));
    assert!(!shown(&mut jo).await);

    jo.sign_in(&app, JO).await.expect(200);
    pass(IDLE);
    assert!(!shown(&mut jo).await);

    jo.sign_in(&app, JO).await.expect(200);
    let mut elsewhere = Browser::new(&app);
    elsewhere.sign_in(&app, JO).await.expect(200);
    pass(1);
    jo.open("/console/sessions").await.expect(200).says("Sign out everywhere");
    let out = jo.submit("/console/sign-out-everywhere", &[]).await.expect(200);
    assert_eq!(out.place, "/console/sign-in");
    assert!(!shown(&mut elsewhere).await && !shown(&mut jo).await);
    pass(1);
    jo.sign_in(&app, JO).await.expect(200);
    assert!(shown(&mut jo).await);

    // Signing out ends the session on the server, not only in this browser.
    let secret = jo.cookie("session").unwrap().to_owned();
    jo.submit("/console/sign-out", &[]).await.expect(200);
    jo.place_cookie("session", &secret);
    assert!(!shown(&mut jo).await);
}

#[tokio::test]
async fn another_sites_form_and_a_planted_session_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let action = format!("/console/{}/settings/members", tenant.id);
    let eve = [("address", "eve@elsewhere.example"), ("role", "admin")];
    let page = jo.open(&action).await.expect(200);
    let token = page.between("name=\"form_token\" value=\"", "\"").unwrap();
    let with_token = |token: &'static str| [&[("form_token", token)][..], &eve[..]].concat();
    let token: &'static str = token.leak();

    let before = everything(&app).await;
    for (fields, headers) in [
        (eve.to_vec(), vec![]),
        (with_token("0000"), vec![]),
        (with_token(token), vec![("sec-fetch-site", "cross-site")]),
        (with_token(token), vec![("sec-fetch-site", "same-site")]),
        (with_token(token), vec![("origin", "https://evil.example")]),
    ] {
        let refused = jo.submit_raw(&action, &fields, &headers).await.expect(403);
        refused.says("This form was not sent from a page of this session.");
    }
    unchanged(&app, &before).await;
    jo.submit_raw(&action, &with_token(token), &[("sec-fetch-site", "same-origin")]).await.expect(200);

    // A session that somebody put into the browser is none, and signing in gives the browser another secret.
    let mut mallory = Browser::new(&app);
    mallory.place_cookie("session", "planted");
    mallory.sign_in(&app, JO).await.expect(200);
    assert_ne!(mallory.cookie("session").unwrap(), "planted");
    let mut planted = Browser::new(&app);
    planted.place_cookie("session", "planted");
    assert!(planted.open(&action).await.place.starts_with("/console/sign-in"));
}

#[tokio::test]
async fn another_tenants_pages_do_not_exist() {
    let app = TestApp::start().await;
    let green = app.tenant("Green School").await;
    let blue = app.tenant("Blue School").await;
    let mut jo = administrator(&app, &green, JO).await;
    for place in
        [format!("/console/{}", blue.id), "/console/aaaaaaaaaaaaaaaa".into(), "/console/operator".into()]
    {
        jo.open(&place).await.expect(404).is_silent_about("Blue");
    }
    let refused = jo
        .submit(&format!("/console/{}/settings/members", blue.id), &[("address", JO), ("role", "admin")])
        .await;
    refused.expect(404);

    // Whoever is a member of both chooses.
    administrator(&app, &blue, JO).await;
    let choice = jo.open("/console").await.expect(200);
    choice.says("Where do you want to go?").says("Green School").says("Blue School");
    // To see the choice is no visit.
    let entered = async || {
        let log = blue.get("audit").await.expect(200).json["entries"].clone();
        log.as_array().unwrap().iter().filter(|entry| entry["action"] == "member-entered").count()
    };
    let visits = entered().await;
    jo.sign_in(&app, JO).await.expect(200).says("Where do you want to go?");
    assert_eq!(entered().await, visits);
    for _ in 0..2 {
        jo.open(&format!("/console/{}", blue.id)).await.expect(200);
        jo.open(&format!("/console/{}", green.id)).await.expect(200);
    }
    assert_eq!(entered().await, visits + 1);
}
