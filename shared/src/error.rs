//! The one error type: a kind, a stable code, a message safe to show, and a source that is only logged.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// What every fallible operation of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the terms that decide the answer's status (see `http::problem` and `http::device`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The input is not what it must be.
    Malformed,
    /// The input is larger than this call takes.
    TooLarge,
    /// The path is right, the method is not.
    WrongMethod,
    /// The caller did not prove who it is.
    Unauthenticated,
    /// The caller is known, may know that the thing exists, and may not do this.
    Forbidden,
    /// There is no such thing, or it is another tenant's.
    NotFound,
    /// The thing's state does not allow this.
    Conflict,
    /// Too many requests; repeat after this many seconds.
    RateLimited {
        /// Seconds to wait before the next try.
        retry_after: u32,
    },
    /// Something this depends on did not answer; the same request may succeed later.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// An error with a public face (`code`, `message`, `field`, `next`) and a private cause (`source`).
///
/// `Display` prints the public message only; the source never leaves the log.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    code: &'static str,
    message: String,
    field: Option<Cow<'static, str>>,
    next: Option<Cow<'static, str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a stable, documented `code` (docs/ERRORS.md) and a message safe to show.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, code, message: message.into(), field: None, next: None, source: None }))
    }

    /// The input is not what it must be.
    pub fn malformed(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, code, message)
    }

    /// The input is larger than this call takes.
    pub fn too_large(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, code, message)
    }

    /// The caller did not prove who it is.
    pub fn unauthenticated(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Unauthenticated, code, message)
    }

    /// The caller may know that the thing exists and may not do this.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, code, message)
    }

    /// No such `thing`, or another tenant's: the two must look alike.
    pub fn not_found(thing: &str) -> Self {
        Self::new(Kind::NotFound, "not-found", format!("There is no such {thing}."))
    }

    /// The thing's state does not allow this.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// Too many tries; the next one is welcome after `retry_after` seconds.
    pub fn rate_limited(code: &'static str, message: impl Into<String>, retry_after: u32) -> Self {
        Self::new(Kind::RateLimited { retry_after }, code, message)
    }

    /// A dependency did not answer in time, or asked us to slow down.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Unavailable, "unavailable", "The service is busy. Nothing was lost.")
            .next("Repeat the request in a few seconds.")
            .because(source)
    }

    /// A fault of ours; `source` says what, to the log only.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "internal", "The server made a mistake. It has been logged.")
            .because(source)
    }

    /// Names the input field that is wrong.
    #[must_use]
    pub fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Says what the caller can do about it.
    #[must_use]
    pub fn next(mut self, step: impl Into<Cow<'static, str>>) -> Self {
        self.0.next = Some(step.into());
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong, as the answer's status sees it.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The stable code, listed in docs/ERRORS.md.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The input field that is wrong, if one is.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// What the caller can do, if anything.
    pub fn next_step(&self) -> Option<&str> {
        self.0.next.as_deref()
    }

    /// The whole chain of causes, for the log only.
    pub fn chain(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} ({})", self.0.kind, self.0.code, self.chain())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_never_prints_the_source() {
        let error = Error::internal("password=hunter2");
        assert!(!error.to_string().contains("hunter2"));
        assert!(error.chain().contains("hunter2"));
    }
}
