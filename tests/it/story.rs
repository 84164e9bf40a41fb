//! The story that `make demo` tells is true.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use pomarium_tests::app::start;
use pomarium_tests::story::{STEPS, Teller, play};
use shared::time::Clock;

/// What was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("one writer").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_story_of_the_demo_is_true() {
    let told = Told::default();
    let mut teller = Teller::new(Box::new(told.clone()), false);
    let outcome = play(&mut teller, Clock::fixed(start())).await;
    let text = String::from_utf8(told.0.lock().unwrap().clone()).unwrap();
    assert!(outcome.is_ok(), "{text}");
    assert_eq!(teller.steps(), STEPS);
    assert!(text.ends_with(&format!("\n{STEPS} of {STEPS} steps done\n")), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours outside a terminal");
}
