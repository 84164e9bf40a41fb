//! What breaks under the functions: every write of every function goes wrong, they die in the middle of their work, and the clock
//! is set back.

mod clock;
mod kept;
mod mails;
mod order;
pub(crate) mod trouble;
mod workers;

use std::sync::Arc;

use kept::{ABOUT_MAILS, Kept, differences, kept};
use pomarium_tests::TestApp;
use trouble::{Fault, Trouble};

use crate::rights::story::play;

/// Plays the story in which every function does everything it can.
async fn left_behind(fault: Option<Fault>) -> (Kept, Trouble) {
    let app = Arc::new(TestApp::start().await);
    let trouble = Trouble::new(fault);
    play(&app, Some(&trouble)).await;
    (kept(&app, &trouble).await, trouble)
}

/// Plays it with a fault and without; in the end both have left the same, but for what contains one of `beside`.
async fn nobody_notices(fault: Fault, beside: &[&str]) -> Trouble {
    let ((expected, calm), (found, trouble)) =
        tokio::join!(Box::pin(left_behind(None)), Box::pin(left_behind(Some(fault))));
    assert_eq!(calm.struck(), 0);
    assert!(expected.len() > 200, "the story leaves only {} kinds of things", expected.len());
    let told = differences(&expected, &found, beside);
    assert!(told.is_empty(), "{fault:?}: {told:#?}");
    trouble
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_writes_are_throttled_who_asks_again_gets_what_it_wants() {
    let trouble = nobody_notices(Fault::Throttled, &ABOUT_MAILS).await;
    assert!(trouble.struck() > 200, "only {} writes were throttled", trouble.struck());
    assert!(trouble.most_tries() > 3, "no call has more than {} writes?", trouble.most_tries() - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_may_lose_its_answer_and_is_done_once() {
    let trouble = nobody_notices(Fault::LostAnswers, &[]).await;
    assert!(trouble.struck() > 300, "only {} answers were lost", trouble.struck());
}
