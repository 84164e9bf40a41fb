//! Another installation in the same world: Apple is the same, AWS is not.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use pomarium_local::device::SimDevice;
use pomarium_local::runner::{Data, QueueFunction, SECRET_PREFIX, deliver_all, function_routes};
use pomarium_move::{Names, Places};
use pomarium_tests::{Api, Tenant, TestApp};
use shared::port::random::Random;
use shared::secret::Secret;
use shared::service::create_token::create_operator_token;
use shared::state::AppState;
use tempfile::TempDir;

use crate::aws_proxy::{listen, serve};

/// Another installation.
pub(crate) struct Elsewhere {
    pub(crate) data: Data,
    pub(crate) state: AppState,
    pub(crate) address: String,
    operator: Option<Secret<String>>,
    _directory: TempDir,
}

/// The installation of the test.
pub(crate) fn here(app: &TestApp) -> Places {
    places(app, &app.runner.aws.sdk_config())
}

/// An installation that is reached so.
pub(crate) fn places(app: &TestApp, aws: &SdkConfig) -> Places {
    Places::new(aws, Names::local(), app.clock.clone(), Random::system())
}

impl Elsewhere {
    pub(crate) async fn start(app: &TestApp) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = Data::open(directory.path(), app.clock.clone()).await.expect("it is empty");
        let config = data.settings(&app.runner.state.config);
        let state = app.another_process(config, data.aws.sdk_config(), Random::system());
        let (listener, address) = listen().await;
        serve(listener, shared::http::app(function_routes(), state.clone()));
        Self { data, state, address, operator: None, _directory: directory }
    }

    pub(crate) fn places(&self, app: &TestApp) -> Places {
        places(app, &self.data.aws.sdk_config())
    }

    /// A tenant, as it is reached there with the same token.
    pub(crate) fn tenant(&self, tenant: &Tenant) -> Tenant {
        Tenant::new(tenant.id.clone(), Api::new(&self.address, Some(tenant.token())))
    }

    /// Whoever runs it.
    pub(crate) fn operator(&self) -> Api {
        let token = self.operator.as_ref().expect("asked for before");
        Api::new(&self.address, Some(token.expose()))
    }

    pub(crate) async fn deliver_hints(&self) -> usize {
        let queues = self.data.aws.queues();
        deliver_all(QueueFunction::Push, &self.state, queues).await.expect("the hints are delivered")
    }

    /// The place of every item; then there is an operator, too.
    pub(crate) async fn everything(&mut self) -> Vec<String> {
        let client = aws_sdk_dynamodb::Client::new(&self.data.aws.sdk_config());
        let mut found = Vec::new();
        for table in ["core", "pki", "ephemeral"] {
            let mut pages = client.scan().table_name(table).into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.unwrap();
                let part = |name: &str| item[name].as_s().unwrap().clone();
                found.push(format!("{table} {} {}", part("pk"), part("sk")));
            }
        }
        self.operator = Some(create_operator_token(&self.state, "test").await.unwrap());
        found
    }
}

/// The name in a device's profile leads elsewhere from now on.
pub(crate) fn leads(device: &mut SimDevice, from: &str, to: &str) {
    let mut profile = device.profile().expect("it has one").clone();
    profile.server_url = profile.server_url.replace(from, to);
    profile.check_in_url = profile.check_in_url.replace(from, to);
    device.set_profile(profile);
}

/// A tenant's secrets by their names.
pub(crate) async fn secrets(aws: &SdkConfig, tenant: &str) -> BTreeMap<String, Vec<u8>> {
    let client = aws_sdk_secretsmanager::Client::new(aws);
    let mut found = BTreeMap::new();
    let mut pages = client.list_secrets().into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        names.extend(
            page.unwrap().secret_list.unwrap_or_default().into_iter().filter_map(|listed| listed.name),
        );
    }
    for name in names {
        if name.starts_with(&format!("{SECRET_PREFIX}/{tenant}/")) {
            let value = client.get_secret_value().secret_id(&name).send().await.unwrap();
            found.insert(name, value.secret_binary.unwrap().into_inner());
        }
    }
    found
}
