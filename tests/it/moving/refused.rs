//! What cannot be exported or imported is refused with the reason, and changes nothing.

use std::io::{Seek, SeekFrom, Write};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use pomarium_move::{Export, Passphrase, look};
use pomarium_tests::TestApp;
use shared::Error;
use tempfile::NamedTempFile;

use super::elsewhere::{Elsewhere, here};
use super::{export, id, import, passphrase};
use crate::stored::{everything, unchanged};

/// The code, and that it says what to do.
fn code(error: &Error) -> &str {
    assert!(error.next_step().is_some_and(|next| !next.is_empty()), "{error:?}");
    error.code()
}

#[tokio::test]
async fn an_archive_that_is_not_whole_is_refused_before_anything_is_written() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let file = export(&here(&app), &id(&tenant), false).await;
    let there = TestApp::start().await;
    let before = everything(&there).await;
    let wrong = Passphrase::new("other words than these".into()).unwrap();
    let refused = look(file.path(), &wrong).unwrap_err();
    assert_eq!((code(&refused), refused.field()), ("archive-passphrase-wrong", Some("PASSPHRASE")));
    let content = std::fs::read(file.path()).unwrap();
    for kept in [0, 50, 500, content.len() - 1] {
        let mut cut = NamedTempFile::new().unwrap();
        cut.write_all(&content[..kept]).unwrap();
        let refused = import(&here(&there), &cut).await.unwrap_err();
        assert_eq!((code(&refused), refused.field()), ("archive-damaged", Some("FILE")), "{kept} bytes");
    }
    let mut changed = NamedTempFile::new().unwrap();
    changed.write_all(&content).unwrap();
    changed.seek(SeekFrom::Start(content.len() as u64 / 2)).unwrap();
    changed.write_all(b"?").unwrap();
    assert_eq!(code(&import(&here(&there), &changed).await.unwrap_err()), "archive-damaged");
    let gone = NamedTempFile::new().unwrap();
    std::fs::remove_file(gone.path()).unwrap();
    assert_eq!(code(&import(&here(&there), &gone).await.unwrap_err()), "archive-not-read");
    unchanged(&there, &before).await;
}

#[tokio::test]
async fn a_tenant_that_is_not_there_is_not_exported() {
    let app = TestApp::start().await;
    let (places, secret) = (here(&app), passphrase());
    let tenant = "aaaaaaaaaaaaaaaa".parse().unwrap();
    let before = everything(&app).await;
    let export = Export { places: &places, tenant: &tenant, passphrase: &secret, close: None };
    let refused = export.write(Vec::new(), |_| {}).await.unwrap_err();
    assert_eq!((code(&refused), refused.field()), ("not-found", Some("TENANT")));
    unchanged(&app, &before).await;
}

/// A place where nothing can be written.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_full_disk_says_so_and_closes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (places, secret, tenant_id) = (here(&app), passphrase(), id(&tenant));
    let close = Some(std::time::Duration::ZERO);
    let export = Export { places: &places, tenant: &tenant_id, passphrase: &secret, close };
    let refused = export.write(Full, |_| {}).await.unwrap_err();
    assert_eq!(code(&refused), "archive-not-written");
    tenant.get("enrollments").await.expect(200);
}

#[tokio::test]
async fn two_archives_of_a_tenant_do_not_mix() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let first = export(&here(&app), &id(&tenant), false).await;
    let second = export(&here(&app), &id(&tenant), false).await;
    let there = Elsewhere::start(&app).await;
    // As an import leaves it that dies after its first call.
    let client = Client::new(&there.data.aws.sdk_config());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let mark = client.put_item().table_name("core").item("pk", text(&format!("TENANT#{}", tenant.id)));
    let mark = mark.item("sk", text("IMPORT")).item("v", AttributeValue::N("1".into()));
    let digest = hex::encode(openssl::sha::sha256(&std::fs::read(first.path()).unwrap()));
    let mark = mark.item("digest", text(&digest)).item("opened", AttributeValue::N("0".into()));
    mark.send().await.unwrap();
    let refused = import(&there.places(&app), &second).await.unwrap_err();
    assert_eq!((code(&refused), refused.field()), ("import-begun", Some("FILE")));
    import(&there.places(&app), &first).await.expect("this is the one");
    assert_eq!(code(&import(&there.places(&app), &second).await.unwrap_err()), "tenant-exists");
}

#[tokio::test]
async fn a_topic_of_another_tenants_is_not_taken() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = tenant.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned();
    let file = export(&here(&app), &id(&tenant), false).await;
    let there = Elsewhere::start(&app).await;
    let client = Client::new(&there.data.aws.sdk_config());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let claim = client.put_item().table_name("pki").item("pk", text(&format!("TOPIC#{topic}")));
    let claim = claim.item("sk", text("CLAIM")).item("v", AttributeValue::N("1".into()));
    claim.item("tenant", text("aaaaaaaaaaaaaaaa")).send().await.unwrap();
    let refused = import(&there.places(&app), &file).await.unwrap_err();
    assert_eq!(code(&refused), "archive-topic-taken");
    assert!(refused.to_string().contains(&topic), "{refused}");
}

#[tokio::test]
async fn what_a_later_release_wrote_waits_for_that_release() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let client = Client::new(&app.runner.aws.sdk_config());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let later = client.put_item().table_name("core").item("pk", text(&format!("TENANT#{}", tenant.id)));
    let later = later.item("sk", text("LATER")).item("v", AttributeValue::N("7".into()));
    later.send().await.unwrap();
    let (places, secret, tenant) = (here(&app), passphrase(), id(&tenant));
    let file = NamedTempFile::new().unwrap();
    let export = Export { places: &places, tenant: &tenant, passphrase: &secret, close: None };
    export.write(&file, |_| {}).await.expect("what stands there is copied");
    let refused = look(file.path(), &secret).unwrap_err();
    assert_eq!((code(&refused), refused.field()), ("archive-newer", Some("FILE")));
}
