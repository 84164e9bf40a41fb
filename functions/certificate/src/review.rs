//! The review of an upload: what it is, beside what is active, and who depends on either.

use serde::Serialize;
use shared::domain::push_certificates::Source;
use shared::error::Result;
use shared::pki::push_certificate::PushCertificate;
use shared::scope::Scope;
use shared::service::review_topics::{TopicDevices, topic_devices};
use shared::service::stage_push_certificate::Review;
use shared::state::State;
use utoipa::ToSchema;

use crate::view::{CertificateView, meaning};

/// What is to be decided about an upload.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewView {
    /// What the upload is, by its Subject UID.
    source: Source,
    /// The same in words.
    meaning: String,
    /// How many enrolled devices stop being manageable if this is activated.
    orphaned_enrollments: u64,
    /// The number that `activate` wants typed back as `confirm_orphaned`; only for a Replacement.
    confirm_orphaned: Option<u64>,
    certificate: CertificateView,
    /// The upload beside the active certificate, field by field.
    comparison: Vec<FieldView>,
    /// The devices on the topic of the upload and on that of the active certificate, where it is another.
    topics: Vec<TopicView>,
}

/// One field of two certificates.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldView {
    name: &'static str,
    /// Of the upload.
    staged: Option<String>,
    /// Of the active certificate.
    active: Option<String>,
    same: bool,
}

/// The devices that listen on one topic.
#[derive(Serialize, ToSchema)]
pub(crate) struct TopicView {
    topic: String,
    /// Whether the active certificate is for it.
    active: bool,
    enrolled: u64,
    seen_within_a_day: u64,
    seen_within_a_week: u64,
    seen_within_a_month: u64,
    /// The three are an estimate: only some of so many devices were looked at.
    estimated: bool,
}

impl TopicView {
    fn new(topic: &str, active: bool, devices: TopicDevices) -> Self {
        let TopicDevices { enrolled, seen_within_a_day, seen_within_a_week, seen_within_a_month, estimated } =
            devices;
        let topic = topic.to_owned();
        Self {
            topic,
            active,
            enrolled,
            seen_within_a_day,
            seen_within_a_week,
            seen_within_a_month,
            estimated,
        }
    }
}

pub(crate) async fn review_view(state: &State, scope: &Scope, review: &Review) -> Result<ReviewView> {
    let staged = &review.staged.certificate;
    let active = review.active.as_ref().map(|active| &active.certificate);
    let mut topics = Vec::new();
    if let Some(active) = active {
        topics.push(TopicView::new(&active.topic, true, topic_devices(state, scope, &active.topic).await?));
    }
    if active.is_none_or(|active| active.topic != staged.topic) {
        topics.push(TopicView::new(&staged.topic, false, topic_devices(state, scope, &staged.topic).await?));
    }
    Ok(ReviewView {
        source: review.source,
        meaning: meaning(review.source, review.orphans),
        orphaned_enrollments: review.orphans,
        confirm_orphaned: (review.source == Source::Replacement).then_some(review.orphans),
        certificate: CertificateView::new(staged, state.clock.now()),
        comparison: compare(staged, active),
        topics,
    })
}

fn compare(staged: &PushCertificate, active: Option<&PushCertificate>) -> Vec<FieldView> {
    type Field = (&'static str, fn(&PushCertificate) -> Option<String>);
    let fields: [Field; 9] = [
        ("topic", |certificate| Some(certificate.topic.clone())),
        ("common_name", |certificate| certificate.common_name.clone()),
        ("email", |certificate| certificate.email.clone()),
        ("country", |certificate| certificate.country.clone()),
        ("issuer", |certificate| Some(certificate.issuer.clone())),
        ("serial_number", |certificate| Some(certificate.serial.clone())),
        ("fingerprint", |certificate| Some(certificate.fingerprint.to_string())),
        ("not_before", |certificate| Some(certificate.not_before.to_string())),
        ("not_after", |certificate| Some(certificate.not_after.to_string())),
    ];
    let side_by_side = fields.into_iter().map(|(name, of)| {
        let (staged, active) = (of(staged), active.and_then(of));
        FieldView { name, same: staged == active, staged, active }
    });
    side_by_side.collect()
}
