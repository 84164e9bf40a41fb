//! People who call the API, as values.

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

/// Someone who calls the API, with or without a token.
#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
    /// The body as JSON; null when it is something else.
    pub json: Value,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The stable name of the problem, such as `push-certificate-wrong-key`.
    pub fn problem(&self) -> &str {
        self.json["type"].as_str().and_then(|kind| kind.rsplit_once(':')).map_or("", |(_, code)| code)
    }

    /// The same answer, once its status is what it must be.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Api {
    /// Someone at the server `base`.
    pub fn new(base: &str, token: Option<&str>) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), token: token.map(str::to_owned) }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// Any method, with any body.
    pub async fn call(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        send(self.request(method, path).body(body)).await
    }

    /// Any method, with a body that says what it is.
    pub async fn call_with_type(&self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        send(self.request(method, path).header(header::CONTENT_TYPE, kind).body(body)).await
    }

    /// GET as a person's browser does.
    pub async fn browse(&self, path: &str, user_agent: &str) -> Answer {
        let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let request = self.request(Method::GET, path);
        send(request.header(header::ACCEPT, accept).header(header::USER_AGENT, user_agent)).await
    }

    /// A device's message, signed or not.
    pub async fn message(
        &self,
        method: Method,
        path: &str,
        signature: Option<&str>,
        body: Vec<u8>,
    ) -> Answer {
        let mut request = self.request(method, path).body(body);
        if let Some(signature) = signature {
            request = request.header("mdm-signature", signature);
        }
        send(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.expect("the answer is whole").to_vec();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Answer { status, headers, bytes, json }
}

/// A customer with its first admin's token.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The tenant's identifier.
    pub id: String,
    /// Its administrator.
    pub admin: Api,
}

impl Tenant {
    /// A tenant known by its identifier and its administrator.
    pub fn new(id: String, admin: Api) -> Self {
        Self { id, admin }
    }

    /// Its administrator's token.
    pub fn token(&self) -> &str {
        self.admin.token.as_deref().unwrap_or_default()
    }

    /// The path of something of this tenant's.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/tenants/{}/{rest}", self.id)
    }

    /// GET something of this tenant's.
    pub async fn get(&self, rest: &str) -> Answer {
        self.admin.get(&self.path(rest)).await
    }

    /// POST to something of this tenant's.
    pub async fn post(&self, rest: &str, body: Value) -> Answer {
        self.admin.post(&self.path(rest), body).await
    }

    /// Lets somebody sign in to the console, as `admin`, `help-desk` or `viewer`, and mails them so.
    pub async fn let_in(&self, address: &str, role: &str) -> Answer {
        let path = self.path(&format!("members/{address}"));
        self.admin.call(Method::PUT, &path, json!({"role": role}).to_string().into()).await
    }

    /// Makes a push certificate request.
    pub async fn request(&self) -> Answer {
        self.post("push-certificate/request", json!({"subject": subject()})).await.expect(201)
    }

    /// The request's file for Apple's portal.
    pub async fn request_file(&self) -> String {
        self.get("push-certificate/request/file").await.expect(200).text()
    }

    /// Uploads what the portal returned.
    pub async fn stage(&self, pem: &str) -> Answer {
        self.post("push-certificate/staged", json!({"certificate": pem})).await.expect(201)
    }

    /// Activates what was uploaded.
    pub async fn activate(&self, confirmation: Value) -> Answer {
        self.post("push-certificate/activate", confirmation).await.expect(200)
    }

    /// Says who can renew the push certificate.
    pub async fn record_ownership(&self) -> Answer {
        let owner = json!({"apple_account": "push@green.example", "second_factor_holder": "Jo", "note": "Telephone in the safe."});
        let path = self.path("push-certificate/ownership");
        self.admin.call(Method::PUT, &path, owner.to_string().into()).await.expect(200)
    }

    /// Makes the tenant's own identity authority.
    pub async fn create_authority(&self) -> Answer {
        let subject =
            json!({"common_name": "Green School MDM", "organization": "Green School", "country": "DE"});
        self.post("identity-authority", subject).await.expect(201)
    }

    /// Puts a new authority in the place of the one that issues, and returns both identifiers: the former one's, the new one's.
    pub async fn replace_authority(&self) -> (String, String) {
        let listed = self.get("identity-authority").await.expect(200);
        let former = listed.json["authorities"][0]["id"].as_str().unwrap_or_default().to_owned();
        let new = json!({"common_name": "Green School", "organization": "Green School", "replaces": former});
        let made = self.post("identity-authority", new).await.expect(201);
        (former, made.json["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Makes a link that enrolls one device, and returns its URL.
    pub async fn enrollment_link(&self) -> String {
        self.link_with(json!({})).await.1
    }

    /// Makes a link on these terms, and returns its identifier and its URL.
    pub async fn link_with(&self, terms: Value) -> (String, String) {
        let made = self.post("enrollment-links", terms).await.expect(201).json;
        let text = |name: &str| made[name].as_str().expect("text").to_owned();
        (text("id"), text("url"))
    }
}

/// The subject of a push certificate request.
pub fn subject() -> Value {
    json!({
        "common_name": "Green School",
        "organization": "Green School",
        "email": "it@green-school.example",
        "country": "DE",
    })
}
