//! What goes wrong between a process and AWS, and who asks again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::aws_proxy::Call;

/// What goes wrong with writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Each one takes effect, and the first answer is lost on its way: the client calls again.
    LostAnswers,
    /// In each request one after the other is throttled for longer than the client's patience: the caller asks again.
    Throttled,
}

/// What goes wrong, if anything, with one set of processes. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Trouble(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fault: Option<Fault>,
    turn: Mutex<Turn>,
    seen: Mutex<Seen>,
}

/// One try of one request.
#[derive(Debug, Default)]
struct Turn {
    /// Which write is to meet the fault; none outside of a request.
    strikes_at: Option<usize>,
    writes: usize,
    /// The client's name for the call that met it.
    struck: Option<String>,
}

/// What went by.
#[derive(Debug, Default)]
struct Seen {
    secrets: BTreeSet<String>,
    /// How many tries each call of the API took.
    tries: BTreeMap<String, usize>,
    struck: usize,
    /// Requests, and the writes in them whose failure nobody was told of.
    quiet: BTreeSet<(String, usize)>,
}

impl Trouble {
    /// This, or none.
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self(Arc::new(Inner { fault, turn: Mutex::default(), seen: Mutex::default() }))
    }

    /// The names of all secrets that were written.
    pub(crate) fn secrets(&self) -> BTreeSet<String> {
        self.seen().secrets.clone()
    }

    /// How many writes met the fault.
    pub(crate) fn struck(&self) -> usize {
        self.seen().struck
    }

    /// How many tries the call with most of them took.
    pub(crate) fn most_tries(&self) -> usize {
        self.seen().tries.values().copied().max().unwrap_or_default()
    }

    fn note_tries(&self, call: &str, tries: usize) {
        let mut seen = self.seen();
        let most = seen.tries.entry(call.to_owned()).or_default();
        *most = (*most).max(tries);
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a try in which the write with this number meets the fault.
    pub(crate) fn begin(&self, strikes_at: usize) {
        *self.turn() = Turn { strikes_at: Some(strikes_at), ..Turn::default() };
    }

    /// Ends it and says whether a write met the fault.
    pub(crate) fn end(&self) -> bool {
        std::mem::take(&mut *self.turn()).struck.is_some()
    }

    /// Does with a call what goes wrong with it, or sends it on.
    pub(crate) async fn pass(&self, call: Call, http: &reqwest::Client, aws: &str) -> Response {
        if let Some(secret) = call.written_secret() {
            self.seen().secrets.insert(secret);
        }
        match self.fate(&call) {
            Fate::Passes => call.forward(http, aws).await,
            Fate::LosesItsAnswer => {
                call.forward(http, aws).await;
                refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
            }
            Fate::IsThrottled => refusal(StatusCode::BAD_REQUEST, "ThrottlingException"),
        }
    }

    fn fate(&self, call: &Call) -> Fate {
        let header = |name: &str| call.parts.headers.get(name).and_then(|value| value.to_str().ok());
        let id = header("amz-sdk-invocation-id").unwrap_or_default();
        let is_first = header("amz-sdk-request").is_some_and(|attempt| attempt.contains("attempt=1"));
        match self.0.fault {
            None => Fate::Passes,
            Some(Fault::LostAnswers) => {
                // For mails and events the promise is "at least once".
                if is_first && call.is_write() && !call.is_unrepeatable() {
                    self.seen().struck += 1;
                    Fate::LosesItsAnswer
                } else {
                    Fate::Passes
                }
            }
            Some(Fault::Throttled) => {
                // What a lost hint delays the sweep repairs, and mails have a test of their own.
                let is_struck = call.is_write() && !call.is_hint() && !call.is_mail();
                let mut turn = self.turn();
                if turn.struck.as_deref() == Some(id) {
                    return Fate::IsThrottled;
                }
                let Some(strikes_at) = turn.strikes_at.filter(|_| is_struck && turn.struck.is_none()) else {
                    return Fate::Passes;
                };
                turn.writes += 1;
                if turn.writes <= strikes_at {
                    return Fate::Passes;
                }
                turn.struck = Some(id.to_owned());
                drop(turn);
                self.seen().struck += 1;
                Fate::IsThrottled
            }
        }
    }
}

/// What becomes of a call.
enum Fate {
    Passes,
    LosesItsAnswer,
    IsThrottled,
}

fn refusal(status: StatusCode, code: &str) -> Response {
    (status, format!(r#"{{"__type":"{code}","message":"as the test wants it"}}"#)).into_response()
}

/// The caller's side: whoever gets no answer asks again, and meets the fault at the next write. What fails without a word is left
/// alone when the same is asked once more: the next message makes up for it.
pub(crate) async fn ask_again(
    State(trouble): State<Trouble>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let call = format!("{} {}", parts.method, path.as_str());
    let whole = format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&body));
    let mut tries = 0;
    for strikes_at in 0.. {
        let is_left_alone = trouble.seen().quiet.contains(&(whole.clone(), strikes_at));
        if is_left_alone {
            continue;
        }
        tries += 1;
        trouble.begin(strikes_at);
        let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
        let response = next.clone().run(again).await;
        let struck = trouble.end();
        trouble.note_tries(&call, tries);
        if struck && response.status().is_server_error() {
            continue;
        }
        if struck {
            trouble.seen().quiet.insert((whole, strikes_at));
        }
        return response;
    }
    unreachable!("a request has an end")
}
