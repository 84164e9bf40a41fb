//! The whole story: a tenant, its push certificate, one device, and a year that passes. `make demo` tells it; an
//! integration test lives it.

mod certificate;
mod device;
mod stage;
mod tell;
mod year;

use reqwest::Method;
use serde_json::{Value, json};
use shared::time::{Clock, DAY, SignedDuration};

use certificate::Certificate;
use stage::{Stage, string};
use tell::{Result, same};

use crate::actors::Tenant;

pub use tell::{Teller, Wrong};

/// How many steps the story has.
pub const STEPS: usize = 20;

/// A school with everything in place.
struct School {
    tenant: Tenant,
    certificate: Certificate,
    udid: String,
}

/// Plays the story on a server of its own, and tells it. `clock` is where it begins.
///
/// # Errors
/// The first thing that was wrong; the teller has told it.
pub async fn play(tell: &mut Teller, clock: Clock) -> std::result::Result<(), Wrong> {
    let outcome = perform(tell, clock).await;
    tell.end(&outcome, STEPS);
    outcome
}

async fn perform(tell: &mut Teller, clock: Clock) -> Result {
    let mut stage = Stage::open(tell, clock).await?;
    let (url, data) = (stage.runner.base_url().to_owned(), stage.data.path().display().to_string());
    stage.tell.line(&format!("Pomarium plays on this machine: {url}, with its data in {data}."));
    let mut school = begin(&mut stage).await?;
    let first = school.certificate.clone();
    expire_soon(&mut stage, &school).await?;
    renew(&mut stage, &mut school).await?;
    guard(&mut stage, &school, &first).await?;
    expire(&mut stage, &school).await?;
    delete(&mut stage, &school).await
}

/// From nothing to a device that answers.
async fn begin(stage: &mut Stage<'_>) -> Result<School> {
    stage.tell.step("A tenant");
    let tenant = stage.tenant("Green School", "it@green-school.example").await?;
    stage.tell.step("A request for a push certificate; its key stays here");
    let file = stage.request(&tenant).await?;
    stage.tell.step("Apple's portal (simulated) refuses a damaged file");
    stage.damaged(&file).await?;
    stage.tell.step("The portal takes the right one: Create");
    let pem = stage.portal(&file, None).await?;
    stage.tell.step("Upload, review, activate");
    let review = stage.stage(&tenant, &pem, "New").await?;
    let certificate = stage.activate(&tenant, &review).await?;
    stage.tell.step("The authority that identifies the tenant's devices");
    stage.authority(&tenant).await?;
    stage.tell.step("An enrollment link, and the profile behind it");
    let link = stage.link(&tenant, &certificate).await?;
    stage.tell.step("A device (simulated) opens the link and enrolls");
    let udid = stage.enroll(&tenant, &link).await?;
    stage.tell.step("Commands: queued, pushed, fetched, answered");
    stage.ask(&tenant, &udid).await?;
    Ok(School { tenant, certificate, udid })
}

/// The last thirty days.
async fn expire_soon(stage: &mut Stage<'_>, school: &School) -> Result {
    stage.tell.step("Thirty days before the end: one mail, however often the schedule runs");
    stage.days_before(&school.certificate, 30).await?;
    stage.notifier(1).await?;
    stage.notifier(0).await?;
    stage.latest_mail(30, 1).await?;
    stage.tell.step("The next day: the next mail");
    stage.days_before(&school.certificate, 29).await?;
    stage.notifier(1).await?;
    stage.latest_mail(29, 2).await
}

/// The same row of the portal, a new certificate, and no device enrolls again.
async fn renew(stage: &mut Stage<'_>, school: &mut School) -> Result {
    stage.tell.step("Renewal: a new request, Renew in the portal, upload, review, activate");
    let file = stage.request(&school.tenant).await?;
    let pem = stage.portal(&file, Some(&school.certificate.topic)).await?;
    let review = stage.stage(&school.tenant, &pem, "Renewal").await?;
    let renewed = stage.activate(&school.tenant, &review).await?;
    same("the topic", &renewed.topic, &school.certificate.topic)?;
    stage.tell.step("The same device answers; it did not enroll again");
    stage.still_answers(&school.tenant, &school.udid).await?;
    stage.tell.step("No more mails");
    stage.days_before(&school.certificate, 28).await?;
    stage.notifier(0).await?;
    school.certificate = renewed;
    Ok(())
}

/// What cannot happen by mistake, and what can be undone.
async fn guard(stage: &mut Stage<'_>, school: &School, first: &Certificate) -> Result {
    let tenant = &school.tenant;
    stage.tell.step("Create instead of Renew is a Replacement, and is not activated by mistake");
    let file = stage.request(tenant).await?;
    let pem = stage.portal(&file, None).await?;
    let review = stage.stage(tenant, &pem, "Replacement").await?;
    same("orphaned enrollments", review["orphaned_enrollments"].as_u64(), Some(1))?;
    stage.refused(tenant, "push-certificate/activate", json!({}), "replacement-not-confirmed").await?;
    let staged = tenant.path("push-certificate/staged");
    stage.call(&tenant.admin, Method::DELETE, &staged, Vec::new(), 204).await?;

    stage.tell.step("Another tenant cannot take the topic");
    let other = stage.tenant("Blue School", "it@blue-school.example").await?;
    let file = stage.request(&other).await?;
    let pem = stage.portal(&file, Some(&school.certificate.topic)).await?;
    stage
        .refused(&other, "push-certificate/staged", json!({ "certificate": pem }), "push-topic-taken")
        .await?;

    stage.tell.step("Back to the certificate of before, and forward again");
    stage.roll_back(tenant, first).await?;
    stage.roll_back(tenant, &school.certificate).await
}

/// The end of the certificate is the end of management, but not of the devices' trust.
async fn expire(stage: &mut Stage<'_>, school: &School) -> Result {
    let School { tenant, certificate, udid } = school;
    stage.tell.step("After the end: nothing new, but devices are still answered");
    stage.set_clock(certificate.not_after + SignedDuration::from_secs(DAY)).await?;
    stage.refused(tenant, "enrollment-links", json!({}), "push-certificate-expired").await?;
    let order = json!({ "targets": [udid], "command": { "RequestType": "SecurityInfo" } });
    stage.refused(tenant, "commands", order, "push-certificate-expired").await?;
    let anyone = stage.anyone.clone();
    let looked = stage.post(&anyone, &format!("/_local/devices/{udid}/wake"), Value::Null, 200).await?;
    let what = string(&looked.json, "/lately/0/what")?;
    stage.tell.fact(&format!("the device {what}"));
    same("its poll", what.as_str(), "came back, looked in and found nothing to do")
}

/// The tenant leaves: what that costs is said first, and typed.
async fn delete(stage: &mut Stage<'_>, school: &School) -> Result {
    let tenant = &school.tenant;
    stage.tell.step("Deleting the push certificate wants its price typed back");
    let wrong = json!({ "confirm": "Blue School", "confirm_orphaned": 1 });
    stage.delete(tenant, wrong, 409).await?;
    stage.tell.step("Typed: certificates and keys are destroyed");
    let typed = json!({ "confirm": "Green School", "confirm_orphaned": 1 });
    let deleted = stage.delete(tenant, typed, 200).await?;
    same("devices that must enroll again", deleted["orphaned_enrollments"].as_u64(), Some(1))?;
    let left = stage.get(&tenant.admin, &tenant.path("push-certificate")).await?;
    same("what is left", (&left.json["active"], &left.json["former"]), (&Value::Null, &json!([])))?;
    let log = stage.get(&tenant.admin, &tenant.path("audit")).await?;
    // Begin and end of the deletion may bear the same moment, in either order.
    let entries = log.json["entries"].as_array().cloned().unwrap_or_default();
    let kept = entries.iter().any(|entry| entry["action"] == "push-certificates-deleted");
    stage.tell.fact("in the audit log: push-certificates-deleted");
    same("the deletion in the audit log", kept, true)
}
