//! Whether pushes that Apple accepts wake devices: how many of them come back in time, against what was usual before the
//! last activation. APNs answers 200 for a push that no device will act on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::enrollment::Enrollment;
use crate::time::{DAY, Timestamp};

/// A device that comes back within so many seconds was woken by the push.
const IN_TIME: i64 = 600;
/// Pushes older than so many seconds say nothing about now.
const LATELY: i64 = 2 * DAY;
/// Fewer devices than this make no share.
const ENOUGH: u32 = 10;
/// For so many seconds after an activation a fall is put down to it. Later ones are holidays more often than anything else.
const WATCHED: i64 = 14 * DAY;

/// What the last push to a device, accepted by APNs, came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Woken {
    /// When it was sent.
    pub at: Timestamp,
    /// Whether the device came back in time.
    pub in_time: bool,
    /// What the device listens on.
    pub topic: String,
    /// When the device enrolled.
    pub enrolled_at: Option<Timestamp>,
}

impl Woken {
    /// The last push to `enrollment`; none where there was none lately, or where it is too early to judge.
    pub fn of(enrollment: &Enrollment, now: Timestamp) -> Option<Self> {
        let push = enrollment.last_push.as_ref().filter(|push| push.is_accepted())?;
        let age = now.as_second() - push.at.as_second();
        if !(IN_TIME..LATELY).contains(&age) {
            return None;
        }
        let came_back = enrollment.answered_at.map(|answered| answered.as_second() - push.at.as_second());
        Some(Self {
            at: push.at,
            in_time: came_back.is_some_and(|seconds| seconds <= IN_TIME),
            topic: enrollment.push.as_ref()?.topic.clone(),
            enrolled_at: enrollment.enrolled_at,
        })
    }
}

/// How many of the devices that were pushed came back in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// Came back within ten minutes.
    pub in_time: u32,
    /// Were pushed, and APNs accepted it.
    pub pushed: u32,
}

impl Share {
    fn of<'a>(pushes: impl Iterator<Item = &'a Woken>) -> Self {
        pushes.fold(Self { in_time: 0, pushed: 0 }, |sum, push| Self {
            in_time: sum.in_time + u32::from(push.in_time),
            pushed: sum.pushed + 1,
        })
    }

    fn enough(self) -> Option<Self> {
        (self.pushed >= ENOUGH).then_some(self)
    }

    /// Whether it is under half of `usual`.
    fn fell_from(self, usual: Self) -> bool {
        2 * u64::from(self.in_time) * u64::from(usual.pushed)
            < u64::from(usual.in_time) * u64::from(self.pushed)
    }
}

/// The likely cause of a fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Most silent devices listen on the topic of another certificate.
    OtherTopic,
    /// Most silent devices enrolled after the activation.
    EnrolledSince,
    /// It was as usual with this certificate before.
    Network,
    /// Nothing but the certificate changed.
    Activation,
}

/// Pushes are accepted and devices stay silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Since when.
    pub since: Timestamp,
    /// Why, most likely.
    pub cause: Cause,
}

/// The activation that shares are compared across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation<'a> {
    /// The topic of the active certificate.
    pub topic: &'a str,
    /// When it became active.
    pub at: Timestamp,
}

/// What is known of a tenant's pushes and what came of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The activation it is about.
    pub activated_at: Timestamp,
    /// What was usual before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Share>,
    /// What was last as usual since then: the baseline of the next activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Share>,
    /// What the last look found, of the pushes since the activation.
    pub present: Share,
    /// Whether the share fell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Alert>,
    /// When the last look was, in unix seconds.
    pub noted: i64,
}

impl Delivery {
    /// What is known after a look at `pushes`; none where there is nothing to know.
    pub fn after(
        before: Option<&Self>,
        activation: Activation<'_>,
        pushes: &[Woken],
        now: Timestamp,
    ) -> Option<Self> {
        if before.is_none() && pushes.is_empty() {
            return None;
        }
        let same = before.filter(|before| before.activated_at == activation.at);
        let since = || pushes.iter().filter(|push| push.at >= activation.at);
        let present = Share::of(since());
        let baseline = match same {
            Some(same) => same.baseline,
            None => before
                .and_then(|before| before.usual.or(before.baseline))
                .or_else(|| Share::of(pushes.iter().filter(|push| push.at < activation.at)).enough()),
        };
        let alerted = before.and_then(|before| before.alert);
        let watched = now.as_second() - activation.at.as_second() < WATCHED;
        let fell = baseline.zip(present.enough()).map(|(usual, present)| present.fell_from(usual));
        let alert = match fell {
            Some(true) if watched || alerted.is_some() => Some(Alert {
                since: alerted.map_or(now, |alert| alert.since),
                cause: cause(since(), activation, same),
            }),
            Some(_) => None,
            // Nothing was learned: neither a fall nor its end.
            None => alerted,
        };
        let former = same.and_then(|same| same.usual);
        let usual = if alert.is_some() { former } else { present.enough().or(former) };
        let activated_at = activation.at;
        Some(Self { activated_at, baseline, usual, present, alert, noted: now.as_second() })
    }

    /// Whether the share fell since `before`, who has not been told yet.
    pub fn began_to_fall(&self, before: Option<&Self>) -> Option<Alert> {
        self.alert.filter(|_| before.is_none_or(|before| before.alert.is_none()))
    }

    /// What it means, in an administrator's words. `active_since` is when the active certificate became that.
    pub fn meaning(&self, active_since: Timestamp) -> String {
        if let Some(alert) = &self.alert {
            return alert.cause.meaning().to_owned();
        }
        if self.activated_at != active_since {
            return "The certificate was activated after the last look at what pushes came to. The next look is within \
                    three hours."
                .to_owned();
        }
        match (self.baseline, self.present.enough()) {
            (_, None) => format!(
                "Fewer than {ENOUGH} devices were pushed in the last two days: too few to say whether pushes wake them."
            ),
            (None, Some(_)) => {
                "There is nothing to compare with: too few devices were pushed before the activation."
                    .to_owned()
            }
            (Some(_), Some(_)) => {
                "Devices come back after a push as they did before the activation.".to_owned()
            }
        }
    }

    /// What to do about it, if anything.
    pub fn next_step(&self) -> Option<&'static str> {
        self.alert.map(|alert| alert.cause.next_step())
    }
}

fn cause<'a>(
    since: impl Iterator<Item = &'a Woken>,
    activation: Activation<'_>,
    same: Option<&Delivery>,
) -> Cause {
    let silent: Vec<&Woken> = since.filter(|push| !push.in_time).collect();
    let most = |is: &dyn Fn(&Woken) -> bool| 2 * silent.iter().filter(|push| is(push)).count() > silent.len();
    if most(&|push| push.topic != activation.topic) {
        return Cause::OtherTopic;
    }
    if most(&|push| push.enrolled_at.is_some_and(|at| at >= activation.at)) {
        return Cause::EnrolledSince;
    }
    if same.is_some_and(|same| same.usual.is_some()) {
        return Cause::Network;
    }
    Cause::Activation
}

impl Cause {
    /// The cause in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::OtherTopic => {
                "Apple accepts pushes, but far fewer devices come back than before. Most of the silent ones listen on the \
                 topic of an earlier certificate: the active one is a Replacement and was not made by renewing it."
            }
            Self::EnrolledSince => {
                "Apple accepts pushes, but far fewer devices come back than before. Most of the silent ones enrolled after \
                 the activation: their push token or magic word may be that of another enrollment."
            }
            Self::Network => {
                "Apple accepts pushes, but far fewer devices come back than before. With this certificate they did so at \
                 first: most likely they do not reach Apple's push service (port 5223), or are switched off."
            }
            Self::Activation => {
                "Apple accepts pushes, but far fewer devices come back than before, since this certificate was activated. \
                 It was renewed or rolled back, and most likely it is not the one the devices expect."
            }
        }
    }

    /// What to do first.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::OtherTopic => {
                "Roll back, then choose Renew for the earlier certificate's row in Apple's portal; or enroll the devices \
                 again."
            }
            Self::EnrolledSince => "Restart one silent device. If it stays silent, enroll it again.",
            Self::Network => {
                "Try one silent device on another network. If it comes back there, open port 5223 to 17.0.0.0/8."
            }
            Self::Activation => {
                "Compare the certificate with the row in Apple's portal. If you are in doubt, roll back and see whether \
                 devices come back."
            }
        }
    }
}

#[cfg(test)]
mod tests;
