//! An export or an import that dies at any of its calls is completed by whoever repeats it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use pomarium_move::Export;
use pomarium_tests::{Tenant, TestApp};
use tempfile::NamedTempFile;

use super::elsewhere::{Elsewhere, here, places, secrets};
use super::{export, id, import, passphrase, settled};
use crate::killed::{Death, dying_aws, scope};
use crate::stored::of_tenant;

/// More people than one transaction can let in.
async fn with_many_members(app: &TestApp, tenant: &Tenant) {
    let client = Client::new(&app.runner.aws.sdk_config());
    let text = |text: String| AttributeValue::S(text);
    for number in 0..120 {
        let address = format!("kim-{number}@green.example");
        let own = format!("TENANT#{}", tenant.id);
        let put = client.put_item().table_name("core").item("v", AttributeValue::N("1".into()));
        let put = put.item("address", text(address.clone())).item("role", text("viewer".into()));
        let put = put.item("added_at", text("2026-11-21T09:00:00Z".into()));
        put.item("pk", text(own)).item("sk", text(format!("MEMBER#{address}"))).send().await.unwrap();
    }
}

/// Whether a device or a token could get in.
async fn is_open(there: &Elsewhere, tenant: &Tenant) -> bool {
    let scope = scope(tenant);
    let has_authorities = !there.state.store.authorities(&scope).await.unwrap().is_empty();
    let is_there = there.state.store.tenant(&scope).await.is_ok();
    assert_eq!(has_authorities, is_there, "devices get in with the last step");
    is_there
}

#[tokio::test]
async fn an_import_that_dies_anywhere_goes_on_and_opens_nothing_before_its_end() {
    let app = TestApp::start().await;
    let (tenant, ..) = settled(&app).await;
    with_many_members(&app, &tenant).await;
    let file = export(&here(&app), &id(&tenant), false).await;
    let expected = of_tenant(&app.runner.aws.sdk_config(), &tenant.id).await;
    let keys = secrets(&app.runner.aws.sdk_config(), &tenant.id).await;
    for takes_effect in [false, true] {
        for calls in 0.. {
            let there = Elsewhere::start(&app).await;
            let (left, happened) = (Arc::new(AtomicUsize::new(calls)), Arc::new(AtomicBool::new(false)));
            let death = Death::between(there.data.aws.endpoint().to_owned(), left, takes_effect, &happened);
            let first = import(&places(&app, &dying_aws(death).await), &file).await;
            let lived = !happened.load(Ordering::SeqCst);
            assert_eq!(first.is_ok(), lived);
            let is_done = lived || is_open(&there, &tenant).await;
            if !lived {
                let again = import(&there.places(&app), &file).await;
                // Its last call took effect, and nobody heard of it.
                let code = again.as_ref().err().map(shared::Error::code);
                assert_eq!(code, is_done.then_some("tenant-exists"), "died at call {calls}");
            }
            let mut arrived = of_tenant(&there.data.aws.sdk_config(), &tenant.id).await;
            let entries = arrived.len();
            arrived.retain(|_, words| !words.contains("tenant-imported"));
            assert_eq!(entries - arrived.len(), 1, "it is written down once, though it died at call {calls}");
            assert_eq!(arrived, expected, "died at call {calls}");
            assert_eq!(secrets(&there.data.aws.sdk_config(), &tenant.id).await, keys);
            if lived {
                assert!(calls > 10, "only {calls} calls were made");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_export_that_dies_while_it_closes_is_repeated_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let (tenant, ..) = settled(&app).await;
    let backup = export(&here(&app), &id(&tenant), false).await;
    let mut expected = of_tenant(&app.runner.aws.sdk_config(), &tenant.id).await;
    expected.retain(|_, words| !words.contains("tenant-exported"));
    // Each death needs an installation of its own; every fourth call tells enough.
    for calls in (2..).step_by(4) {
        let there = Elsewhere::start(&app).await;
        import(&there.places(&app), &backup).await.expect("it is imported");
        let (left, happened) = (Arc::new(AtomicUsize::new(calls)), Arc::new(AtomicBool::new(false)));
        let death = Death::between(there.data.aws.endpoint().to_owned(), left, calls % 8 == 2, &happened);
        let dying = places(&app, &dying_aws(death).await);
        let (tenant_id, secret) = (id(&tenant), passphrase());
        let close = Some(Duration::ZERO);
        let first = Export { places: &dying, tenant: &tenant_id, passphrase: &secret, close };
        let half = NamedTempFile::new().unwrap();
        let lived = first.write(&half, |_| {}).await.is_ok();
        let file = if lived { half } else { export(&there.places(&app), &id(&tenant), true).await };
        assert!(!is_open(&there, &tenant).await);
        // Undone: the archive opens it again where it was.
        import(&there.places(&app), &file).await.expect("it is imported again");
        let mut arrived = of_tenant(&there.data.aws.sdk_config(), &tenant.id).await;
        arrived.retain(|_, words| !words.contains("tenant-exported") && !words.contains("tenant-imported"));
        assert_eq!(arrived, expected, "died at call {calls}");
        if lived {
            assert!(calls > 20, "only {calls} calls were made");
            break;
        }
    }
}
