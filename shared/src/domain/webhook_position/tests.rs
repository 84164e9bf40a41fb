use super::*;
use crate::domain::event::EventKind;
use crate::id::{AuditId, EnrollmentId, TenantId};
use crate::scope::Scope;
use crate::time::from_unix;

fn at(seconds: i64) -> Timestamp {
    from_unix(1_800_000_000 + seconds)
}

/// What a device did at a second.
fn event(seconds: i64, device: &str) -> Event {
    #[expect(clippy::disallowed_methods, reason = "nobody calls")]
    let scope = Scope::system(TenantId::from([1; 10]), "test");
    let mut id = [0; 10];
    id[..8].copy_from_slice(&seconds.to_be_bytes());
    Event::new(AuditId::from(id), at(seconds), &scope, EventKind::CommandCompleted)
        .of(&EnrollmentId::device(device).unwrap())
}

fn window(wanted: &[Event], goes_on: bool) -> Window {
    Window { last: wanted.last().map(Event::place), wanted: wanted.to_vec(), goes_on }
}

fn places(lanes: &[Vec<&Event>]) -> Vec<Vec<String>> {
    lanes.iter().map(|lane| lane.iter().map(|event| event.place()).collect()).collect()
}

#[test]
fn each_device_has_its_order_and_a_refused_event_holds_up_its_own_device_only() {
    let log = [event(1, "A"), event(2, "B"), event(3, "A"), event(4, "B")];
    let window = window(&log, false);
    let mut position = Position::beginning(at(0));
    let [a1, b1, a2, b2] = log.each_ref().map(Event::place);
    let due = places(&position.due(&window, at(10)));
    assert_eq!(due, [vec![a1.clone(), a2.clone()], vec![b1, b2.clone()]]);

    position.hold(&log[0], at(10), at(15));
    position.done(&log[1]);
    position.delivered_at = Some(at(10));
    assert_eq!(places(&position.due(&window, at(10))), [vec![b2]]);
    position.done(&log[3]);
    // The cursor waits for what is held up; what was delivered beyond it is not delivered again.
    position.advance(&window, at(3_600));
    assert_eq!((position.cursor.clone(), position.ahead.len()), (moment(at(1)), 2));
    assert_eq!(position.tried(&log[0]), 1);
    assert_eq!(places(&position.due(&window, at(15))), [vec![a1, a2]]);

    for event in [&log[0], &log[2]] {
        position.done(event);
    }
    position.advance(&window, at(3_600));
    assert_eq!((position.cursor.as_str(), position.ahead.len()), (moment(at(3_540)).as_str(), 0));
    assert!(position.held.is_empty());
}

#[test]
fn an_entry_that_becomes_visible_late_is_found() {
    let mut position = Position::beginning(at(0));
    let young = event(20, "A");
    position.done(&young);
    position.advance(&window(std::slice::from_ref(&young), false), at(30));
    let late = event(10, "B");
    let both = [late.clone(), young];
    assert_eq!(places(&position.due(&window(&both, false), at(31))), [vec![late.place()]]);
}

#[test]
fn a_full_window_moves_on_although_it_is_young() {
    let log = [event(1, "A"), event(2, "B")];
    let mut position = Position::beginning(at(0));
    position.done(&log[0]);
    position.done(&log[1]);
    position.advance(&window(&log, true), at(3));
    assert_eq!(position.cursor, log[1].place());
    // Its last entry is read again and known.
    assert!(position.due(&window(&log[1..], false), at(3)).is_empty());
}

#[test]
fn a_cursor_moves_over_entries_and_months_and_not_over_nothing() {
    let position = Position::beginning(at(0));
    let nothing = Window { wanted: Vec::new(), last: None, goes_on: false };
    assert!(!position.is_behind(&nothing, at(3_600)));
    assert!(position.is_behind(&nothing, at(40 * 86_400)), "another month");
    let unwanted = Window { last: Some(event(1, "A").place()), ..nothing };
    assert!(!position.is_behind(&unwanted, at(10)), "it may still be followed by a late one");
    assert!(position.is_behind(&unwanted, at(62)));
}

#[test]
fn what_is_refused_for_a_day_is_given_up_unless_nobody_is_there_at_all() {
    let log = [event(1, "A"), event(2, "B")];
    let window = window(&log, false);
    let mut position = Position::beginning(at(0));
    position.hold(&log[0], at(10), at(15));
    let day = at(10) + LONGEST;
    assert_eq!(position.given_up(&window, day), None, "nothing was ever delivered");
    position.delivered_at = Some(at(12));
    assert_eq!(position.given_up(&window, day - SignedDuration::from_secs(1)), None);
    assert_eq!(position.given_up(&window, day), Some(&log[0]));
}

#[test]
fn what_holds_up_everybody_is_given_up_early() {
    let log = [event(1, "A"), event(2, "B")];
    let window = window(&log, true);
    let mut position = Position::beginning(at(0));
    position.delivered_at = Some(at(100));
    position.done(&log[1]);
    for round in 0..4 {
        assert_eq!(position.given_up(&window, at(100)), None, "after {round} attempts");
        position.hold(&log[0], at(10), at(1_000));
    }
    assert_eq!(position.given_up(&window, at(100)), Some(&log[0]));
    assert_eq!(position.given_up(&window, at(1_000)), None, "it is to be tried first");
}

#[test]
fn pauses_grow_to_an_hour_and_vary_by_a_fifth() {
    let seconds = |attempts, chance| pause(attempts, chance).as_secs();
    assert_eq!(
        [1, 2, 3, 4, 5, 6, 7, 100].map(|n| seconds(n, 0)),
        [4, 24, 96, 480, 1_440, 2_880, 2_880, 2_880]
    );
    assert_eq!((seconds(1, 255), seconds(6, 255)), (6, 4_320));
    // Within a day there are more than twenty attempts.
    assert!((1..=24).map(|n| seconds(n, 255)).sum::<i64>() < 86_400);
}

#[test]
fn nobody_delivers_while_another_does_or_the_server_rests() {
    let mut position = Position::beginning(at(0));
    assert!(!position.is_quiet(at(0)));
    position.leased_until = Some(at(10).as_second());
    assert!(position.is_quiet(at(9)) && !position.is_quiet(at(10)));
    position.rests_until = Some(at(20));
    assert!(position.is_quiet(at(19)) && !position.is_quiet(at(20)));
    let fresh = position.fresh();
    assert!(!fresh.is_quiet(at(0)) && fresh.version == 2);
}
