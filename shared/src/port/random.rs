//! Where identifiers, challenges and tokens come from, so that tests can repeat them.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::id::CommandUuid;
use crate::secret::Secret;

/// A source of random bytes. Clones share one stream.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    /// OpenSSL's generator, seeded by the operating system.
    System,
    /// SHA-256 over a seed and a counter: the same bytes on every run.
    Seeded(Arc<Mutex<Stream>>),
}

#[derive(Debug)]
struct Stream {
    seed: u64,
    blocks: u64,
}

impl Random {
    /// The machine's generator.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A stream that is the same for the same seed. For tests: anyone can predict it.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(Stream { seed, blocks: 0 }))))
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            Source::System => {
                if let Err(error) = openssl::rand::rand_bytes(&mut bytes) {
                    // Every token and key depends on these bytes: without them the process must not go on.
                    tracing::error!(%error, "the random generator failed");
                    std::process::abort();
                }
            }
            Source::Seeded(stream) => {
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in bytes.chunks_mut(32) {
                    for (byte, random) in chunk.iter_mut().zip(stream.next_block()) {
                        *byte = random;
                    }
                }
            }
        }
        bytes
    }

    /// A new opaque identifier (80 random bits).
    pub fn id<T: From<[u8; 10]>>(&self) -> T {
        T::from(self.bytes())
    }

    /// A new command's identifier.
    pub fn command_uuid(&self) -> CommandUuid {
        CommandUuid::from(self.uuid())
    }

    /// A version 4 UUID in upper case, as Apple writes payload identifiers.
    pub fn uuid_string(&self) -> String {
        self.uuid().to_string().to_uppercase()
    }

    /// A bearer token: 32 random bytes in URL-safe base 64.
    pub fn token(&self) -> Secret<String> {
        Secret::new(URL_SAFE_NO_PAD.encode(self.bytes::<32>()))
    }

    fn uuid(&self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }
}

impl Stream {
    fn next_block(&mut self) -> [u8; 32] {
        let mut input = [0; 16];
        let (seed, counter) = input.split_at_mut(8);
        seed.copy_from_slice(&self.seed.to_be_bytes());
        counter.copy_from_slice(&self.blocks.to_be_bytes());
        self.blocks += 1;
        openssl::sha::sha256(&input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;

    #[test]
    fn a_seed_repeats_and_a_clone_continues_the_stream() {
        let random = Random::seeded(7);
        let clone = random.clone();
        let first: TenantId = random.id();
        let second: TenantId = clone.id();
        assert_ne!(first, second);

        let again = Random::seeded(7);
        assert_eq!((again.id::<TenantId>(), again.id::<TenantId>()), (first, second));
        assert_ne!(Random::seeded(8).bytes::<10>(), Random::seeded(7).bytes::<10>());
    }

    #[test]
    fn long_draws_do_not_repeat_a_block() {
        let bytes = Random::seeded(1).bytes::<64>();
        assert_ne!(bytes[..32], bytes[32..]);
    }

    #[test]
    fn what_the_machine_draws_has_the_right_form() {
        let random = Random::system();
        let uuid = random.uuid_string();
        assert_eq!(uuid::Uuid::try_parse(&uuid).unwrap().get_version_num(), 4);
        assert_eq!(uuid, uuid.to_uppercase());
        assert_ne!(random.command_uuid(), random.command_uuid());
        let token = random.token();
        assert_eq!(URL_SAFE_NO_PAD.decode(token.expose()).unwrap().len(), 32);
        assert_ne!(token, random.token());
    }
}
