//! The Lambda function `inactivity-sweeper`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run(inactivity_sweeper::handle).await
}
