//! `make run`: all of Pomarium in one process, with its data in a directory.

mod announcement;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use pomarium_local::aws::Storage;
use pomarium_local::runner::{Options, Runner};
use shared::error::{Error, Result};
use shared::port::random::Random;
use shared::time::Clock;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How often to say that it is still starting.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long stopping may take.
const LONGEST_STOP: Duration = Duration::from_secs(8);
/// The crates of this workspace, as the log names them.
const OURS: [&str; 17] = [
    "admin",
    "apns_probe",
    "certificate",
    "checkin",
    "command",
    "command_jobs",
    "console",
    "enroll",
    "events",
    "expiry_notifier",
    "inactivity_sweeper",
    "mail_feedback",
    "pomarium_local",
    "push",
    "scep",
    "shared",
    "trust_store",
];

#[tokio::main]
async fn main() -> ExitCode {
    log(&std::env::var("LOG").unwrap_or_default());
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            announcement::failure(&mut io::stderr(), &error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let directory = PathBuf::from(variable("POMARIUM_DATA").unwrap_or_else(|| ".pomarium".to_owned()));
    let options = Options {
        storage: Storage::Directory(directory.clone()),
        listen: listen(variable("POMARIUM_LISTEN"))?,
        clock: Clock::system(),
        random: Random::system(),
        by_itself: true,
    };
    let runner = tokio::select! {
        started = start(options) => started?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    announcement::started(&mut io::stdout(), &runner, &directory);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let stopped = tokio::select! {
        stopped = tokio::time::timeout(LONGEST_STOP, runner.stop()) => stopped.is_ok(),
        _ = interrupt.recv() => false,
        _ = terminate.recv() => false,
    };
    announcement::stopped(&mut io::stdout(), stopped);
    Ok(())
}

/// Starts, and gives a sign of life while that lasts: the first start makes keys.
async fn start(options: Options) -> Result<Runner> {
    let mut starting = tokio::spawn(Runner::start(options));
    let mut ticks = tokio::time::interval(PATIENCE);
    ticks.tick().await;
    let mut seconds = 0;
    loop {
        tokio::select! {
            started = &mut starting => return started.map_err(Error::internal)?,
            _ = ticks.tick() => {
                seconds += PATIENCE.as_secs();
                announcement::progress(&mut io::stdout(), seconds);
            }
        }
    }
}

fn listen(text: Option<String>) -> Result<SocketAddr> {
    let text = text.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let refuse = |message: String| {
        Error::malformed("listen-address", message)
            .next("Set POMARIUM_LISTEN to an address of this machine and a port: 127.0.0.1:8081")
    };
    let address: SocketAddr = text
        .parse()
        .map_err(|_| refuse(format!("POMARIUM_LISTEN is \"{text}\", which is no address with a port.")))?;
    // The clock, the mails and the simulators ask nobody for a token.
    if !address.ip().is_loopback() {
        return Err(refuse(format!(
            "{address} can be reached from other machines, and the local tools are open to all."
        )));
    }
    Ok(address)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Logs for people, on standard error. `LOG` is a level for our own parts (`LOG=info` shows each request), or a
/// whole filter; without it, only what is wrong is shown.
fn log(setting: &str) {
    let level = if setting.is_empty() { "warn" } else { setting };
    let ours: String = OURS.iter().map(|name| format!(",{name}={level}")).collect();
    let filter =
        if level.contains(['=', ',']) { level.to_owned() } else { format!("warn,dynoxide=error{ours}") };
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .compact()
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_connect() {
        assert_eq!(listen(None).unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(listen(Some("[::1]:9000".into())).unwrap().port(), 9_000);
        for (text, said) in [("8080", "no address with a port"), ("0.0.0.0:8080", "from other machines")] {
            let refused = listen(Some(text.into())).unwrap_err();
            assert!(refused.to_string().contains(said), "{refused}");
        }
    }
}
