//! The one connection of a certificate: shared by all callers, dialled by one of them at a time.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;

use super::connection::Connection;
use super::failure::Failure;
use super::pacing::Pacing;
use super::{ApnsEndpoint, PushIdentity};

/// Holds a certificate's connection, or the time before which none may be dialled.
#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    pacing: Pacing,
}

impl Slot {
    /// The living connection, dialled first if need be. Callers queue on the lock while one of them dials; when
    /// that dial fails they all get its failure through the pacing instead of dialling in turn.
    pub(super) async fn connection(
        &self,
        endpoint: &ApnsEndpoint,
        identity: &PushIdentity,
    ) -> Result<Arc<Connection>, Failure> {
        let mut state = self.0.lock().await;
        if let Some(connection) = state.connection.as_ref().filter(|connection| connection.is_open()) {
            return Ok(Arc::clone(connection));
        }
        state.connection = None;
        let wait = state.pacing.wait(Instant::now());
        if !wait.is_zero() {
            let reason = "waiting before the next connection".to_owned();
            return Err(Failure::Unreachable { reason, wait });
        }
        match Connection::dial(endpoint, identity).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                state.connection = Some(Arc::clone(&connection));
                state.pacing.succeeded(Instant::now());
                Ok(connection)
            }
            Err(mut failure) => {
                let now = Instant::now();
                state.pacing.failed(now);
                if let Failure::Unreachable { wait, .. } = &mut failure {
                    *wait = state.pacing.wait(now);
                }
                Err(failure)
            }
        }
    }

    /// Forgets `connection` unless another caller has replaced it already.
    pub(super) async fn discard(&self, connection: &Arc<Connection>) {
        let mut state = self.0.lock().await;
        if state.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            state.connection = None;
        }
    }
}
