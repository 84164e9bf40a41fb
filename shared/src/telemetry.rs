//! Logs: one JSON line an event, on standard output, where Lambda collects them.

use tracing_subscriber::EnvFilter;

/// Starts logging with a filter such as `info`. Starting twice changes nothing.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let started =
        tracing_subscriber::fmt().json().with_env_filter(filter).with_current_span(false).try_init();
    if started.is_err() {
        tracing::debug!("logging had been started before");
    }
}
