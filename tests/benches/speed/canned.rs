//! AWS answered from memory: what was answered once is answered again, in the same order, without a connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;

/// A call, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The operation, such as `DynamoDB_20120810.UpdateItem`; empty for services that name it otherwise.
    pub(crate) target: String,
    /// What was sent.
    pub(crate) request: Bytes,
    status: u16,
    answer: Bytes,
}

impl Call {
    /// Whether it is one of DynamoDB's.
    pub(crate) fn is_dynamodb(&self) -> bool {
        self.target.starts_with("DynamoDB")
    }
}

#[derive(Debug)]
enum Mode {
    /// Calls travel, and are written down.
    Record(Vec<Call>),
    /// Calls travel, and are counted.
    Count(usize),
    /// These are answered again and again; the number is the next one's.
    Replay(Vec<Call>, usize),
}

/// The connection of a configuration, and what it does.
#[derive(Clone, Debug)]
pub(crate) struct Canned(Arc<Mutex<Mode>>);

impl Canned {
    /// The same configuration over a connection that is recorded at first.
    pub(crate) fn over(aws: &SdkConfig) -> (Self, SdkConfig) {
        let canned = Self(Arc::new(Mutex::new(Mode::Record(Vec::new()))));
        let real = aws.http_client().expect("it has a client");
        let memory = canned.clone();
        let client = http_client_fn(move |settings, components| {
            let real = real.http_connector(settings, components);
            SharedHttpConnector::new(Connector { memory: memory.clone(), real })
        });
        (canned, aws.to_builder().http_client(client).build())
    }

    /// The calls since the last look; from now on, they travel.
    pub(crate) fn take(&self) -> Vec<Call> {
        match std::mem::replace(&mut *self.mode(), Mode::Record(Vec::new())) {
            Mode::Record(calls) | Mode::Replay(calls, _) => calls,
            Mode::Count(_) => Vec::new(),
        }
    }

    /// How many calls there were since the last look; from now on, they are counted.
    pub(crate) fn count(&self) -> usize {
        match std::mem::replace(&mut *self.mode(), Mode::Count(0)) {
            Mode::Record(calls) | Mode::Replay(calls, _) => calls.len(),
            Mode::Count(calls) => calls,
        }
    }

    /// From now on these are answered again and again.
    pub(crate) fn replay(&self, calls: Vec<Call>) {
        *self.mode() = Mode::Replay(calls, 0);
    }

    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Connector {
    memory: Canned,
    real: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        if let Mode::Replay(calls, next) = &mut *self.memory.mode() {
            let known = &calls[*next];
            assert_eq!(known.target, target, "the calls come in the order in which they were recorded");
            *next = (*next + 1) % calls.len();
            return HttpConnectorFuture::ready(response(known));
        }
        if let Mode::Count(calls) = &mut *self.memory.mode() {
            *calls += 1;
            return self.real.call(request);
        }
        let target = target.to_owned();
        let sent = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
        let (memory, travels) = (self.memory.clone(), self.real.call(request));
        HttpConnectorFuture::new(async move {
            let answer = travels.await?;
            let status = answer.status().as_u16();
            let body = ByteStream::new(answer.into_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
            let call = Call { target, request: sent, status, answer: body };
            let answer = response(&call);
            if let Mode::Record(calls) = &mut *memory.mode() {
                calls.push(call);
            }
            answer
        })
    }
}

fn response(call: &Call) -> Result<HttpResponse, ConnectorError> {
    let status = call.status.try_into().map_err(|_| ConnectorError::other("no status".into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(call.answer.clone())))
}
