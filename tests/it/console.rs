//! The console, as people use it: pages and forms, in a browser without JavaScript.

mod commands;
mod dead_letters;
mod devices;
mod enrollment;
mod expirations;
mod forms;
mod groups;
mod help_desk;
mod home;
mod members;
mod openid;
mod operator;
mod push_certificate;
mod settings;
mod sign_in;
mod silence;
mod support;

use pomarium_tests::{Browser, Tenant, TestApp};

/// A browser in which a new administrator of the tenant has signed in.
pub(crate) async fn administrator(app: &TestApp, tenant: &Tenant, address: &str) -> Browser {
    signed_in(app, tenant, address, "admin").await
}

/// A browser in which a new viewer of the tenant has signed in.
pub(crate) async fn viewer(app: &TestApp, tenant: &Tenant, address: &str) -> Browser {
    signed_in(app, tenant, address, "viewer").await
}

async fn signed_in(app: &TestApp, tenant: &Tenant, address: &str, role: &str) -> Browser {
    tenant.let_in(address, role).await.expect(200);
    let mut browser = Browser::new(app);
    browser.sign_in(app, address).await.expect(200);
    browser
}
