//! The Lambda function `apns-probe`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run_until(|state, _: serde_json::Value, deadline| apns_probe::handle(state, deadline))
        .await
}
