//! Bad input to the API: refused by name and with a way out, and nothing is stored.

use pomarium_tests::{Api, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stored::{everything, unchanged};

/// What is sent where, and the field and problem that the answer must name.
struct Case(Method, String, Value, &'static str, &'static str);

async fn refuse_all(app: &TestApp, api: &Api, cases: Vec<Case>) {
    let before = everything(app).await;
    for Case(method, path, body, field, problem) in cases {
        let answer = api.call(method.clone(), &path, body.to_string().into()).await;
        let what = format!("{method} {path} {body}: {}", answer.text());
        assert_eq!((answer.status, answer.problem()), (400, problem), "{what}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
        assert_eq!(answer.json["field"].as_str().unwrap_or_default(), field, "{what}");
        unchanged(app, &before).await;
    }
}

#[tokio::test]
async fn tenants_and_tokens() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let long = "x".repeat(101);
    let many: Vec<String> = (0..21).map(|number| format!("it{number}@school.example")).collect();
    let new = |name: Value, contacts: Value| json!({"name": name, "contacts": contacts});
    let create = |body, field, problem| Case(Method::POST, "/v1/tenants".into(), body, field, problem);
    let good = json!(["it@school.example"]);
    let operators = vec![
        create(json!({}), "", "json-body"),
        create(new(json!(7), good.clone()), "name", "json-body"),
        create(new(json!(""), good.clone()), "name", "name"),
        create(new(json!("  "), good.clone()), "name", "name"),
        create(new(json!("a\u{7}b"), good.clone()), "name", "name"),
        create(new(json!(long), good.clone()), "name", "name"),
        create(new(json!("School"), json!([])), "contacts", "contacts"),
        create(new(json!("School"), json!(many)), "contacts", "contacts"),
        create(new(json!("School"), json!("it@school.example")), "contacts", "json-body"),
        create(new(json!("School"), json!(["it@school.example", "nobody"])), "contacts[1]", "json-body"),
        create(new(json!("School"), json!(["a b@school.example"])), "contacts[0]", "json-body"),
        create(new(json!("School"), json!(["it@school"])), "contacts[0]", "json-body"),
        create(
            json!({"name": "School", "contacts": good, "expiry_mails": "yes"}),
            "expiry_mails",
            "json-body",
        ),
        Case(Method::GET, "/v1/tenants?after=a&after=b".into(), json!({}), "", "query"),
    ];
    refuse_all(&app, &app.operator(), operators).await;

    let change = |body, field, problem| {
        Case(Method::PATCH, format!("/v1/tenants/{}", tenant.id), body, field, problem)
    };
    let token = |body, field, problem| Case(Method::POST, tenant.path("tokens"), body, field, problem);
    let admins = vec![
        change(json!({"name": long}), "name", "name"),
        change(json!({"contacts": []}), "contacts", "contacts"),
        change(json!({"contacts": [7]}), "contacts[0]", "json-body"),
        token(json!({"name": "ci"}), "", "json-body"),
        token(json!({"name": "ci", "role": "root"}), "role", "json-body"),
        token(json!({"name": "ci", "role": "operator"}), "role", "token-role"),
        token(json!({"name": "", "role": "viewer"}), "name", "name"),
    ];
    refuse_all(&app, &tenant.admin, admins).await;
}

#[tokio::test]
async fn subjects() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let with = |field: &str, value: Value| {
        let mut subject = pomarium_tests::actors::subject();
        subject[field] = value;
        subject
    };
    let request = |field: &'static str, value: Value| {
        Case(
            Method::POST,
            tenant.path("push-certificate/request"),
            json!({"subject": with(field, value)}),
            field,
            "subject",
        )
    };
    let authority = |field: &'static str, value: Value| {
        let mut subject = json!({"common_name": "MDM", "organization": "School", "country": "DE"});
        subject[field] = value;
        Case(Method::POST, tenant.path("identity-authority"), subject, field, "subject")
    };
    let long = json!("x".repeat(65));
    let mut cases = vec![
        request("email", json!("nobody")),
        request("email", json!("it@schüle.example")),
        request("country", json!("Germany")),
        request("country", json!("D1")),
        request("organizational_unit", long.clone()),
        request("locality", json!("x".repeat(129))),
        authority("country", json!("Germany")),
    ];
    for field in ["common_name", "organization"] {
        for value in [json!(""), json!("a\nb"), long.clone()] {
            cases.push(request(field, value.clone()));
            cases.push(authority(field, value));
        }
    }
    cases.push(Case(
        Method::POST,
        tenant.path("push-certificate/request"),
        json!({"subject": with("country", json!(49))}),
        "subject.country",
        "json-body",
    ));
    let trusted = |certificate: &str| {
        Case(
            Method::POST,
            tenant.path("identity-authority/trusted"),
            json!({"certificate": certificate}),
            "certificate",
            "authority-certificate",
        )
    };
    cases.push(trusted("words"));
    let key = crate::crypto::pem(&crate::crypto::KEY);
    cases.push(trusted(&key));
    let leaf = crate::crypto::issued_elsewhere(&app);
    cases.push(trusted(&crate::crypto::certificate_pem(&leaf)));
    refuse_all(&app, &tenant.admin, cases).await;
}

#[tokio::test]
async fn links_lists_and_commands() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = |days: Value, problem| {
        Case(
            Method::POST,
            tenant.path("enrollment-links"),
            json!({"valid_days": days}),
            "valid_days",
            problem,
        )
    };
    let order =
        |order: Value, field, problem| Case(Method::POST, tenant.path("commands"), order, field, problem);
    let ask = json!({"RequestType": "DeviceInformation"});
    let to = |targets: Value, command: Value| json!({"targets": targets, "command": command});
    let many: Vec<String> = (0..10_001).map(|number| format!("D-{number}")).collect();
    let cases = vec![
        link(json!(0), "link-life"),
        link(json!(91), "link-life"),
        link(json!("7"), "json-body"),
        Case(Method::GET, tenant.path("enrollments?after=nonsense"), json!({}), "after", "page-mark"),
        Case(Method::GET, tenant.path("enrollments/a%20b"), json!({}), "enrollment", "enrollment-id"),
        order(to(json!([]), ask.clone()), "targets", "command-targets"),
        order(to(json!(many), ask.clone()), "targets", "command-targets"),
        order(to(json!(["a b"]), ask.clone()), "targets[0]", "json-body"),
        order(json!({"targets": ["D-1"]}), "command", "command-missing"),
        order(
            json!({"targets": ["D-1"], "command": ask, "command_plist": "<plist/>"}),
            "command",
            "command-missing",
        ),
        order(json!({"targets": ["D-1"], "command_plist": "words"}), "command_plist", "plist-syntax"),
        order(to(json!(["D-1"]), json!({})), "command.RequestType", "command-request-type"),
        order(to(json!(["D-1"]), json!([])), "command", "command-object"),
        order(
            to(json!(["D-1"]), json!({"RequestType": "InstallProfile"})),
            "command.Payload",
            "command-key-missing",
        ),
        order(
            to(json!(["D-1"]), json!({"RequestType": "InstallProfile", "Payload": "*"})),
            "command.Payload",
            "command-base64",
        ),
        order(to(json!(["D-1"]), json!({"RequestType": "X", "A": null})), "command.A", "command-null"),
        order(
            to(json!(["D-1"]), json!({"RequestType": "X", "A": "x".repeat(400_000)})),
            "command",
            "command-too-large",
        ),
        order(json!({"targets": ["D-1"], "command": ask, "priority": 10}), "priority", "command-priority"),
        order(json!({"targets": ["D-1"], "command": ask, "priority": -1}), "priority", "json-body"),
        order(json!({"targets": ["D-1"], "command": ask, "command_uuid": "7"}), "command_uuid", "json-body"),
    ];
    refuse_all(&app, &tenant.admin, cases).await;
    let unknown = tenant.post("commands", to(json!(["D-1"]), ask)).await.expect(404);
    assert_eq!(unknown.json["field"], "targets");
}
