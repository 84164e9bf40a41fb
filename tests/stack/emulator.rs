//! AWS's emulator: a process with state of its own, which ends with the test.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running emulator.
pub(crate) struct Emulator {
    process: Child,
    directory: TempDir,
    tools: PathBuf,
    /// Where it answers, as a URL.
    pub(crate) url: String,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody left to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.keep_log();
    }
}

impl Emulator {
    /// Starts the one that `infra/setup stack` installed, with every right asked for by a role.
    pub(crate) async fn start() -> Self {
        let tools = root().join(".tools/stack/bin");
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let log = File::create(directory.path().join("emulator.log")).unwrap();
        let process = Command::new(tools.join("ministack"))
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("AWS_ENDPOINT_URL", &url)
            // Whoever has this key may do everything: the test, as the person who deploys.
            .env("AWS_ACCESS_KEY_ID", super::aws::ROOT)
            .env("AUTH", "true")
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}. Run infra/setup stack first.", tools.display()));
        let mut started = Self { process, directory, tools, url };
        started.wait().await;
        started
    }

    async fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let ready = format!("{}/_ministack/ready", self.url);
        loop {
            if reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the emulator does not start: {}",
                self.log()
            );
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// A directory for files of the test.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A program that was installed with it.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.tools.join(name)
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("emulator.log")).unwrap_or_default()
    }

    /// Leaves the log where a person finds it after a failure.
    fn keep_log(&self) {
        let kept = root().join("target/stack");
        if std::fs::create_dir_all(&kept).is_ok() {
            // For a look after a failure only.
            let _ = std::fs::write(kept.join("emulator.log"), self.log());
        }
    }
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
