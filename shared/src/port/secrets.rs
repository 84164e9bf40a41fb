//! Private keys and tokens, in Secrets Manager.

mod cache;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::delete_secret::DeleteSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::primitives::Blob;

use self::cache::Cache;
use crate::aws::failure;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::time::Clock;

/// How long a deleted secret can be had back, in days; the shortest that Secrets Manager offers.
const RECOVERY_DAYS: i64 = 7;

/// The secrets whose names begin with one prefix. Clones share one cache.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: Client,
    prefix: String,
    key: Option<String>,
    clock: Clock,
    cache: Cache,
}

impl Secrets {
    /// The secrets named `<prefix>/<path>`.
    pub fn new(client: Client, prefix: String, clock: Clock) -> Self {
        Self { client, prefix, key: None, clock, cache: Cache::default() }
    }

    /// The same, with new secrets under this KMS key instead of AWS's own. Those that there are stay under theirs.
    #[must_use]
    pub fn under(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }

    /// The present value, which may be up to 5 minutes old; none when there is no such secret or it was deleted.
    ///
    /// While Secrets Manager does not answer, an older value still serves: a device waiting for its push must not
    /// depend on two services at once.
    ///
    /// # Errors
    /// Unavailable when Secrets Manager does not answer and this process has not read the secret before.
    pub async fn get(&self, path: &str) -> Result<Option<Secret<Vec<u8>>>> {
        if let Some(value) = self.cache.fresh(path, self.clock.now()) {
            return Ok(Some(value));
        }
        match self.read(path).await {
            Ok(Some(value)) => {
                self.cache.keep(path, &value, self.clock.now());
                Ok(Some(value))
            }
            Ok(None) => {
                self.cache.forget(path);
                Ok(None)
            }
            Err(error) if error.kind() == Kind::Unavailable => {
                let old = self.cache.any(path).ok_or(error)?;
                let why = "Secrets Manager does not answer: serving an older value";
                tracing::warn!(event = "stale-secret", secret = path, "{why}");
                Ok(Some(old))
            }
            Err(error) => Err(error),
        }
    }

    /// The present value of a secret that a record names, as [`Secrets::get`] reads it.
    ///
    /// # Errors
    /// Internal when there is no such secret; as [`Secrets::get`].
    pub async fn required(&self, path: &str) -> Result<Secret<Vec<u8>>> {
        self.get(path).await?.ok_or_else(|| Error::internal(format!("the secret {path} is missing")))
    }

    /// Stores a value, in a new secret or as the new version of one; a deleted secret comes back. Safe to repeat.
    ///
    /// # Errors
    /// Unavailable when Secrets Manager does not take it now.
    pub async fn put(&self, path: &str, value: &Secret<Vec<u8>>) -> Result<()> {
        let create = self.client.create_secret().name(self.name(path)).set_kms_key_id(self.key.clone());
        let created = create.secret_binary(Blob::new(value.expose().as_slice())).send().await;
        if let Err(error) = created {
            match error.as_service_error() {
                Some(CreateSecretError::ResourceExistsException(_)) => {}
                // The answer for a name whose secret waits for its deletion.
                Some(CreateSecretError::InvalidRequestException(_)) => self.restore(path).await?,
                Some(_) | None => return Err(failure(error)),
            }
            let put = self.client.put_secret_value().secret_id(self.name(path));
            put.secret_binary(Blob::new(value.expose().as_slice())).send().await.map_err(failure)?;
        }
        self.cache.keep(path, value, self.clock.now());
        Ok(())
    }

    /// Deletes a secret; a [`Secrets::put`] within 7 days brings it back. Safe to repeat.
    ///
    /// # Errors
    /// Unavailable when Secrets Manager does not do it now.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.cache.forget(path);
        let request = self.client.delete_secret().secret_id(self.name(path));
        match request.recovery_window_in_days(RECOVERY_DAYS).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(
                    DeleteSecretError::ResourceNotFoundException(_)
                    | DeleteSecretError::InvalidRequestException(_),
                ) => Ok(()),
                Some(_) | None => Err(failure(error)),
            },
        }
    }

    /// Deletes a secret that no record names any more. One that is left over opens nothing, while the change that gave it
    /// up stands: a failure is logged and no more.
    pub async fn delete_unneeded(&self, path: &str) {
        if let Err(error) = self.delete(path).await {
            tracing::error!(event = "secret-left", secret = path, error = %error.chain(), "a secret is left over");
        }
    }

    /// Destroys a secret at once and for good, also one that waits for its deletion. Safe to repeat.
    ///
    /// # Errors
    /// Unavailable when Secrets Manager does not do it now.
    pub async fn destroy(&self, path: &str) -> Result<()> {
        self.cache.forget(path);
        let request =
            self.client.delete_secret().secret_id(self.name(path)).force_delete_without_recovery(true);
        let Err(error) = request.clone().send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(DeleteSecretError::ResourceNotFoundException(_)) => Ok(()),
            Some(DeleteSecretError::InvalidRequestException(_)) => {
                self.restore(path).await?;
                request.send().await.map_err(failure)?;
                Ok(())
            }
            Some(_) | None => Err(failure(error)),
        }
    }

    async fn read(&self, path: &str) -> Result<Option<Secret<Vec<u8>>>> {
        let answer = match self.client.get_secret_value().secret_id(self.name(path)).send().await {
            Ok(answer) => answer,
            Err(error) => {
                return match error.as_service_error() {
                    Some(
                        GetSecretValueError::ResourceNotFoundException(_)
                        | GetSecretValueError::InvalidRequestException(_),
                    ) => Ok(None),
                    Some(_) | None => Err(failure(error)),
                };
            }
        };
        // This service writes binary secrets; an operator's console can only write text.
        let binary = answer.secret_binary.map(Blob::into_inner);
        let value = binary.or(answer.secret_string.map(String::into_bytes));
        Ok(value.map(Secret::new))
    }

    async fn restore(&self, path: &str) -> Result<()> {
        self.client.restore_secret().secret_id(self.name(path)).send().await.map_err(failure)?;
        Ok(())
    }

    fn name(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Answer, script};
    use crate::time::from_unix;

    /// "key" in base 64.
    const KEY: &str = r#"{"Name":"p/a","SecretBinary":"a2V5"}"#;

    fn secrets(answers: impl IntoIterator<Item = Answer>) -> (Secrets, Clock) {
        let clock = Clock::fixed(from_unix(1_000));
        let (config, _requests) = script(answers);
        (Secrets::new(Client::new(&config), "p".into(), clock.clone()), clock)
    }

    #[tokio::test]
    async fn a_value_serves_for_five_minutes_and_longer_while_nobody_answers() {
        let (secrets, clock) = secrets([Answer::ok(KEY), Answer::NoConnection]);
        let key = Some(Secret::new(b"key".to_vec()));
        assert_eq!(secrets.get("a").await.unwrap(), key);
        clock.set(from_unix(1_299));
        assert_eq!(secrets.get("a").await.unwrap(), key);
        clock.set(from_unix(9_999));
        assert_eq!(secrets.get("a").await.unwrap(), key);
        assert_eq!(secrets.get("never-read").await.unwrap_err().kind(), Kind::Unavailable);
    }

    #[tokio::test]
    async fn a_missing_or_deleted_secret_is_none_and_is_asked_for_again() {
        let (secrets, _clock) = secrets([
            Answer::error(400, "ResourceNotFoundException"),
            Answer::error(400, "InvalidRequestException"),
            Answer::ok(KEY),
        ]);
        assert_eq!(secrets.get("a").await.unwrap(), None);
        assert_eq!(secrets.get("a").await.unwrap(), None);
        assert!(secrets.get("a").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_refused_read_does_not_fall_back_to_the_older_value() {
        let (secrets, clock) = secrets([Answer::ok(KEY), Answer::error(400, "AccessDeniedException")]);
        secrets.get("a").await.unwrap();
        clock.set(from_unix(9_999));
        assert_eq!(secrets.get("a").await.unwrap_err().kind(), Kind::Internal);
    }

    #[tokio::test]
    async fn a_secret_that_an_operator_wrote_as_text_serves_too() {
        let (secrets, _clock) = secrets([Answer::ok(r#"{"SecretString":"key"}"#)]);
        assert_eq!(secrets.get("a").await.unwrap(), Some(Secret::new(b"key".to_vec())));
    }
}
