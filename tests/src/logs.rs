//! What is logged, collected and searched for secrets.

use std::collections::HashSet;
use std::env;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use pomarium_local::runner::Runner;
use shared::port::random::Random;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Everything of ours, and of others what is logged in production.
pub const FILTER: &str = "info,shared=trace,admin=trace,certificate=trace,checkin=trace,command=trace,command_jobs=trace,console=trace,\
                          enroll=trace,events=trace,inactivity_sweeper=trace,scep=trace,push=trace,apns_probe=trace,\
                          expiry_notifier=trace,mail_feedback=trace,trust_store=trace,pomarium_local=trace";

/// The seed of every test's server.
pub const SEED: u64 = 7;
/// More random values than any test's server takes.
const TAKEN: usize = 20_000;
/// The length of a token: 32 bytes in base 64.
const TOKEN: usize = 43;

/// A log that is kept. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What was logged.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The log of this process, where each test has a process of its own.
static WHOLE: LazyLock<Option<Log>> = LazyLock::new(|| {
    env::var_os("NEXTEST")?;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(log.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).ok()?;
    Some(log)
});

/// Begins to collect what this process logs.
pub(crate) fn begin() {
    LazyLock::force(&WHOLE);
}

/// Searches what was logged so far.
///
/// # Panics
/// When something secret stands in it.
pub(crate) fn search(runner: &Runner) {
    let Some(log) = WHOLE.as_ref() else { return };
    let text = log.take();
    let mails = runner.aws.mailbox().list().unwrap_or_default();
    let codes = mails.iter().filter_map(|sent| code_in(&sent.mail.text));
    // Not the text itself: the log of a failed test is read by many.
    let found = secret_in(&text, codes);
    assert!(found.is_none(), "the log holds {}", found.unwrap_or_default());
}

/// What a log must not hold, if it does: a random value of the server's, a private key, one of these codes.
pub fn secret_in(log: &str, mut codes: impl Iterator<Item = String>) -> Option<&'static str> {
    static TOKENS: LazyLock<HashSet<String>> = LazyLock::new(|| {
        // All random values of a server come from one stream, which is the same on every run.
        let random = Random::seeded(SEED);
        (0..TAKEN).map(|_| random.token().expose().clone()).collect()
    });
    let words = log.split(|letter: char| !letter.is_ascii_alphanumeric() && !['_', '-'].contains(&letter));
    let is_token = |word: &str| {
        (TOKEN..=word.len()).any(|end| word.get(end - TOKEN..end).is_some_and(|part| TOKENS.contains(part)))
    };
    if words.filter(|word| word.len() >= TOKEN).any(is_token) {
        return Some("a token, or a secret like one");
    }
    if log.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    codes.any(|code| log.contains(&code)).then_some("a code that was mailed")
}

/// A mailed code: two groups of four digits.
fn code_in(mail: &str) -> Option<String> {
    let is_code = |text: &str| {
        text.len() == 9
            && text
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 { byte == b' ' } else { byte.is_ascii_digit() })
    };
    (0..mail.len()).filter_map(|at| mail.get(at..at + 9)).find(|text| is_code(text)).map(str::to_owned)
}
