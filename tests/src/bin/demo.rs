//! `make demo`: tells the whole story, and says with its exit code whether it is true.

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;

use pomarium_tests::story::{Teller, play};
use shared::time::Clock;

#[tokio::main]
async fn main() -> ExitCode {
    let mut teller = Teller::new(Box::new(stdout()), stdout().is_terminal());
    match play(&mut teller, Clock::system()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
