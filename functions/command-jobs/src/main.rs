//! The Lambda function `command-jobs`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run(command_jobs::handle).await
}
