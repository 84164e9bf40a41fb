//! The Lambda function `checkin`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::http::serve(checkin::router()).await
}
