//! The Lambda function `command`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::http::serve(command::router()).await
}
