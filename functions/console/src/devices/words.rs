//! States in words.

use maud::{Markup, html};
use shared::domain::applicability::Platform;
use shared::domain::command::CommandStatus;
use shared::domain::enrollment::{Enrollment, EnrollmentState};
use shared::protocol::inventory::Section;

/// The systems, as forms name them.
pub(crate) const SYSTEMS: [(&str, Platform); 5] = [
    ("ios", Platform::Ios),
    ("macos", Platform::MacOs),
    ("tvos", Platform::TvOs),
    ("visionos", Platform::VisionOs),
    ("watchos", Platform::WatchOs),
];

/// The states that a listed device can be in, as forms name them.
pub(crate) const STATES: [(&str, EnrollmentState); 3] = [
    ("enrolled", EnrollmentState::Enrolled),
    ("inactive", EnrollmentState::Inactive),
    ("unenrolling", EnrollmentState::Unenrolling),
];

/// What is chosen by its name in a form.
pub(crate) fn chosen<T: Copy>(named: &[(&str, T)], text: &str) -> Option<T> {
    named.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

/// A system with the name that people know.
pub(crate) fn system(platform: Platform) -> &'static str {
    match platform {
        Platform::Ios => "iPhone and iPad",
        Platform::MacOs => "Mac",
        Platform::TvOs => "Apple TV",
        Platform::VisionOs => "Apple Vision",
        Platform::WatchOs => "Apple Watch",
    }
}

/// A state in a word.
pub(crate) fn state(state: EnrollmentState) -> &'static str {
    match state {
        EnrollmentState::Authenticated => "Enrolling",
        EnrollmentState::Enrolled => "Enrolled",
        EnrollmentState::Inactive => "Inactive",
        EnrollmentState::Unenrolling => "Being unenrolled",
        EnrollmentState::Removed => "Removed",
    }
}

/// A device's state, and whether its access is locked, as marks.
pub(crate) fn badges(device: &Enrollment) -> Markup {
    let class = match device.state {
        EnrollmentState::Enrolled => "badge good",
        EnrollmentState::Authenticated | EnrollmentState::Unenrolling => "badge",
        EnrollmentState::Inactive => "badge warn",
        EnrollmentState::Removed => "badge bad",
    };
    html! {
        span class=(class) { (state(device.state)) }
        @if device.locked_at.is_some() { " " span.badge.warn { "Access locked" } }
    }
}

/// What a part of the inventory is about.
pub(crate) fn section_name(section: Section) -> &'static str {
    match section {
        Section::Device => "Hardware and system",
        Section::Apps => "Apps",
        Section::Profiles => "Profiles",
        Section::Certificates => "Certificates",
        Section::Security => "Security",
        Section::ProvisioningProfiles => "Provisioning profiles",
        Section::Restrictions => "Restrictions",
    }
}

/// Where a command stands, in a word.
pub(crate) fn status(status: CommandStatus) -> &'static str {
    match status {
        CommandStatus::Pending => "Waiting",
        CommandStatus::NotNow => "Waiting: not now",
        CommandStatus::Acknowledged => "Done",
        CommandStatus::Error => "Failed",
        CommandStatus::CommandFormatError => "Not understood",
        CommandStatus::Dropped => "Dropped",
        CommandStatus::Cancelled => "Cancelled",
        CommandStatus::Superseded => "Superseded",
        CommandStatus::Expired => "Expired",
        CommandStatus::Stuck => "Set aside",
    }
}
