//! The Lambda function `enroll`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::http::serve(enroll::router()).await
}
