//! Tells a story as it happens: numbered steps, the calls made, and what came of them.

use std::io::{self, Write};

/// What was wrong, and where the story stopped.
#[derive(Debug)]
pub struct Wrong {
    /// What should have happened.
    pub expected: String,
    /// What happened instead.
    pub found: String,
}

impl Wrong {
    /// A difference between what was expected and what was found.
    pub fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
    }
}

/// What went wrong stops the story.
pub(super) type Result<T = ()> = std::result::Result<T, Wrong>;

/// Two values that must be the same.
///
/// # Errors
/// When they are not.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result {
    if found == expected {
        return Ok(());
    }
    Err(Wrong::new(format!("{what} {expected:?}"), format!("{found:?}")))
}

/// Writes for a person. What cannot be written is not read by anyone, so it is not an error.
pub struct Teller {
    out: Box<dyn Write + Send>,
    colour: bool,
    steps: usize,
}

impl Teller {
    /// Tells to `out`, with colours where it is a terminal.
    pub fn new(out: Box<dyn Write + Send>, colour: bool) -> Self {
        Self { out, colour, steps: 0 }
    }

    /// Steps told so far.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Begins the next step.
    pub fn step(&mut self, title: &str) {
        self.steps += 1;
        let number = format!("{:>2}", self.steps);
        let heading = self.paint("1", &format!("{number}  {title}"));
        self.line(&format!("\n{heading}"));
    }

    /// A call that was made and the status of its answer.
    pub fn call(&mut self, method: &str, path: &str, status: u16) {
        let call = self.paint("2", &format!("{method} {path} -> {status}"));
        self.line(&format!("    {call}"));
    }

    /// Something worth knowing.
    pub fn fact(&mut self, text: &str) {
        self.line(&format!("    {text}"));
    }

    /// The end of a story that went well, or the place where it stopped.
    pub fn end(&mut self, outcome: &Result, all: usize) {
        match outcome {
            Ok(()) => {
                let done = self.paint("1;32", &format!("{} of {all} steps done", self.steps));
                self.line(&format!("\n{done}"));
            }
            Err(wrong) => {
                let stopped = self.paint("1;31", "This is wrong:");
                self.line(&format!("    {stopped}"));
                self.line(&format!("      expected: {}", wrong.expected));
                self.line(&format!("      found:    {}", wrong.found));
                self.line(&format!("\n{} of {all} steps done", self.steps.saturating_sub(1)));
            }
        }
    }

    /// One line.
    pub fn line(&mut self, text: &str) {
        let _: io::Result<()> = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
