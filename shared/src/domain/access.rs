//! Whether a device may use the tenant's own services, such as mail or files. They ask; the server only answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::enrollment::{Enrollment, EnrollmentState};

/// Why a device may, or may not, use the tenant's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessReason {
    /// It is enrolled.
    Enrolled,
    /// It is not enrolled, and the tenant lets such devices in.
    NotEnrolledAllowed,
    /// It is not enrolled.
    NotEnrolled,
    /// It has been silent for too long and has not answered yet.
    Inactive,
    /// It was silent for too long. It has answered since, but an administrator has not let it back.
    Locked,
    /// Its enrollment ended.
    Removed,
}

impl AccessReason {
    /// Judges a device by its record. `lets_unenrolled_in` is the tenant's switch; it opens nothing to a device that is
    /// removed, inactive or locked.
    pub fn of(device: Option<&Enrollment>, lets_unenrolled_in: bool) -> Self {
        let without = if lets_unenrolled_in { Self::NotEnrolledAllowed } else { Self::NotEnrolled };
        let Some(device) = device else { return without };
        match device.state {
            EnrollmentState::Unenrolling | EnrollmentState::Removed => Self::Removed,
            EnrollmentState::Inactive => Self::Inactive,
            EnrollmentState::Authenticated | EnrollmentState::Enrolled if device.locked_at.is_some() => {
                Self::Locked
            }
            EnrollmentState::Authenticated => without,
            EnrollmentState::Enrolled => Self::Enrolled,
        }
    }

    /// Whether it may.
    pub fn allows(self) -> bool {
        match self {
            Self::Enrolled | Self::NotEnrolledAllowed => true,
            Self::NotEnrolled | Self::Inactive | Self::Locked | Self::Removed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enrollment::fixture;
    use crate::time::from_unix;

    #[test]
    fn the_switch_lets_in_only_who_was_never_shut_out() {
        let device = |state, locked: bool| Enrollment {
            state,
            locked_at: locked.then(|| from_unix(1)),
            ..fixture("D-1", from_unix(0))
        };
        use AccessReason as Why;
        use EnrollmentState as State;
        for (device, off, on) in [
            (None, Why::NotEnrolled, Why::NotEnrolledAllowed),
            (Some(device(State::Authenticated, false)), Why::NotEnrolled, Why::NotEnrolledAllowed),
            (Some(device(State::Authenticated, true)), Why::Locked, Why::Locked),
            (Some(device(State::Enrolled, false)), Why::Enrolled, Why::Enrolled),
            (Some(device(State::Enrolled, true)), Why::Locked, Why::Locked),
            (Some(device(State::Inactive, true)), Why::Inactive, Why::Inactive),
            (Some(device(State::Inactive, false)), Why::Inactive, Why::Inactive),
            (Some(device(State::Removed, false)), Why::Removed, Why::Removed),
            (Some(device(State::Unenrolling, false)), Why::Removed, Why::Removed),
        ] {
            let judged = |switch| AccessReason::of(device.as_ref(), switch);
            assert_eq!((judged(false), judged(true)), (off, on), "{device:?}");
        }
        let allowed = [
            Why::Enrolled,
            Why::NotEnrolledAllowed,
            Why::NotEnrolled,
            Why::Inactive,
            Why::Locked,
            Why::Removed,
        ];
        assert_eq!(allowed.map(AccessReason::allows), [true, true, false, false, false, false]);
    }
}
