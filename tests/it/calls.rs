//! Every call of the API, from the description that the routers give of themselves: a new route cannot be forgotten.

use pomarium_local::runner::{PUBLIC_ROUTE, openapi};
use reqwest::Method;

/// One call of the API or one route of the devices.
pub(crate) struct Call {
    pub(crate) method: Method,
    path: String,
    pub(crate) takes_body: bool,
    pub(crate) takes_query: bool,
}

impl Call {
    /// Whether it acts in one tenant.
    pub(crate) fn is_a_tenants(&self) -> bool {
        self.path.contains("{tenant}")
    }

    /// Whether it changes anything.
    pub(crate) fn changes(&self) -> bool {
        self.method != Method::GET
    }

    /// The path with this tenant, and with names that nothing has.
    pub(crate) fn path(&self, tenant: &str) -> String {
        let filled = filled(&self.path, tenant);
        // The one call that wants a query.
        if filled.ends_with("/access") { filled + "?udid=D-1" } else { filled }
    }

    /// Whether the other is at the same address.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.path == other.path
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A route's path with this tenant, and with names that nothing has.
pub(crate) fn filled(route: &str, tenant: &str) -> String {
    let filled = route
        .replace("{tenant}", tenant)
        .replace("{token}", "aaaaaaaaaaaaaaaa")
        .replace("{command}", "00000000-0000-4000-8000-000000000000")
        .replace("{enrollment}", "D-1")
        .replace("{authority}", "aaaaaaaaaaaaaaaa")
        .replace("{section}", "apps")
        .replace("{address}", "kim@green-school.example")
        .replace("{webhook}", "aaaaaaaaaaaaaaaa")
        .replace("{queue}", "wake")
        .replace("{event}", "aaaaaaaaaaaaaaaa")
        .replace("{group}", "aaaaaaaaaaaaaaaa")
        .replace("{link}", "aaaaaaaaaaaaaaaa")
        .replace("{credential}", "api-token.aaaaaaaaaaaaaaaa")
        .replace("{fingerprint}", &"0".repeat(64))
        .replace("{device}", "D-1")
        .replace("{*page}", "nothing")
        .replace("{name}", "nothing")
        .replace("{what}", "nothing");
    assert!(!filled.contains('{'), "say here what stands in {filled}");
    filled
}

fn calls(prefix: &str) -> Vec<Call> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let parameters = call["parameters"].as_array().into_iter().flatten();
            calls.push(Call {
                method,
                path: path.clone(),
                takes_body: call["requestBody"].is_object(),
                takes_query: parameters.into_iter().any(|parameter| parameter["in"] == "query"),
            });
        }
    }
    calls.retain(|call| call.path.starts_with(prefix) && call.path != PUBLIC_ROUTE);
    calls
}

/// Every call that needs a token.
pub(crate) fn api() -> Vec<Call> {
    let calls = calls("/v1/");
    assert!(calls.len() > 25, "only {} calls were found", calls.len());
    calls
}

/// Every route that the description knows, whoever calls it.
pub(crate) fn all() -> Vec<Call> {
    calls("/")
}

/// Every route that an enrolled device calls.
pub(crate) fn device() -> Vec<Call> {
    let calls = calls("/mdm/");
    assert_eq!(calls.len(), 6);
    calls
}
