//! Results too large for a table, in S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;

use crate::aws::failure;
use crate::error::{Error, Result};

/// One bucket.
#[derive(Clone, Debug)]
pub struct Blobs {
    client: Client,
    bucket: String,
}

impl Blobs {
    /// The blobs in `bucket`.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Stores `content` under `key`, in place of what was there.
    ///
    /// # Errors
    /// Unavailable when S3 does not take it now.
    pub async fn put(&self, key: &str, content: Vec<u8>) -> Result<()> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(ByteStream::from(content))
            .send()
            .await
            .map_err(failure)?;
        Ok(())
    }

    /// What is stored under `key`.
    ///
    /// Without `s3:ListBucket` on the bucket, S3 answers 403 for a key that does not exist, which is Internal here.
    ///
    /// # Errors
    /// Unavailable when S3 does not answer, or the content breaks off.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = match answer {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(error) => return Err(failure(error)),
        };
        let content = object.body.collect().await.map_err(Error::unavailable)?;
        Ok(Some(content.to_vec()))
    }
}
