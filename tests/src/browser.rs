//! A person at a browser without JavaScript: it keeps cookies, follows redirects, and sends the forms that pages hold.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, header};

use crate::app::TestApp;

/// A browser of its own, with its own cookies.
#[derive(Debug)]
pub struct Browser {
    http: Client,
    base: String,
    cookies: BTreeMap<String, String>,
    /// The hidden field of the last page that had one.
    form_token: String,
}

/// A page as the browser shows it.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// Its path after all redirects.
    pub place: String,
    /// Its HTML, or a file's text.
    pub text: String,
    /// Its headers.
    pub headers: header::HeaderMap,
}

impl Page {
    /// The page, once it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.place, self.text);
        self
    }

    /// Whether the page says this.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        let plain =
            self.text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let flat = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{} does not say {words:?}: {}", self.place, self.text);
        self
    }

    /// Checks that the page does not say this.
    #[track_caller]
    pub fn is_silent_about(&self, words: &str) -> &Self {
        assert!(!self.text.contains(words), "{} says {words:?}", self.place);
        self
    }

    /// What stands between two marks, first found.
    pub fn between(&self, before: &str, after: &str) -> Option<String> {
        let (_, rest) = self.text.split_once(before)?;
        rest.split_once(after).map(|(found, _)| found.to_owned())
    }
}

impl Browser {
    /// A browser that was never here.
    pub fn new(app: &TestApp) -> Self {
        Self::at(app.runner.base_url())
    }

    /// A browser that was never at this server.
    pub fn at(base: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { http, base: base.to_owned(), cookies: BTreeMap::new(), form_token: String::new() }
    }

    /// Opens a page.
    pub async fn open(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path);
        self.load(request, path).await
    }

    /// Sends a form of this session to `action`.
    pub async fn submit(&mut self, action: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.form_token.clone();
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        self.submit_raw(action, &all, &[]).await
    }

    /// Sends exactly these fields and headers.
    pub async fn submit_raw(
        &mut self,
        action: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let body = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect::<Vec<_>>()
            .join("&");
        let mut request = self
            .request(Method::POST, action)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.load(request, action).await
    }

    /// Sends a form with files, as a browser does; each is a field's name, a file's name and its content.
    pub async fn upload(
        &mut self,
        action: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Page {
        const LINE: &str = "----line";
        let mut body = Vec::new();
        let token = self.form_token.clone();
        for (name, value) in [("form_token", token.as_str())].iter().chain(fields) {
            let head =
                format!("--{LINE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        for (name, file, content) in files {
            let head = format!(
                "--{LINE}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{LINE}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={LINE}");
        let request = self.request(Method::POST, action).header(header::CONTENT_TYPE, kind).body(body);
        self.load(request, action).await
    }

    /// Signs in with the code that comes by mail.
    pub async fn sign_in(&mut self, app: &TestApp, address: &str) -> Page {
        self.open("/console/sign-in").await.expect(200);
        self.submit("/console/sign-in", &[("address", address), ("next", "")]).await.expect(200);
        let code = code_for(app, address).expect("a code was mailed");
        self.submit("/console/sign-in/code", &[("code", &code), ("next", "")]).await
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Puts a cookie into the browser, as an attacker may.
    pub fn place_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let request = self.http.request(method, format!("{}{path}", self.base));
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) }
    }

    async fn load(&mut self, request: RequestBuilder, path: &str) -> Page {
        let mut answer = request.send().await.expect("the server answers");
        let mut place = path.to_owned();
        loop {
            self.take_cookies(answer.headers());
            if !answer.status().is_redirection() {
                break;
            }
            answer.headers()[header::LOCATION].to_str().expect("a path").clone_into(&mut place);
            answer = self.request(Method::GET, &place).send().await.expect("the server answers");
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned();
        let page = Page { status, place, text, headers };
        if let Some(token) = page.between("name=\"form_token\" value=\"", "\"") {
            self.form_token = token;
        }
        page
    }

    fn take_cookies(&mut self, headers: &header::HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().expect("a cookie");
            let (name, rest) = text.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The newest code that was mailed to an address.
pub fn code_for(app: &TestApp, address: &str) -> Option<String> {
    let mails = app.runner.aws.mailbox().list().expect("a mailbox");
    mails.into_iter().rev().find_map(|sent| {
        let code = sent.mail.subject.strip_prefix("Your code to sign in: ").map(str::to_owned);
        code.filter(|_| sent.mail.to == address)
    })
}

fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
