//! HTTP as a device speaks it.

use openssl::x509::X509;
use plist::{Dictionary, Value};
use reqwest::{Method, header};
use shared::protocol::body;

use super::SimDevice;
use super::error::{DeviceError, Result};
use super::message::sign_at;
use super::tls::TlsClient;

/// What a check-in is sent as.
const CHECK_IN_TYPE: &str = "application/x-apple-aspen-mdm-checkin";
/// What a poll is sent as.
const COMMAND_TYPE: &str = "application/x-apple-aspen-mdm";
/// For errors.
const ANSWER: &str = "the server's answer";

/// Which of its two URLs a device calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Url {
    /// `CheckInURL`.
    CheckIn,
    /// `ServerURL`.
    Server,
}

#[derive(Clone)]
pub(super) struct Wire {
    pub(super) http: reqwest::Client,
    /// Whose certificates it accepts from servers.
    pub(super) roots: Vec<X509>,
    pub(super) content_type: bool,
    pub(super) one_url: bool,
}

impl Default for Wire {
    fn default() -> Self {
        Self { http: reqwest::Client::new(), roots: Vec::new(), content_type: true, one_url: false }
    }
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The Content-Type, empty if there is none.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A command the server wants done.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its identifier.
    pub uuid: String,
    /// What is asked.
    pub request_type: String,
    /// The inner dictionary.
    pub keys: Dictionary,
}

impl Response {
    pub(super) async fn read(response: reqwest::Response) -> Result<Self> {
        let (url, status) = (response.url().to_string(), response.status().as_u16());
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let cut = |error: reqwest::Error| DeviceError::Unreachable { url, source: error.into() };
        let body = response.bytes().await.map_err(cut)?;
        Ok(Self { status, content_type, body: body.into() })
    }

    /// The same response, unless its status is another than 200.
    ///
    /// # Errors
    /// The refusal of `what`.
    pub fn accepted(self, what: &str) -> Result<Self> {
        match self.status {
            200 => Ok(self),
            401 => Err(DeviceError::Unenrolled { status: 401, message: None }),
            403 if self.unrecognized().is_some() => {
                Err(DeviceError::Unenrolled { status: 403, message: self.unrecognized() })
            }
            status => Err(DeviceError::Refused { what: what.to_owned(), status }),
        }
    }

    /// The message of Apple's code for a device that is not known. Any other body of a 403 unenrolls nobody.
    fn unrecognized(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let is_code =
            self.content_type == "application/json" && body["code"] == "com.apple.unrecognized.device";
        is_code.then(|| body["message"].as_str().unwrap_or_default().to_owned())
    }

    /// The property list in the body, if there is a body.
    ///
    /// # Errors
    /// When it is something else.
    pub fn dictionary(&self) -> Result<Option<Dictionary>> {
        if self.body.is_empty() {
            return Ok(None);
        }
        let value = body::parse(&self.body).map_err(|source| DeviceError::unreadable(ANSWER, source))?;
        value.into_dictionary().map(Some).ok_or_else(|| DeviceError::unreadable(ANSWER, "not a dictionary"))
    }

    /// The command in the body, if there is one.
    ///
    /// # Errors
    /// When the body is something else.
    pub fn command(&self) -> Result<Option<Command>> {
        let Some(envelope) = self.dictionary()? else { return Ok(None) };
        let text = |keys: &Dictionary, key| keys.get(key).and_then(Value::as_string).map(str::to_owned);
        let keys = envelope.get("Command").and_then(Value::as_dictionary).cloned();
        let command = text(&envelope, "CommandUUID")
            .zip(keys)
            .and_then(|(uuid, keys)| Some(Command { uuid, request_type: text(&keys, "RequestType")?, keys }));
        command.map(Some).ok_or_else(|| DeviceError::unreadable(ANSWER, "not a command"))
    }
}

impl SimDevice {
    /// Sends a message of its own making, signed if the profile wants it, to one of its URLs; any answer is good.
    ///
    /// # Errors
    /// When the device has no identity yet, or nobody answers.
    pub async fn send(&self, url: Url, message: &Dictionary) -> Result<Response> {
        let content_type = match url {
            Url::CheckIn => CHECK_IN_TYPE,
            Url::Server => COMMAND_TYPE,
        };
        let content_type = Some(content_type).filter(|_| self.wire.content_type);
        self.send_as(Method::PUT, &self.url(url)?, content_type, message).await
    }

    /// Sends such a message in an unusual way.
    ///
    /// # Errors
    /// When the device has no identity yet, or nobody answers.
    pub async fn send_as(
        &self,
        method: Method,
        url: &str,
        content_type: Option<&str>,
        message: &Dictionary,
    ) -> Result<Response> {
        let body = body::to_xml(&message.clone().into())
            .map_err(|source| DeviceError::unreadable("the device's own message", source))?;
        if !self.profile()?.sign_messages {
            return self.send_over_tls(method, url, content_type, body).await;
        }
        let signature = sign_at(&body, self.identity()?, self.digest, self.clock.now())?;
        let mut request = self.wire.http.request(method, url).header("Mdm-Signature", signature).body(body);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        send(request, url).await
    }

    /// Sends a message that is not signed: the connection shows the identity.
    async fn send_over_tls(
        &self,
        method: Method,
        url: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Response> {
        let mut request = http::Request::builder().method(method).uri(url);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request
            .body(body.into())
            .map_err(|source| DeviceError::unreadable("the device's own request", source))?;
        TlsClient::new(&self.wire.roots, Some(self.identity()?.clone())).send(request).await
    }

    /// Where it sends messages of this kind.
    ///
    /// # Errors
    /// Before it installed a profile.
    pub fn url(&self, url: Url) -> Result<String> {
        let profile = self.profile()?;
        if self.wire.one_url {
            let both = profile.server_url.rsplit_once('/').map_or(profile.server_url.as_str(), |(up, _)| up);
            return Ok(both.to_owned());
        }
        Ok(match url {
            Url::CheckIn => profile.check_in_url.clone(),
            Url::Server => profile.server_url.clone(),
        })
    }
}

pub(super) async fn send(request: reqwest::RequestBuilder, url: &str) -> Result<Response> {
    let response = request
        .send()
        .await
        .map_err(|error| DeviceError::Unreachable { url: url.to_owned(), source: error.into() })?;
    Response::read(response).await
}
