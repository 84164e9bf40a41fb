//! Every operation, through the real clients and the ports that the functions use.

mod dynamodb;
mod gateway;
mod mails;
mod objects;
mod queues;
mod restart;
mod secrets;
mod unknown;

use shared::time::{Clock, from_unix};

use super::{LocalAws, Storage};

/// The services in memory, with a clock that stands still.
async fn local_aws() -> (LocalAws, Clock) {
    let clock = Clock::fixed(from_unix(1_000_000));
    let aws = LocalAws::start(Storage::Memory, clock.clone()).await.unwrap();
    (aws, clock)
}

/// Moves the clock and wakes those who wait.
fn advance(aws: &LocalAws, clock: &Clock, seconds: i64) {
    clock.set(from_unix(clock.now().as_second() + seconds));
    aws.queues().look_again();
}
