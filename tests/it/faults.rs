//! Every write of every function goes wrong, in turn and in every way: whoever asks again gets what it wants, and in the
//! end everything is as if nothing had gone wrong.

mod clock;
mod kept;
pub(crate) mod trouble;
mod workers;

use std::sync::Arc;

use kept::{Kept, differences, kept};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_may_be_throttled_or_lose_its_answer() {
    use futures_util::FutureExt;
    use std::panic::AssertUnwindSafe;
    let (a, b, c) = tokio::join!(
        AssertUnwindSafe(Box::pin(left_behind(None))).catch_unwind(),
        AssertUnwindSafe(Box::pin(left_behind(Some(Fault::Throttled)))).catch_unwind(),
        AssertUnwindSafe(Box::pin(left_behind(Some(Fault::LostAnswers)))).catch_unwind()
    );
    eprintln!("PLAYED {} {} {}", a.is_ok(), b.is_ok(), c.is_ok());
    let (expected, _) = a.unwrap();
    if let Ok((k, t)) = &b {
        eprintln!("THROTTLED {} {} {:#?}", t.struck(), t.most_tries(), differences(&expected, k));
    }
    if let Ok((k, t)) = &c {
        eprintln!("LOST {} {:#?}", t.struck(), differences(&expected, k));
    }
    let ((throttled, most), (unheard, all)) = (b.unwrap(), c.unwrap());
    for (fault, found) in [(Fault::Throttled, throttled), (Fault::LostAnswers, unheard)] {
        let told = differences(&expected, &found);
        assert!(told.is_empty(), "{fault:?}: {told:#?}");
    }
    assert!(all.struck() > 300, "only {} answers were lost", all.struck());
    assert!(most.struck() > 200, "only {} writes were throttled", most.struck());
    assert!(most.most_tries() > 3, "no call has more than {} writes?", most.most_tries() - 1);
}
