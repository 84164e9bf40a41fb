//! A person at a browser without JavaScript: it keeps each site's cookies, follows redirects, and sends the forms that pages hold.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, header};

use crate::app::TestApp;

/// A browser of its own, with its own cookies.
#[derive(Debug)]
pub struct Browser {
    http: Client,
    base: String,
    /// Another name of the server, which it calls itself by.
    alias: Option<String>,
    /// By site; this server's own has no name.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// The hidden field of the last page that had one.
    form_token: String,
    /// It goes no further than here.
    stop: Option<String>,
}

/// A page as the browser shows it.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// Its path after all redirects; on another site the whole address.
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
        Self {
            http,
            base: base.to_owned(),
            alias: None,
            cookies: BTreeMap::new(),
            form_token: String::new(),
            stop: None,
        }
    }

    /// The same browser, for which the server that calls itself `alias` is this one.
    #[must_use]
    pub fn knows(mut self, alias: &str) -> Self {
        self.alias = Some(alias.to_owned());
        self
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

    /// Sends a form elsewhere whose answer leads back here, and stops before: returns the path that begins with `back`.
    pub async fn submit_and_stop(&mut self, action: &str, fields: &[(&str, &str)], back: &str) -> String {
        self.stop = Some(back.to_owned());
        let page = self.submit(action, fields).await;
        self.stop = None;
        assert!(page.place.starts_with(back), "{} does not lead to {back}", page.place);
        page.place
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
        self.cookies.get("")?.get(name).map(String::as_str)
    }

    /// Puts a cookie into the browser, as an attacker may.
    pub fn place_cookie(&mut self, name: &str, value: &str) {
        self.cookies.entry(String::new()).or_default().insert(name.to_owned(), value.to_owned());
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let own = self.cookies.get(&site(path));
        let cookies =
            own.into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let at = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let request = self.http.request(method, at);
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) }
    }

    async fn load(&mut self, request: RequestBuilder, path: &str) -> Page {
        let mut answer = request.send().await.expect("the server answers");
        let mut place = path.to_owned();
        let page = loop {
            self.take_cookies(&place, answer.headers());
            let (status, headers) = (answer.status(), answer.headers().clone());
            let text = String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned();
            let page = Page { status: status.as_u16(), place, text, headers };
            let next = if status.is_redirection() {
                Some(page.headers[header::LOCATION].to_str().expect("a place").to_owned())
            } else {
                page.between("http-equiv=\"refresh\" content=\"0;url=", "\"")
            };
            let Some(next) = next else { break page };
            place = self.local(&page.place, &next.replace("&amp;", "&"));
            if self.stop.as_ref().is_some_and(|stop| place.starts_with(stop)) {
                return Page { place, ..page };
            }
            answer = self.request(Method::GET, &place).send().await.expect("the server answers");
        };
        if let Some(token) = page.between("name=\"form_token\" value=\"", "\"") {
            self.form_token = token;
        }
        page
    }

    /// Where a page at `from` leads: a path of this server, or a whole address elsewhere.
    fn local(&self, from: &str, next: &str) -> String {
        let names = [Some(&self.base), self.alias.as_ref()];
        if let Some(path) = names.into_iter().flatten().find_map(|name| next.strip_prefix(name.as_str())) {
            return path.to_owned();
        }
        if next.starts_with('/') { format!("{}{next}", site(from)) } else { next.to_owned() }
    }

    fn take_cookies(&mut self, place: &str, headers: &header::HeaderMap) {
        let cookies = self.cookies.entry(site(place)).or_default();
        for value in headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().expect("a cookie");
            let (name, rest) = text.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            if value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The site of a page: nothing for this server's own.
fn site(place: &str) -> String {
    if place.starts_with('/') {
        return String::new();
    }
    place.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
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
