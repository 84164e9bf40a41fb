//! A device's life: it enrolls, wakes, works and answers.

use plist::Dictionary;
use shared::protocol::report::Status;
use tokio::task::JoinHandle;

use super::error::{DeviceError, Result};
use super::wire::{Command, Url};
use super::{ProfileService, Reply, ServedProfile, SimDevice, wire};
use crate::apns::ApnsSimulator;

/// A command that the device dealt with.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The command's identifier.
    pub uuid: String,
    /// What was asked.
    pub request_type: String,
    /// What the device said.
    pub status: Status,
}

impl SimDevice {
    /// Opens an enrollment link and installs the profile, with all that follows.
    ///
    /// # Errors
    /// At the first step that fails.
    pub async fn enroll(&mut self, link: &str, apns: &ApnsSimulator) -> Result<()> {
        self.open_link(link).await?;
        self.obtain_identity().await?;
        self.authenticate().await?;
        self.listen(apns)?;
        let unlock_token = self.unlock_token.clone();
        self.token_update(Some(&unlock_token)).await
    }

    /// Downloads and reads the profile behind a link, in phases where it asks for that.
    ///
    /// # Errors
    /// When there is none.
    pub async fn open_link(&mut self, link: &str) -> Result<()> {
        let answer = wire::send(self.wire.http.get(link), link).await?.accepted("the enrollment link")?;
        self.profile = Some(match ProfileService::read(&answer.body)? {
            Some(service) => self.answer_service(&service).await?,
            None => ServedProfile::read(&answer.body)?,
        });
        Ok(())
    }

    /// Replies like this to the next command of this type that no earlier call covers.
    pub fn will_answer(&mut self, request_type: &str, reply: Reply) {
        self.script.add(request_type, reply);
    }

    /// Asks for work.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn idle(&self) -> Result<Option<Command>> {
        self.poll(Status::Idle, None, Dictionary::new()).await
    }

    /// Reports on a command and gets the next.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn report(&self, uuid: &str, reply: Reply) -> Result<Option<Command>> {
        let (status, keys) = reply.into_report();
        self.poll(status, Some(uuid), keys).await
    }

    /// Polls with any status, UUID and further keys.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn poll(
        &self,
        status: Status,
        uuid: Option<&str>,
        keys: Dictionary,
    ) -> Result<Option<Command>> {
        let answer = self.send(Url::Server, &self.poll_message(status, uuid, keys)).await?;
        answer.accepted("a poll")?.command()
    }

    /// A poll, unsent.
    pub fn poll_message(&self, status: Status, uuid: Option<&str>, keys: Dictionary) -> Dictionary {
        let mut message = self.introduction();
        message.insert("Status".to_owned(), word(status).into());
        if let Some(uuid) = uuid {
            message.insert("CommandUUID".to_owned(), uuid.into());
        }
        message.extend(keys);
        message
    }

    /// Asks for work and does it until there is none left; returns what it did.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn answer_all(&mut self) -> Result<Vec<Answered>> {
        let mut done = Vec::new();
        let mut next = self.idle().await?;
        while let Some(command) = next {
            let (status, keys) = self.reply_to(&command).await?.into_report();
            next = self.poll(status, Some(&command.uuid), keys).await?;
            done.push(Answered { uuid: command.uuid, request_type: command.request_type, status });
        }
        Ok(done)
    }

    async fn reply_to(&mut self, command: &Command) -> Result<Reply> {
        if let Some(reply) = self.script.take(&command.request_type) {
            return Ok(reply);
        }
        match self.enrollment_profile(command) {
            Some(profile) => Ok(self.refresh(profile).await),
            None => self.usual_reply(command),
        }
    }

    /// Lives by itself: waits for pushes and does what it is asked, until it is unenrolled, or the push
    /// service is gone or knows it no more.
    pub fn live(mut self) -> JoinHandle<()> {
        tokio::spawn(async move {
            while self.wait_for_push().await {
                let device = self.id();
                match self.answer_all().await {
                    Err(DeviceError::Unenrolled { .. }) => {
                        tracing::info!(device, "a simulated device removes its enrollment");
                        // One attempt, as devices do.
                        drop(self.check_out().await);
                        return;
                    }
                    Ok(done) => tracing::info!(device, commands = done.len(), "a simulated device was woken"),
                    Err(error) => tracing::warn!(device, %error, "a simulated device got no further"),
                }
            }
        })
    }
}

/// Apple's word.
fn word(status: Status) -> &'static str {
    match status {
        Status::Idle => "Idle",
        Status::Acknowledged => "Acknowledged",
        Status::Error => "Error",
        Status::CommandFormatError => "CommandFormatError",
        Status::NotNow => "NotNow",
    }
}
