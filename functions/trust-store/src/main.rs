//! The Lambda function `trust-store`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run(|state, _: serde_json::Value| trust_store::handle(state)).await
}
