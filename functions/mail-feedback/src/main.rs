//! The Lambda function `mail-feedback`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    shared::lambda::run(mail_feedback::handle).await
}
