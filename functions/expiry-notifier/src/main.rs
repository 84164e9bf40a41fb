//! The Lambda function `expiry-notifier`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run(|state, _: serde_json::Value| expiry_notifier::handle(state)).await
}
