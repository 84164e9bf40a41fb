//! A command to many devices, done a page at a time: what is written down of its progress.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::targets::Targets;
use crate::id::{CommandUuid, EnrollmentId, TenantId};
use crate::time::{SignedDuration, Timestamp};

/// Failures that are kept by name; beyond, they are only counted.
const KEPT_FAILURES: usize = 20;
/// How long a job may stand still before a sweep reminds of it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// Longer than a page takes: the function's time is over before.
const PAGE_UNDER_WAY: SignedDuration = SignedDuration::from_secs(90);
/// After so long without a page a job is given up: what it queued at first could be forgotten soon, and queued again.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(24 * 20);
/// Devices that are to wake in a second, at most.
const A_SECOND: u64 = 10;
/// Over how many seconds wake-ups are spread at most: SQS's longest delay.
const LONGEST_SPREAD: u16 = 900;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// A second administrator must approve it.
    AwaitsApproval,
    /// Its pages are being done.
    Running,
    /// Every target was looked at.
    Done,
    /// An administrator stopped it; what was queued before stays queued.
    Cancelled,
    /// The command's time was over before every target was looked at, or it stood still for weeks.
    Expired,
    /// An administrator takes the command back: what it was queued on is looked at once more, page by page.
    Withdrawing,
    /// It was taken back wherever it still waited.
    Withdrawn,
}

impl JobState {
    /// Whether nothing more happens.
    pub fn is_over(self) -> bool {
        match self {
            Self::AwaitsApproval | Self::Running | Self::Withdrawing => false,
            Self::Done | Self::Cancelled | Self::Expired | Self::Withdrawn => true,
        }
    }

    /// Whether an administrator stopped it or took its command back.
    pub fn is_taken_back(self) -> bool {
        match self {
            Self::Cancelled | Self::Withdrawing | Self::Withdrawn => true,
            Self::AwaitsApproval | Self::Running | Self::Done | Self::Expired => false,
        }
    }
}

/// A command to many devices, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandJob {
    /// The command's UUID, the same on every target.
    pub uuid: CommandUuid,
    /// Apple's RequestType.
    pub request_type: String,
    /// Whom it is for.
    pub targets: Targets,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: JobState,
    /// Pages done: each is written down once, whoever does it again.
    pub step: u64,
    /// The mark of the last page done; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What came of the pages so far.
    pub tally: JobTally,
    /// When it last came a page further.
    pub moved_at: Timestamp,
    /// When its record is over, in unix seconds; none while the job is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// What came of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTally {
    /// Enrollments that were looked at.
    pub looked_at: u64,
    /// Those the command is for.
    pub found: u64,
    /// Those it was queued on.
    pub queued: u64,
    /// Those it was not queued on, by reason.
    #[serde(default)]
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Those on which queueing failed.
    pub failed: u64,
    /// Some of the failed.
    #[serde(default)]
    pub failures: Vec<JobFailure>,
    /// Those on which it was taken back.
    #[serde(default)]
    pub withdrawn: u64,
    /// Those that had answered it before it could be taken back.
    #[serde(default)]
    pub delivered: u64,
}

/// Why a command was not queued on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// There is no such enrollment.
    Unknown,
    /// It is not enrolled (any more).
    NotEnrolled,
    /// No usable push certificate reaches it.
    PushCertificate,
    /// It deposited no token to clear its passcode with.
    UnlockToken,
}

/// A target on which queueing failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// The target.
    pub enrollment: EnrollmentId,
    /// The error's code.
    pub code: String,
}

impl JobTally {
    /// Counts a target as left out.
    pub fn skip(&mut self, reason: SkipReason) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    /// Counts a target as failed.
    pub fn fail(&mut self, enrollment: EnrollmentId, code: &str) {
        self.failed += 1;
        if self.failures.len() < KEPT_FAILURES {
            self.failures.push(JobFailure { enrollment, code: code.to_owned() });
        }
    }
}

impl CommandJob {
    /// Whether a reminder of a sweep has a reason: a page under way has its own message.
    pub fn is_stalled(&self, now: Timestamp) -> bool {
        let moves = matches!(self.state, JobState::Running | JobState::Withdrawing);
        moves && now.duration_since(self.moved_at) >= PATIENCE
    }

    /// How many seconds its withdrawal still waits for a page that may be under way.
    pub fn withdrawal_waits(&self, now: Timestamp) -> u16 {
        let first = self.state == JobState::Withdrawing && self.after.is_none();
        let left = PAGE_UNDER_WAY - now.duration_since(self.moved_at);
        if first { u16::try_from(left.as_secs()).unwrap_or_default() } else { 0 }
    }

    /// Whether it stands still for so long that it goes on no more.
    pub fn is_given_up(&self, now: Timestamp) -> bool {
        self.state == JobState::Running && now.duration_since(self.moved_at) >= GIVEN_UP
    }

    /// Over how many seconds the devices found so far are to wake: so many answer at the same time, and no more.
    pub fn spread(&self) -> u16 {
        u16::try_from(self.tally.found / A_SECOND).unwrap_or(LONGEST_SPREAD).min(LONGEST_SPREAD)
    }
}

/// A message on the queue of jobs: do the next page of this job. It may be lost, repeated or late: which page that is
/// stands in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHint {
    /// Whose job it is.
    pub tenant: TenantId,
    /// Its command.
    pub command: CommandUuid,
    /// Set in a sweep's reminder, which does nothing unless the job stands still.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_stalled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(found: u64) -> CommandJob {
        CommandJob {
            uuid: uuid::Uuid::from_u128(7).into(),
            request_type: "DeviceLock".into(),
            targets: Targets::All,
            created_at: Timestamp::UNIX_EPOCH,
            state: JobState::Running,
            step: 0,
            after: None,
            tally: JobTally { found, ..JobTally::default() },
            moved_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        }
    }

    #[test]
    fn the_more_devices_the_longer_they_have_to_wake() {
        let spreads = [0, 100, 5_000, 10_000, 1_000_000].map(|found| job(found).spread());
        assert_eq!(spreads, [0, 10, 500, 900, 900]);
    }

    #[test]
    fn a_reminder_is_for_jobs_that_stand_still() {
        let later = |seconds| crate::time::from_unix(seconds);
        assert!(!job(0).is_stalled(later(899)));
        assert!(job(0).is_stalled(later(900)));
        assert!(CommandJob { state: JobState::Withdrawing, ..job(0) }.is_stalled(later(900)));
        for state in [JobState::AwaitsApproval, JobState::Done, JobState::Cancelled, JobState::Withdrawn] {
            assert!(!CommandJob { state, ..job(0) }.is_stalled(later(900)), "{state:?}");
        }
    }

    #[test]
    fn a_withdrawal_begins_behind_the_page_that_is_under_way() {
        let job = CommandJob { state: JobState::Withdrawing, ..job(0) };
        assert_eq!(
            [0, 89, 90, 500].map(|now| job.withdrawal_waits(crate::time::from_unix(now))),
            [90, 1, 0, 0]
        );
        assert_eq!(
            CommandJob { after: Some("100".into()), ..job }.withdrawal_waits(Timestamp::UNIX_EPOCH),
            0
        );
    }

    #[test]
    fn a_job_that_stood_still_for_weeks_is_given_up() {
        let day = |days: i64| crate::time::from_unix(days * crate::time::DAY);
        assert_eq!([19, 20].map(|days| job(0).is_given_up(day(days))), [false, true]);
        assert!(!CommandJob { state: JobState::AwaitsApproval, ..job(0) }.is_given_up(day(20)));
    }

    #[test]
    fn failures_are_counted_without_end_and_kept_up_to_a_number() {
        let mut tally = JobTally::default();
        for number in 0..30 {
            tally.fail(EnrollmentId::device(&format!("D-{number}")).unwrap(), "enrollment-changed");
        }
        assert_eq!((tally.failed, tally.failures.len()), (30, KEPT_FAILURES));
    }
}
