//! EventBridge: `PutEvents`, onto buses that need not be made. What was put is kept in memory, the latest of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Refusal;
use super::server::{input, unknown_operation};

/// Most entries of one call.
const AT_ONCE: usize = 10;
/// The most bytes that the entries of one call may have together.
const TOGETHER: usize = 256 * 1_024;
/// How many events are kept.
const KEPT: usize = 10_000;

/// An event that was put on a bus.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BusEvent {
    /// The ARN of the bus.
    #[serde(rename = "EventBusName")]
    pub bus: String,
    /// Where it comes from.
    pub source: String,
    /// What it is about.
    pub detail_type: String,
    /// A JSON object.
    pub detail: String,
}

/// Why a bus takes nothing, or not this event: AWS's code.
pub type Refused = Option<&'static str>;
/// What the buses say to an event.
type Says = Box<dyn Fn(&BusEvent) -> Refused + Send>;

/// All buses of all accounts and regions.
#[derive(Clone)]
pub struct Buses(Arc<Mutex<Inner>>);

struct Inner {
    put: VecDeque<BusEvent>,
    calls: usize,
    taken: usize,
    closed: Refused,
    says: Says,
}

impl fmt::Debug for Buses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buses").field("put", &self.lock().put.len()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<BusEvent>,
}

impl Buses {
    /// Buses that take everything.
    pub(super) fn new() -> Self {
        let inner =
            Inner { put: VecDeque::new(), calls: 0, taken: 0, closed: None, says: Box::new(|_| None) };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// What was put since this was last asked, in order.
    pub fn take(&self) -> Vec<BusEvent> {
        std::mem::take(&mut self.lock().put).into()
    }

    /// How many calls came so far.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    /// From now on every call as a whole is refused with a code of AWS; with none, taken again.
    pub fn close(&self, code: Refused) {
        self.lock().closed = code;
    }

    /// From now on each event is refused with the code that `says` gives for it.
    pub fn answer(&self, says: impl Fn(&BusEvent) -> Refused + Send + 'static) {
        self.lock().says = Box::new(says);
    }

    /// Does one operation.
    pub(super) fn call(&self, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        if operation != "PutEvents" {
            return Err(unknown_operation(operation));
        }
        let PutEvents { entries } = input(body)?;
        let mut inner = self.lock();
        inner.calls += 1;
        if let Some(code) = inner.closed {
            return Err(Refusal::bad_request(code, "The bus takes nothing."));
        }
        let invalid = |message: &str| Err(Refusal::bad_request("ValidationException", message));
        if entries.is_empty() || entries.len() > AT_ONCE {
            return invalid("A call has one to ten entries.");
        }
        let size = |entry: &BusEvent| 8 + entry.source.len() + entry.detail_type.len() + entry.detail.len();
        if entries.iter().map(size).sum::<usize>() > TOGETHER {
            return invalid("The total size of the entries is over the limit.");
        }
        let mut failed = 0;
        let mut results = Vec::with_capacity(entries.len());
        for event in entries {
            let code = if is_object(&event.detail) { (inner.says)(&event) } else { Some("MalformedDetail") };
            if let Some(code) = code {
                failed += 1;
                results.push(json!({"ErrorCode": code, "ErrorMessage": "The event was not taken."}));
                continue;
            }
            inner.taken += 1;
            results.push(json!({"EventId": format!("00000000-0000-4000-8000-{:012x}", inner.taken)}));
            if inner.put.len() == KEPT {
                inner.put.pop_front();
            }
            inner.put.push_back(event);
        }
        Ok(json!({"FailedEntryCount": failed, "Entries": results}))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_object(detail: &str) -> bool {
    serde_json::from_str::<Value>(detail).is_ok_and(|value| value.is_object())
}
