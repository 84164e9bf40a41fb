//! The Lambda function `expiry-notifier`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run_until(|state, _: serde_json::Value, deadline| {
        expiry_notifier::handle(state, deadline)
    })
    .await
}
