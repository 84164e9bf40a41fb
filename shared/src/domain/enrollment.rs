//! A channel of a device, from Authenticate to CheckOut.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::dismissal::Dismissal;
use crate::domain::enrollment_settings::DeviceAuthentication;
use crate::domain::identity::DeviceIdentity;
use crate::domain::renewal::Renewal;
use crate::id::{CommandUuid, EnrollmentId, Fingerprint};
use crate::protocol::inventory::Section;
use crate::time::Timestamp;

/// Where an enrollment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EnrollmentState {
    /// Authenticate was received, TokenUpdate not yet: it cannot be woken.
    Authenticated,
    /// TokenUpdate was received: it is managed.
    Enrolled,
    /// It has been silent for as long as the tenant's rule allows: it is managed, and may come back by itself.
    Inactive,
    /// An administrator unenrolled it; it has not been heard since, and so not been told.
    Unenrolling,
    /// CheckOut was received, or an administrator removed it, or it was told that it is unenrolled.
    Removed,
}

impl EnrollmentState {
    /// Whether commands may be queued for an enrollment that stands there.
    pub fn is_managed(self) -> bool {
        matches!(self, Self::Enrolled | Self::Inactive)
    }
}

/// What a device says of itself in Authenticate. Every part is optional except the first three in Apple's schema, and
/// real clients leave even those out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviceFacts {
    /// The name its user gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Such as `iPad`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Such as `iPad`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// Such as `iPad13,1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// The hardware's serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Such as `18.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Such as `22B83`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_version: Option<String>,
    /// Of a cellular device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// Of a cellular device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meid: Option<String>,
    /// Whether it is supervised, once it answered that question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervised: Option<bool>,
    /// Whether it is in User Enrollment: a person's own device.
    #[serde(default)]
    pub user_enrollment: bool,
}

impl DeviceFacts {
    /// Whether it is a Mac, by Apple's names of models.
    pub fn is_mac(&self) -> bool {
        let names = [&self.product_name, &self.model_name, &self.model];
        names.into_iter().flatten().any(|name| name.contains("Mac"))
    }
}

/// Where pushes to an enrollment go: the three always come together, from one TokenUpdate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAddress {
    /// The push certificate's Subject UID that the device listens on.
    pub topic: String,
    /// The device's token for that topic, in hex.
    pub token: String,
    /// The word the device expects in the push.
    pub magic: String,
}

/// Names the topic only: whoever has token and magic, and the tenant's push certificate, can wake the device.
impl fmt::Debug for PushAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushAddress({})", self.topic)
    }
}

/// One channel of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enrollment {
    /// Which channel of which device.
    pub id: EnrollmentId,
    /// Where it stands.
    pub state: EnrollmentState,
    /// Counts the Authenticates: commands queued for an earlier enrollment of the same device are not served.
    pub generation: u64,
    /// The identities this enrollment may sign with: the one of Authenticate, and its renewals.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub certificates: BTreeSet<Fingerprint>,
    /// The one of them it signs with; none until a device that enrolled before this was kept speaks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<DeviceIdentity>,
    /// Whether its profile has it show its identity in TLS, and sign nothing. Its end shuts such a device out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mutual_tls: bool,
    /// Renewed ones that it has not used yet, in the order they were issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renewals: Vec<Fingerprint>,
    /// What was done about the renewal of `identity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Renewal>,
    /// When the device said that it failed to renew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_failed_at: Option<Timestamp>,
    /// Identities of this device that an administrator revoked.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub revoked: BTreeSet<Fingerprint>,
    /// Where pushes go, once TokenUpdate said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<PushAddress>,
    /// TokenUpdates since the last Authenticate; the first one enrolls.
    pub token_update_tally: u64,
    /// Commands of this generation without a final answer.
    pub waiting: u64,
    /// Counts the Idle polls, so that a NotNow is known to belong to the present one.
    pub session: u64,
    /// The names of the groups it is in; an enrollment that begins anew stays in them.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// On a user's channel, what the device calls the user: the full name and the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// When it last said anything, as the server's clock saw it.
    pub last_seen: Timestamp,
    /// When the present enrollment began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolled_at: Option<Timestamp>,
    /// What the device said of itself.
    #[serde(default)]
    pub facts: DeviceFacts,
    /// Whether the device waits in Setup Assistant for DeviceConfigured.
    #[serde(default)]
    pub awaiting_configuration: bool,
    /// The unlock token, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlock_token: Option<Bytes>,
    /// The bootstrap token, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_token: Option<Bytes>,
    /// What came of the last push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_push: Option<PushAttempt>,
    /// When it first polled after the last push, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// Until when pushes rest, because APNs called the address no good. The address is kept: a mistake of ours or of
    /// Apple's, over a whole fleet, must pass by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_rests_until: Option<Timestamp>,
    /// Idle polls since anything was queued, withdrawn or answered: so often in a row was the first command handed out.
    #[serde(default)]
    pub unanswered: u64,
    /// Waiting commands that ask for a part of what there is, so that their answers are no inventory.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub partial: BTreeSet<CommandUuid>,
    /// Since when it is inactive; kept until its return is written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive_since: Option<Timestamp>,
    /// Since when the tenant's services are closed to the device. Only an administrator opens them again: neither an
    /// answer nor a new enrollment does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_at: Option<Timestamp>,
    /// The DeviceLock that is still to be queued because the device became inactive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_lock: Option<CommandUuid>,
    /// When it was last asked a question that the tenant has repeated, by what it is about.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asked: BTreeMap<Section, Timestamp>,
    /// That it is to remove its enrollment; kept after it was told, until it enrolls anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissal: Option<Dismissal>,
}

/// What came of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PushAttempt {
    /// When it was sent.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `accepted` (by APNs: not proof of delivery), or why not.
    pub outcome: String,
}

/// The outcome of a push that APNs took.
const ACCEPTED: &str = "accepted";

impl PushAttempt {
    /// A push that APNs took.
    pub fn accepted(at: Timestamp) -> Self {
        Self { at, outcome: ACCEPTED.to_owned() }
    }

    /// Whether APNs took it.
    pub fn is_accepted(&self) -> bool {
        self.outcome == ACCEPTED
    }
}

/// After so many hand-outs in a row without any answer, a command is set aside, so that those behind it are served.
pub const HAND_OUTS: u64 = 10;

impl Enrollment {
    /// A device of which nothing is known yet but that it begins, with this identity.
    pub fn begun(id: EnrollmentId, generation: u64, signer: Fingerprint, now: Timestamp) -> Self {
        Self {
            id,
            state: EnrollmentState::Authenticated,
            generation,
            certificates: BTreeSet::from([signer]),
            identity: None,
            mutual_tls: false,
            renewals: Vec::new(),
            renewal: None,
            renewal_failed_at: None,
            revoked: BTreeSet::new(),
            push: None,
            token_update_tally: 0,
            waiting: 0,
            session: 0,
            groups: BTreeSet::new(),
            user_name: None,
            last_seen: now,
            enrolled_at: None,
            facts: DeviceFacts::default(),
            awaiting_configuration: false,
            unlock_token: None,
            bootstrap_token: None,
            last_push: None,
            answered_at: None,
            push_rests_until: None,
            unanswered: 0,
            partial: BTreeSet::new(),
            inactive_since: None,
            locked_at: None,
            device_lock: None,
            dismissal: None,
            asked: BTreeMap::new(),
        }
    }

    /// Whether the command at the head of the queue was handed out too often without an answer.
    pub fn is_stuck(&self) -> bool {
        self.unanswered > HAND_OUTS
    }

    /// Where to push to now, if there is a reason and a place to: something waits, it is to be told that it is unenrolled, or
    /// the device `is_asked` whether it is still there.
    pub fn to_be_woken(&self, is_asked: bool, now: Timestamp) -> Option<&PushAddress> {
        let rests = self.push_rests_until.is_some_and(|until| now < until);
        let is_wanted = self.waiting > 0 || self.state == EnrollmentState::Unenrolling || is_asked;
        self.push.as_ref().filter(|_| is_wanted && !rests)
    }

    /// How it proves that its messages are its own.
    pub fn device_authentication(&self) -> DeviceAuthentication {
        if self.mutual_tls { DeviceAuthentication::MutualTls } else { DeviceAuthentication::Signature }
    }

    /// Whether commands may be queued for it.
    pub fn is_managed(&self) -> bool {
        self.state.is_managed()
    }

    /// Whether this identity is a renewed one that it has not used yet.
    pub fn renews_with(&self, signer: Fingerprint) -> bool {
        self.is_managed() && self.renewals.contains(&signer)
    }

    /// Whether it ended.
    pub fn is_over(&self) -> bool {
        self.state == EnrollmentState::Removed
    }

    /// The same channel after its enrollment ended: nothing queued for it is served, no identity may speak for it, and
    /// there is nowhere to push to.
    #[must_use]
    pub fn ended(self) -> Self {
        Self {
            state: EnrollmentState::Removed,
            generation: self.generation + 1,
            certificates: BTreeSet::new(),
            identity: None,
            renewals: Vec::new(),
            renewal: None,
            renewal_failed_at: None,
            push: None,
            token_update_tally: 0,
            waiting: 0,
            enrolled_at: None,
            push_rests_until: None,
            unanswered: 0,
            partial: BTreeSet::new(),
            awaiting_configuration: false,
            unlock_token: None,
            bootstrap_token: None,
            inactive_since: None,
            device_lock: None,
            asked: BTreeMap::new(),
            ..self
        }
    }
}

/// An enrolled device, for the tests of this layer.
#[cfg(test)]
pub(crate) fn fixture(id: &str, seen: Timestamp) -> Enrollment {
    Enrollment {
        state: EnrollmentState::Enrolled,
        certificates: BTreeSet::new(),
        token_update_tally: 1,
        enrolled_at: Some(seen),
        ..Enrollment::begun(id.parse().unwrap(), 1, Fingerprint::of(b"signer"), seen)
    }
}
