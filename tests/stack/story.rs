//! The life of a device on the deployed stack.

use pomarium_local::apns::ReceivedPush;
use pomarium_local::device::{IdentityPayload, SimDevice};
use pomarium_tests::Tenant;
use reqwest::Method;
use serde_json::{Value, json};
use shared::metrics::Metric;
use shared::time::{Clock, DAY, SignedDuration};

use super::stack::{DAYS_LEFT, Stack};
use super::template::STAGE;

/// What a run may cost: each invocation takes the emulator a tenth of a second.
const INVOCATIONS: usize = 500;

#[tokio::test]
async fn a_device_lives_on_the_deployed_template() {
    let stack = Stack::deploy().await;
    let tenant = a_tenant(&stack).await;
    a_push_certificate(&stack, &tenant).await;
    tenant.create_authority().await;
    put(&tenant, "inactivity", json!({"after": "30d"})).await;
    put(&tenant, "refresh", json!({"queries": {"SecurityInfo": 24}})).await;

    let mut signed = enrolled(&stack, &tenant, "D-1").await;
    put(&tenant, "enrollment-settings", json!({"identity": "pkcs12"})).await;
    let carried = enrolled(&stack, &tenant, "D-2").await;
    assert!(matches!(carried.profile().unwrap().identity, IdentityPayload::Pkcs12(_)));

    woken_it_answers(&stack, &tenant, &mut signed).await;
    the_sweep_asks_it_and_misses_the_other(&stack, &tenant, &mut signed).await;
    mails_go_out_by_schedule(&stack).await;
    unknown_devices_are_not_told_to_go(&stack, &tenant, &signed).await;
    signed.check_out().await.expect("it goes");
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "removed");
    nothing_was_refused_or_lost(&stack, &tenant).await;
}

async fn a_tenant(stack: &Stack) -> Tenant {
    let vendor = stack.portal.make_vendor().unwrap();
    let files = json!({"certificate": vendor.certificate, "key": vendor.key.expose(), "chain": vendor.chain});
    stack.operator.post("/v1/vendor-certificates", files).await.expect(201);
    let new = json!({"name": "Green School", "contacts": ["it@green.example"]});
    let made = stack.operator.post("/v1/tenants", new).await.expect(201);
    let text = |pointer: &str| made.json.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let admin = pomarium_tests::Api::new(&stack.gateway, Some(&text("/token")));
    Tenant::new(text("/tenant/id"), admin)
}

/// Its trial goes from a function to the push service.
async fn a_push_certificate(stack: &Stack, tenant: &Tenant) {
    tenant.request().await;
    let issued = stack.portal.issue(&tenant.request_file().await).map_err(|_| ()).expect("the portal issues");
    tenant.stage(&issued.pem).await;
    let activated = tenant.activate(json!({"expiry_mails": true})).await;
    assert_eq!(activated.json["check"]["ok"], true, "{}", activated.text());
    assert!(!stack.apns.trials().is_empty());
}

async fn put(tenant: &Tenant, rest: &str, body: Value) {
    tenant.admin.call(Method::PUT, &tenant.path(rest), body.to_string().into()).await.expect(200);
}

/// A device that opens a link: its profile names the public address, which is the emulator's here.
async fn enrolled(stack: &Stack, tenant: &Tenant, udid: &str) -> SimDevice {
    let mut device = SimDevice::new(udid, "C02XYZ", "Jo's iPad");
    let link = stack.here(&tenant.enrollment_link().await);
    // A profile that brings its identity along is made at another of the public address's places.
    let elsewhere = stack.led_to(&link).await;
    device.open_link(elsewhere.as_deref().unwrap_or(&link)).await.expect("a profile");
    let mut profile = device.profile().unwrap().clone();
    profile.server_url = stack.here(&profile.server_url);
    profile.check_in_url = stack.here(&profile.check_in_url);
    if let IdentityPayload::Scep(scep) = &mut profile.identity {
        scep.url = stack.here(&scep.url);
    }
    device.set_profile(profile);
    device.obtain_identity().await.expect("an identity");
    device.authenticate().await.expect("it begins");
    device.listen(&stack.apns).unwrap();
    device.token_update(Some(b"unlock token")).await.expect("it enrolls");
    assert_eq!(enrollment(tenant, udid).await["state"], "enrolled");
    device
}

async fn enrollment(tenant: &Tenant, udid: &str) -> Value {
    tenant.get(&format!("enrollments/{udid}")).await.expect(200).json
}

/// A command goes through the queue and the push service; the device fetches and answers it.
async fn woken_it_answers(stack: &Stack, tenant: &Tenant, device: &mut SimDevice) {
    let command = json!({"RequestType": "DeviceInformation", "Queries": ["SerialNumber"]});
    let sent = tenant.post("commands", json!({"targets": ["D-1"], "command": command})).await.expect(201);
    stack.until("a push for the command", async || (device.pushes_waiting() > 0).then_some(())).await;
    let magic = stack.apns.pushes().last().and_then(|push: &ReceivedPush| push.magic.clone());
    assert_eq!(magic.as_deref(), Some(device.push_magic()));
    let done = device.answer_all().await.expect("it is served");
    assert_eq!(done.iter().map(|done| done.request_type.as_str()).collect::<Vec<_>>(), ["DeviceInformation"]);
    let uuid = sent.json["command_uuid"].as_str().unwrap();
    let shown = tenant.get(&format!("commands/{uuid}")).await.expect(200).json;
    assert_eq!(shown["targets"][0]["result"]["QueryResponses"]["SerialNumber"], "C02XYZ", "{shown}");
}

/// The schedule begins a sweep, the queue carries its pages: one device is asked what the tenant wants to know, the other one, which
/// has been silent for two months, becomes inactive. Nobody can move the clock of a function, so that the record is made older.
async fn the_sweep_asks_it_and_misses_the_other(stack: &Stack, tenant: &Tenant, device: &mut SimDevice) {
    let ago = |days: i64| (Clock::system().now() - SignedDuration::from_secs(days * DAY)).to_string();
    let key = json!({"pk": {"S": format!("TENANT#{}#DEVICE#D-2", tenant.id)}, "sk": {"S": "CHANNEL#device"}});
    let values = json!({":seen": {"S": ago(60)}, ":push": {"M": {"at": {"S": ago(20)}, "outcome": {"S": "accepted"}}}});
    let update = json!({
        "TableName": format!("pomarium-{STAGE}-core"), "Key": key, "ConditionExpression": "attribute_exists(pk)",
        "UpdateExpression": "SET last_seen = :seen, last_push = :push", "ExpressionAttributeValues": values,
    });
    stack.aws.json("dynamodb", "DynamoDB_20120810.UpdateItem", update).await;
    let is_inactive = async || (enrollment(tenant, "D-2").await["state"] == "inactive").then_some(());
    stack.until("the silent device becomes inactive", is_inactive).await;
    let asked = device.answer_all().await.expect("it is served");
    assert_eq!(asked.iter().map(|done| done.request_type.as_str()).collect::<Vec<_>>(), ["SecurityInfo"]);
}

/// The push certificate has some days left, and so everybody is told.
async fn mails_go_out_by_schedule(stack: &Stack) {
    let days = format!("{DAYS_LEFT} days");
    let is_told = async || {
        let mut mails = stack.mails().await.into_iter();
        mails.find(|(to, subject)| to.contains("it@green.example") && subject.contains(&days))
    };
    stack.until("a mail about the end of the push certificate", is_told).await;
}

/// Whatever is wrong with a message: 401 would make a device remove its enrollment.
async fn unknown_devices_are_not_told_to_go(stack: &Stack, tenant: &Tenant, device: &SimDevice) {
    let stranger = pomarium_tests::Api::new(&stack.gateway, None);
    for path in ["checkin", "command"] {
        for tenant in [tenant.id.as_str(), "tn_nobody"] {
            for signature in [None, Some("bm90IGEgc2lnbmF0dXJl")] {
                let path = format!("/mdm/{tenant}/{path}");
                let answer = stranger.message(Method::PUT, &path, signature, b"<plist/>".to_vec()).await;
                assert!(![401, 403].contains(&answer.status), "{path}: {}", answer.status);
            }
        }
    }
    assert!(device.idle().await.expect("it is served").is_none());
}

/// No right was missing, no message was set aside, and it did not take too many invocations. Logs and metrics are where they belong.
#[expect(clippy::print_stdout, reason = "what a run costs is worth a line")]
async fn nothing_was_refused_or_lost(stack: &Stack, tenant: &Tenant) {
    let (mut all, mut invocations) = (Vec::new(), 0);
    for function in &stack.functions {
        let log = stack.aws.log(function).await;
        invocations += log.iter().filter(|line| line.starts_with("REPORT")).count();
        all.extend(log.into_iter().map(|line| (function.clone(), line)));
    }
    // The host of BaseUrl is nowhere, which is told of as the operator's trouble and tried again.
    let known = |function: &str, line: &str| {
        function.ends_with("expiry-notifier") && !line.contains(&tenant.id) && !line.contains("AccessDenied")
    };
    let wrong = |line: &str| line.contains("\"level\":\"ERROR\"") || line.contains("AccessDenied");
    let bad: Vec<_> = all.iter().filter(|(function, line)| wrong(line) && !known(function, line)).collect();
    assert!(bad.is_empty() && !stack.emulator.log().contains("AccessDenied"), "{bad:#?}");
    assert!((30..INVOCATIONS).contains(&invocations), "{invocations} invocations, {} lines", all.len());

    let lines = || all.iter().filter_map(|(_, line)| serde_json::from_str::<Value>(line.trim()).ok());
    for metric in Metric::NAMES {
        let is_counted = |line: &Value| {
            line[metric] == 1 && line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Pomarium/ci"
        };
        assert!(lines().any(|line| is_counted(&line)), "{metric} was not counted");
    }
    let is_named = |line: &Value| {
        let fields = &line["fields"];
        fields["message"] == "request"
            && fields["tenant"] == tenant.id
            && fields["enrollment"] == "D-1"
            && fields["request_id"].is_string()
    };
    assert!(lines().any(|line| is_named(&line)), "no line names request, tenant and enrollment");

    let queues = stack.aws.inside("sqs/messages").await;
    let regions = queues["messages"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|account| account.as_object().unwrap().values());
    let queues: Vec<_> = regions.flat_map(|region| region.as_object().unwrap()).collect();
    let is_watched = |url: &str| url.ends_with("-dead-letter") && !url.contains("expiry-notifier");
    let dead: Vec<_> = queues.iter().filter(|(url, _)| is_watched(url)).collect();
    assert_eq!(dead.len(), 4, "{queues:?}");
    assert!(dead.iter().all(|(_, letters)| letters == &&json!([])), "{dead:?}");
    println!(
        "{invocations} invocations of {} functions, and none was refused anything",
        stack.functions.len()
    );
}
