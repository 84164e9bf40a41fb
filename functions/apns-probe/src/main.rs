//! The Lambda function `apns-probe`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run(|state, _: serde_json::Value| apns_probe::handle(state)).await
}
