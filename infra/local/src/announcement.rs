//! What the terminal shows: what is where, and what went wrong.

use std::io::Write;
use std::path::Path;

use pomarium_local::runner::{OPERATOR, Runner};
use shared::error::{Error, Kind};

/// What is where, once everything runs.
pub(crate) fn started(out: &mut impl Write, runner: &Runner, directory: &Path) {
    let base = runner.base_url();
    let now = runner.clock.now().strftime("now %F %T UTC").to_string();
    let tls = runner.state.config.mutual_tls.as_ref().map(|host| host.base_url.clone()).unwrap_or_default();
    let sign_in = format!("sign in as {OPERATOR}");
    let lines = [
        ("Start page", format!("{base}/"), ""),
        ("Console", format!("{base}/console"), &sign_in),
        ("API", format!("{base}/v1/openapi.json"), "all calls, described"),
        ("Mutual TLS", tls, "asks devices for their certificates"),
        ("Apple's portal", format!("{base}/_local/portal"), "simulated"),
        ("Devices", format!("{base}/_local/devices"), "simulated"),
        ("Mails", format!("{base}/_local/mails"), "sent to nobody"),
        ("Clock", format!("{base}/_local/clock"), &now),
        ("Data", directory.display().to_string(), ""),
        ("Operator token", runner.operator_token.expose().clone(), ""),
    ];
    let mut text = String::from("\nPomarium is running.\n\n");
    for (name, value, note) in lines {
        text.push_str(format!("  {name:<16}{value:<40}{note}").trim_end());
        text.push('\n');
    }
    text.push_str("\nThe data stays when this stops. Stop with Ctrl-C; LOG=info shows every request.\n\n");
    say(out, &text);
}

/// A sign of life.
pub(crate) fn progress(out: &mut impl Write, seconds: u64) {
    say(out, &format!("Starting ... {seconds} s. The first start makes keys and tables.\n"));
}

/// How it stopped.
pub(crate) fn stopped(out: &mut impl Write, cleanly: bool) {
    say(
        out,
        if cleanly {
            "Stopped.\n"
        } else {
            "Stopped without waiting. Nothing that was acknowledged is lost.\n"
        },
    );
}

/// Why it does not start, and what to do.
pub(crate) fn failure(out: &mut impl Write, error: &Error) {
    // A fault of ours has nothing to say to the public, but whoever runs this is not the public.
    let what = match error.kind() {
        Kind::Internal | Kind::Unavailable => error.chain(),
        Kind::Malformed
        | Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::RateLimited { .. } => error.to_string(),
    };
    let next = error.next_step().map(|next| format!(" {next}")).unwrap_or_default();
    say(out, &format!("Pomarium cannot start. {what}{next}\n"));
}

/// A closed terminal is no reason to stop.
fn say(out: &mut impl Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
