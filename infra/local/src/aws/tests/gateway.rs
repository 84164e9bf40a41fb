use aws_sdk_apigatewayv2::Client as Gateway;
use aws_sdk_s3::Client as S3;
use shared::Kind;
use shared::config::MutualTls;
use shared::port::trust_store::{Host, TrustStore};

use super::local_aws;
use crate::aws::{LocalAws, TrustStoreVersion};

/// The port to a host and a bucket.
fn trust_store(aws: &LocalAws, host: &str, bucket: &str) -> TrustStore {
    let settings = MutualTls { base_url: format!("https://{host}:8443"), bucket: bucket.to_owned() };
    TrustStore::new(S3::new(&aws.sdk_config()), Gateway::new(&aws.sdk_config()), &settings)
}

#[tokio::test]
async fn a_host_uses_the_version_that_it_was_told_of() {
    let (aws, _clock) = local_aws().await;
    aws.create_versioned_bucket("trust").unwrap();
    let store = trust_store(&aws, "devices.example", "trust");
    assert_eq!(store.host().await.unwrap(), None);
    assert_eq!(store.use_version("first").await.unwrap_err().kind(), Kind::Internal);
    aws.create_domain("devices.example").unwrap();
    let untold = Host { version: None, is_settled: true, warnings: Vec::new() };
    assert_eq!(store.host().await.unwrap(), Some(untold.clone()));
    assert_eq!(aws.trust("devices.example").now().unwrap(), TrustStoreVersion::default());

    assert_eq!(store.kept().await.unwrap(), None);
    let first = store.keep(b"first".to_vec(), None).await.unwrap();
    let kept = store.kept().await.unwrap().unwrap();
    assert_eq!((kept.pem.as_slice(), &kept.version), (&b"first"[..], &first));
    store.use_version(&first).await.unwrap();
    let second = store.keep(b"second".to_vec(), Some(&kept)).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(store.host().await.unwrap(), Some(Host { version: Some(first), ..untold.clone() }));
    assert_eq!(aws.trust("devices.example").now().unwrap().pem, b"first");
    store.use_version(&second).await.unwrap();
    assert_eq!(aws.trust("devices.example").now().unwrap().pem, b"second");
    assert_eq!(store.use_version("none such").await.unwrap_err().kind(), Kind::Internal);

    aws.set_domain_updating("devices.example", true).unwrap();
    let updating = Host { version: Some(second), is_settled: false, ..untold };
    assert_eq!(store.host().await.unwrap(), Some(updating));
}

#[tokio::test]
async fn of_two_who_write_the_file_one_comes_again() {
    let (aws, _clock) = local_aws().await;
    aws.create_versioned_bucket("trust").unwrap();
    let store = trust_store(&aws, "devices.example", "trust");
    store.keep(b"first".to_vec(), None).await.unwrap();
    let again = store.keep(b"other".to_vec(), None).await.unwrap_err();
    assert_eq!(again.kind(), Kind::Unavailable);
    let kept = store.kept().await.unwrap().unwrap();
    store.keep(b"second".to_vec(), Some(&kept)).await.unwrap();
    let late = store.keep(b"third".to_vec(), Some(&kept)).await.unwrap_err();
    assert_eq!(late.kind(), Kind::Unavailable);
    assert_eq!(store.kept().await.unwrap().unwrap().pem, b"second");

    aws.create_bucket("forgets").unwrap();
    let forgets = trust_store(&aws, "devices.example", "forgets");
    assert_eq!(forgets.keep(b"first".to_vec(), None).await.unwrap_err().kind(), Kind::Internal);
}
