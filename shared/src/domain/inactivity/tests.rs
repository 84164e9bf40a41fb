use super::*;
use crate::domain::enrollment::{PushAddress, PushAttempt, fixture};
use crate::time::from_unix;

const HOUR: i64 = 3_600;

fn rule(after: SilentFor) -> InactivityRule {
    InactivityRule { after, daily_cap: 50, ..InactivityRule::default() }
}

fn device(push: Option<(i64, &str)>) -> Enrollment {
    let address = PushAddress { topic: "t".into(), token: "00".into(), magic: "m".into() };
    let attempt = |(at, outcome): (i64, &str)| PushAttempt { at: from_unix(at), outcome: outcome.into() };
    Enrollment { push: Some(address), last_push: push.map(attempt), ..fixture("D-1", from_unix(0)) }
}

#[test]
fn a_device_is_inactive_only_an_hour_after_the_last_question() {
    let rule = rule(SilentFor::Day);
    let inactive = |device: &Enrollment, at: i64| rule.is_inactive(device, from_unix(at));
    assert!(!inactive(&device(None), 900 * HOUR), "nobody asked it");
    assert!(!inactive(&device(Some((18 * HOUR, "accepted"))), 900 * HOUR), "not since the period was over");
    assert!(!inactive(&device(Some((24 * HOUR, "TooManyRequests"))), 900 * HOUR), "Apple was busy");
    let asked = device(Some((24 * HOUR, "accepted")));
    assert!(!inactive(&asked, 25 * HOUR - 1) && inactive(&asked, 25 * HOUR));
    let refused = Enrollment {
        push_rests_until: Some(from_unix(48 * HOUR)),
        ..device(Some((24 * HOUR, "Unregistered")))
    };
    assert!(inactive(&refused, 25 * HOUR), "Apple knows the device no more");
    let user = Enrollment { id: "D-1:jo".parse().unwrap(), ..asked.clone() };
    assert!(!inactive(&user, 900 * HOUR), "a user is not a device");
    let already = Enrollment { state: EnrollmentState::Inactive, ..asked.clone() };
    assert!(!inactive(&already, 900 * HOUR));
    assert!(!self::rule(SilentFor::Never).is_inactive(&asked, from_unix(9_000 * HOUR)));
}

#[test]
fn a_device_is_asked_four_times_and_once_more() {
    for (after, pause, period) in
        [(SilentFor::Day, 6, 24), (SilentFor::Week, 24, 7 * 24), (SilentFor::Month, 24, 30 * 24)]
    {
        let rule = rule(after);
        let due = |device: &Enrollment, at: i64| {
            !rule.is_to_be_asked(device, from_unix(at - 1)) && rule.is_to_be_asked(device, from_unix(at))
        };
        assert!(due(&device(None), pause * HOUR), "{after:?}");
        assert!(due(&device(Some((2 * HOUR, "accepted"))), (2 + pause) * HOUR), "{after:?}");
        assert!(due(&device(Some((2 * HOUR, "Shutdown"))), 3 * HOUR), "{after:?}");
        let shortly_before = device(Some((period * HOUR - 2 * HOUR, "accepted")));
        assert!(due(&shortly_before, period * HOUR), "{after:?}: the last question");
    }
    assert!(!rule(SilentFor::Never).is_to_be_asked(&device(None), from_unix(900 * HOUR)));
    let resting = Enrollment { push_rests_until: Some(from_unix(901 * HOUR)), ..device(None) };
    assert!(!rule(SilentFor::Day).is_to_be_asked(&resting, from_unix(900 * HOUR)));
}

#[test]
fn silence_during_an_exception_does_not_count() {
    let exception = |from: &str, to: &str| CalendarException {
        name: "Holidays".into(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    };
    let mut rule = rule(SilentFor::Week);
    rule.exceptions = vec![exception("2026-12-21", "2027-01-03"), exception("2027-02-01", "2027-02-01")];
    rule.check().unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    for (seen, now, hours) in [
        ("2026-12-20T12:00:00Z", "2026-12-20T18:00:00Z", 6),
        ("2026-12-20T12:00:00Z", "2026-12-28T12:00:00Z", 12),
        ("2026-12-20T12:00:00Z", "2027-01-04T06:00:00Z", 18),
        ("2026-12-25T12:00:00Z", "2027-01-04T06:00:00Z", 6),
        ("2027-01-31T00:00:00Z", "2027-02-03T00:00:00Z", 48),
    ] {
        assert_eq!(rule.silence(at(seen), at(now)), SignedDuration::from_hours(hours), "{seen} {now}");
    }
}

#[test]
fn too_many_at_once_are_held_until_somebody_confirms() {
    let rule = rule(SilentFor::Day);
    let now = from_unix(0);
    for (would_hit, devices, held) in [
        (1, 1, false),
        (2, 2, false),
        (3, 3, true),
        (3, 15, false),
        (4, 15, true),
        (200, 1_000, false),
        (201, 1_000, true),
    ] {
        assert_eq!(rule.is_held(would_hit, devices, now), held, "{would_hit} of {devices}");
    }
    let confirmed = InactivityRule { confirmed_until: Some(from_unix(1)), ..rule };
    assert!(!confirmed.is_held(1_000, 1_000, now) && confirmed.is_held(1_000, 1_000, from_unix(1)));
}

#[test]
fn the_wrong_field_is_named() {
    let exception = |name: &str, from: &str, to: &str| CalendarException {
        name: name.into(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    };
    let with = |exceptions: Vec<CalendarException>| InactivityRule { exceptions, ..rule(SilentFor::Day) };
    let lock = |message: String| InactivityRule {
        device_lock: Some(WaitingLock { message: Some(message), phone_number: None }),
        ..rule(SilentFor::Day)
    };
    let holidays = || exception("Holidays", "2026-12-21", "2027-01-03");
    for (rule, code, field) in [
        (InactivityRule { daily_cap: 0, ..rule(SilentFor::Day) }, "inactivity-daily-cap", "daily_cap"),
        (with(vec![holidays(); 51]), "inactivity-exceptions", "exceptions"),
        (
            with(vec![exception(" ", "2026-12-21", "2026-12-21")]),
            "inactivity-exceptions",
            "exceptions[0].name",
        ),
        (with(vec![exception("x", "2026-12-21", "2026-12-20")]), "inactivity-exceptions", "exceptions[0].to"),
        (with(vec![exception("x", "2026-01-01", "2027-01-02")]), "inactivity-exceptions", "exceptions[0].to"),
        (
            with(vec![holidays(), exception("x", "2027-01-03", "2027-01-04")]),
            "inactivity-exceptions",
            "exceptions[1].from",
        ),
        (lock("x".repeat(301)), "inactivity-device-lock", "device_lock.message"),
    ] {
        let error = rule.check().unwrap_err();
        assert_eq!((error.code(), error.field()), (code, Some(field)));
    }
    lock("x".repeat(300)).check().unwrap();
}
