//! The Lambda function `certificate`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::http::serve(certificate::router()).await
}
