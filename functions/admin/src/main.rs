//! The Lambda function `admin`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::http::serve(admin::router()).await
}
