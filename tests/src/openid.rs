//! An organization's OpenID provider: a certified one, in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::TestApp;
use crate::actors::Tenant;
use crate::browser::{Browser, Page};

/// Its name for this server.
pub const CLIENT: &str = "pomarium";
/// The secret that it gave.
pub const SECRET: &str = "correct horse: battery & staple";

/// A provider with two people, `jo` and `eve`. It ends with this value.
#[derive(Debug)]
pub struct OpenidProvider {
    process: Child,
    /// Its name for itself, and its address.
    pub issuer: String,
}

impl OpenidProvider {
    /// A provider that lets a tenant's people in, by the server's clock.
    ///
    /// # Panics
    /// When Node.js or the package is missing: `make setup` installs both.
    pub async fn start(app: &TestApp, tenant: &Tenant) -> Self {
        let shown = tenant.get("sign-in").await.expect(200).json;
        let redirect_uri = shown["redirect_uri"].as_str().expect("it is shown");
        let mut process = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/browser/openid.mjs"))
            .arg(redirect_uri)
            .arg(app.clock.now().as_second().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node.js is installed");
        let mut said = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut issuer = String::new();
        said.read_line(&mut issuer).expect("it says where it is");
        assert!(issuer.starts_with("http"), "the provider did not start; `make setup` installs it");
        Self { process, issuer: issuer.trim().to_owned() }
    }

    /// The setting that leads to it.
    pub fn setting(&self) -> Value {
        json!({"issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET})
    }

    /// Changes it: see the script.
    pub async fn change(&self, what: &str) {
        let url = format!("{}/test/{what}", self.issuer);
        let answer = reqwest::Client::new().post(url).send().await.expect("the provider answers");
        assert!(answer.status().is_success());
    }

    /// Goes from a page of the tenant's console to the provider, and stops at its form.
    pub async fn visit(&self, browser: &mut Browser, tenant: &Tenant, next: &str) -> Page {
        let door = format!("/console/{}/sign-in", tenant.id);
        browser.open(&door).await.expect(200);
        let page = browser.submit(&door, &[("next", next)]).await.expect(200);
        page.says("Who are you?");
        page
    }

    /// Goes there, says a name, and comes back.
    pub async fn sign_in(&self, browser: &mut Browser, tenant: &Tenant, name: &str) -> Page {
        let form = self.visit(browser, tenant, "").await;
        browser.submit(&form.place, &[("name", name)]).await
    }
}

impl Drop for OpenidProvider {
    fn drop(&mut self) {
        // It ends by itself when nobody holds its input any more; this waits for it.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
