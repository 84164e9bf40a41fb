use super::*;
use crate::time::from_unix;

const HOUR: i64 = 3_600;
const ACTIVE: i64 = 100 * DAY;

fn activation(at: i64) -> Activation<'static> {
    Activation { topic: "active", at: from_unix(at) }
}

/// So many devices pushed at `at`, the first `in_time` of which came back.
fn pushes(at: i64, in_time: usize, pushed: usize) -> Vec<Woken> {
    let push = |number| Woken {
        at: from_unix(at),
        in_time: number < in_time,
        topic: "active".to_owned(),
        enrolled_at: Some(from_unix(DAY)),
    };
    (0..pushed).map(push).collect()
}

fn share(in_time: u32, pushed: u32) -> Share {
    Share { in_time, pushed }
}

/// The state after looks at pushes that were sent an hour before each: (moment, activation, in time, pushed).
fn looks(story: &[(i64, i64, usize, usize)]) -> Delivery {
    let mut known = None;
    for &(now, active, in_time, pushed) in story {
        let pushes = pushes(now - HOUR, in_time, pushed);
        known = Delivery::after(known.as_ref(), activation(active), &pushes, from_unix(now));
    }
    known.unwrap()
}

#[test]
fn a_fall_under_half_of_the_baseline_after_an_activation_is_an_alert() {
    let before = (ACTIVE - HOUR, DAY, 18, 20);
    for (in_time, pushed, alert) in
        [(20, 20, false), (9, 20, false), (8, 20, true), (0, 10, true), (0, 9, false), (5, 10, false)]
    {
        let now = ACTIVE + 2 * HOUR;
        let known = looks(&[before, (now, ACTIVE, in_time, pushed)]);
        assert_eq!(known.baseline, Some(share(18, 20)));
        assert_eq!(known.alert.is_some(), alert, "{in_time} of {pushed}");
        assert_eq!(known.next_step().is_some(), alert);
    }
}

#[test]
fn the_first_certificate_has_nothing_to_be_compared_with() {
    let known = looks(&[(ACTIVE + 2 * HOUR, ACTIVE, 0, 20)]);
    assert_eq!((known.baseline, known.alert), (None, None));
    assert!(known.meaning(from_unix(ACTIVE)).contains("nothing to compare with"));
}

#[test]
fn an_alert_lasts_until_enough_devices_come_back() {
    let begin = [(ACTIVE - HOUR, DAY, 18, 20), (ACTIVE + 2 * HOUR, ACTIVE, 1, 20)];
    let fallen = looks(&begin);
    assert_eq!(fallen.alert.unwrap().since, from_unix(ACTIVE + 2 * HOUR));
    assert_eq!(fallen.usual, None, "what fell is nobody's baseline");
    for (in_time, pushed, over) in [(1, 20, false), (5, 5, false), (0, 0, false), (17, 20, true)] {
        let known = looks(&[begin[0], begin[1], (ACTIVE + 20 * DAY, ACTIVE, in_time, pushed)]);
        assert_eq!(known.alert.is_none(), over, "{in_time} of {pushed}");
        assert!(over || known.alert.unwrap().since == fallen.alert.unwrap().since);
    }
}

#[test]
fn another_activation_during_an_alert_keeps_baseline_and_alert() {
    let story = [(ACTIVE - HOUR, DAY, 18, 20), (ACTIVE + 2 * HOUR, ACTIVE, 1, 20)];
    let again = ACTIVE + 3 * HOUR;
    let known = looks(&[story[0], story[1], (again + 2 * HOUR, again, 1, 20)]);
    assert_eq!(known.baseline, Some(share(18, 20)));
    assert_eq!(known.alert.unwrap().since, from_unix(ACTIVE + 2 * HOUR));
    let known = looks(&[story[0], story[1], (again + 2 * HOUR, again, 18, 20)]);
    assert_eq!(known.alert, None);
}

#[test]
fn a_fall_long_after_an_activation_is_no_ones_alert_and_becomes_usual() {
    let known = looks(&[(ACTIVE - HOUR, DAY, 18, 20), (ACTIVE + WATCHED, ACTIVE, 1, 20)]);
    assert_eq!((known.alert, known.usual), (None, Some(share(1, 20))));
}

#[test]
fn without_an_earlier_look_the_pushes_before_the_activation_are_the_baseline() {
    let mut all = pushes(ACTIVE - HOUR, 10, 10);
    all.extend(pushes(ACTIVE, 0, 10));
    let known = Delivery::after(None, activation(ACTIVE), &all, from_unix(ACTIVE + HOUR)).unwrap();
    assert_eq!((known.baseline, known.present), (Some(share(10, 10)), share(0, 10)));
    assert!(known.began_to_fall(None).is_some());
    assert_eq!(known.began_to_fall(Some(&known)), None, "it is told once");
    assert_eq!(Delivery::after(None, activation(ACTIVE), &[], from_unix(ACTIVE)), None);
}

#[test]
fn the_cause_is_what_most_silent_devices_have_in_common() {
    let before = looks(&[(ACTIVE - HOUR, DAY, 18, 20)]);
    let now = ACTIVE + 2 * HOUR;
    let cause_of = |change: &dyn Fn(&mut Woken), before: &Delivery| {
        let mut silent = pushes(now - HOUR, 0, 20);
        silent.iter_mut().skip(9).for_each(change);
        let known = Delivery::after(Some(before), activation(ACTIVE), &silent, from_unix(now)).unwrap();
        known.alert.unwrap().cause
    };
    assert_eq!(cause_of(&|_| (), &before), Cause::Activation);
    assert_eq!(cause_of(&|push| push.topic = "former".into(), &before), Cause::OtherTopic);
    assert_eq!(cause_of(&|push| push.enrolled_at = Some(from_unix(ACTIVE)), &before), Cause::EnrolledSince);
    let healthy = looks(&[(ACTIVE - HOUR, DAY, 18, 20), (ACTIVE + HOUR + 600, ACTIVE, 18, 20)]);
    assert_eq!(cause_of(&|_| (), &healthy), Cause::Network);
}

#[test]
fn what_is_known_is_said_in_words() {
    let before = (ACTIVE - HOUR, DAY, 18, 20);
    let since = from_unix(ACTIVE);
    let words =
        |in_time, pushed| looks(&[before, (ACTIVE + 2 * HOUR, ACTIVE, in_time, pushed)]).meaning(since);
    assert!(words(3, 3).contains("too few"));
    assert!(words(20, 20).contains("as they did before"));
    assert!(words(0, 20).contains("since this certificate was activated"));
    assert!(looks(&[before]).meaning(since).contains("within three hours"));
    for cause in [Cause::OtherTopic, Cause::EnrolledSince, Cause::Network, Cause::Activation] {
        assert!(cause.meaning().starts_with("Apple accepts pushes, but far fewer devices come back"));
        assert!(!cause.next_step().is_empty());
    }
}
