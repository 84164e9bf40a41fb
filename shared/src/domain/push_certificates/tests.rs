use super::*;
use crate::time::{DAY, from_unix};

fn certificate(topic: &str, serial: &str, days: i64) -> PushCertificate {
    PushCertificate::sample(topic, serial, from_unix(days * DAY))
}

fn stage(state: &PushCertificates, certificate: PushCertificate) -> PushCertificates {
    let key = KeyId::from([9; 10]);
    let staged = StagedCertificate { certificate, key, staged_at: from_unix(0) };
    PushCertificates { staged: Some(staged), ..state.clone() }
}

fn activated(state: &PushCertificates, certificate: PushCertificate, now: i64) -> PushCertificates {
    let mut next = stage(state, certificate);
    let (active, installed) = next.activate(from_unix(now), false).unwrap();
    next.installed.retain(|other| other.certificate.fingerprint != installed.certificate.fingerprint);
    next.installed.push(installed);
    next.active = Some(active);
    next.staged = None;
    next
}

#[test]
fn the_subject_uid_decides_what_an_upload_is() {
    let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
    assert_eq!(PushCertificates::default().classify(&certificate("a", "1", 365)).unwrap(), Source::New);
    assert_eq!(first.classify(&certificate("a", "2", 700)).unwrap(), Source::Renewal);
    assert_eq!(first.classify(&certificate("b", "3", 700)).unwrap(), Source::Replacement);
    assert_eq!(first.classify(&certificate("a", "1", 700)).unwrap_err().code(), "push-certificate-same");
    assert_eq!(first.classify(&certificate("a", "2", 365)).unwrap_err().code(), "push-certificate-older");
}

#[test]
fn enrollments_of_a_replaced_topic_keep_their_certificate() {
    let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
    let replaced = activated(&first, certificate("b", "2", 400), 10);
    assert_eq!(replaced.active().unwrap().certificate.topic, "b");
    assert_eq!(replaced.for_topic("a").unwrap().certificate.serial, "1");
    assert!(replaced.for_topic("c").is_none());
}

#[test]
fn rolling_back_a_renewal_pushes_with_the_former_certificate_again() {
    let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
    let mut renewed = activated(&first, certificate("a", "2", 700), 10);
    assert_eq!(renewed.for_topic("a").unwrap().certificate.serial, "2");
    let (active, _) = renewed.roll_back(from_unix(20)).unwrap();
    assert_eq!(active.version, 3);
    renewed.active = Some(active);
    assert_eq!(renewed.for_topic("a").unwrap().certificate.serial, "1");
}

#[test]
fn a_deletion_that_has_begun_stops_everything_but_itself() {
    let mut state = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
    let begun = state.begin_deletion().unwrap();
    assert_eq!((begun.version, begun.deleting), (2, true));
    state.active = Some(begun.clone());
    assert_eq!(state.begin_deletion().unwrap(), begun, "it begins once");
    let renewal = stage(&state, certificate("a", "2", 700));
    let refusals = [
        state.usable(from_unix(0)).map(drop),
        state.usable_for("a", from_unix(0)).map(drop),
        renewal.activate(from_unix(0), false).map(drop),
        state.roll_back(from_unix(0)).map(drop),
    ];
    for refused in refusals {
        assert_eq!(refused.unwrap_err().code(), "push-certificate-deleting");
    }
}

#[test]
fn nothing_is_used_after_its_end() {
    let first = activated(&PushCertificates::default(), certificate("a", "1", 365), 0);
    assert!(first.usable(from_unix(365 * DAY - 1)).is_ok());
    assert_eq!(first.usable(from_unix(365 * DAY)).unwrap_err().code(), "push-certificate-expired");
    assert_eq!(first.usable_for("a", from_unix(365 * DAY)).unwrap_err().code(), "push-certificate-expired");
    assert_eq!(first.usable_for("b", from_unix(0)).unwrap_err().code(), "push-certificate-topic-unknown");
    let none = PushCertificates::default();
    assert_eq!(none.usable(from_unix(0)).unwrap_err().code(), "push-certificate-missing");
    assert_eq!(none.activate(from_unix(0), false).unwrap_err().code(), "nothing-staged");
    assert_eq!(none.roll_back(from_unix(0)).unwrap_err().code(), "nothing-to-roll-back");
}
