//! Calls of AWS's as the person who deploys makes them.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// The access key that may do everything.
pub(crate) const ROOT: &str = "local";

/// The services at the emulator.
#[derive(Clone)]
pub(crate) struct Aws {
    http: Client,
    url: String,
}

impl Aws {
    pub(crate) fn new(url: &str) -> Self {
        let http = Client::builder().timeout(Duration::from_secs(120)).build().unwrap();
        Self { http, url: url.to_owned() }
    }

    /// The root's key: the emulator looks at no signature of its.
    fn signed(&self, service: &str, request: RequestBuilder) -> RequestBuilder {
        let scope = format!("{ROOT}/20260101/us-east-1/{service}/aws4_request");
        let header = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00");
        request.header("authorization", header)
    }

    async fn sent(&self, service: &str, request: RequestBuilder) -> String {
        let answer = self.signed(service, request).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{service}: {status} {text}");
        text
    }

    /// Puts a file into a bucket; without content, makes the bucket.
    pub(crate) async fn put(&self, path: &str, content: Vec<u8>) {
        self.sent("s3", self.http.put(format!("{}/{path}", self.url)).body(content)).await;
    }

    /// Makes SES take mails from this address.
    pub(crate) async fn verify_sender(&self, address: &str) {
        let request = self.http.post(format!("{}/v2/email/identities", self.url));
        let request = request.header("content-type", "application/json");
        self.sent("ses", request.body(json!({"EmailIdentity": address}).to_string())).await;
    }

    /// A call of CloudFormation's: its answer, in XML.
    pub(crate) async fn cloudformation(&self, action: &str, parameters: &[(String, String)]) -> String {
        let mut form = reqwest::Url::parse("http://form").unwrap();
        form.query_pairs_mut()
            .append_pair("Action", action)
            .append_pair("Version", "2010-05-15")
            .extend_pairs(parameters);
        let request = self.http.post(&self.url).header("content-type", "application/x-www-form-urlencoded");
        self.sent("cloudformation", request.body(form.query().unwrap_or_default().to_owned())).await
    }

    /// A call of a service that speaks JSON.
    pub(crate) async fn json(&self, service: &str, target: &str, body: Value) -> Value {
        let request = self.http.post(&self.url).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.1").body(body.to_string());
        serde_json::from_str(&self.sent(service, request).await).unwrap()
    }

    /// Every line in a function's log.
    pub(crate) async fn log(&self, function: &str) -> Vec<String> {
        let name = format!("/aws/lambda/{function}");
        let mut lines = Vec::new();
        let mut next = Value::Null;
        loop {
            let mut body = json!({"logGroupName": name});
            if next.is_string() {
                body["nextToken"] = next;
            }
            let found = self.json("logs", "Logs_20140328.FilterLogEvents", body).await;
            let events = found["events"].as_array().cloned().unwrap_or_default();
            lines.extend(events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()));
            next = found["nextToken"].clone();
            if !next.is_string() {
                return lines;
            }
        }
    }

    /// What the emulator shows to whoever looks into it.
    pub(crate) async fn inside(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/_ministack/{path}", self.url)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}
