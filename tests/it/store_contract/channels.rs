//! Enrollments: string sets, counters that a condition guards, indexes that list only what is enrolled.

use bytes::Bytes;
use shared::Kind;
use shared::domain::enrollment::{Enrollment, EnrollmentState, PushAttempt};
use shared::store::{TokenUpdateWrite, TokenUpdated};

use super::{Contract, address, at, begun, enrolls, event, id, signer};

#[tokio::test]
async fn only_a_bound_identity_is_seen() {
    let contract = Contract::new().await;
    let device = contract.enrolled("D-1", signer("a")).await;
    assert_eq!((device.state, device.token_update_tally), (EnrollmentState::Enrolled, 1));
    let seen = |id: &str, by: &str, starts| {
        let (id, by) = (super::id(id), signer(by));
        let contract = &contract;
        async move { contract.store.seen(&contract.scope, &id, by, at(9), starts).await }
    };
    let first = seen("D-1", "a", true).await.unwrap();
    assert_eq!((first.session, first.last_seen), (1, at(9)));
    assert_eq!(seen("D-1", "a", false).await.unwrap().session, 1);
    assert_eq!(seen("D-1", "a", true).await.unwrap().session, 2);
    for (id, by) in [("D-1", "b"), ("D-2", "a"), ("D-1:user", "a"), ("D-1:user", "b")] {
        assert_eq!(seen(id, by, true).await.unwrap_err().kind(), Kind::Forbidden, "{id} {by}");
    }
    let elsewhere = contract.store.seen(&contract.another(), &id("D-1"), signer("a"), at(9), true).await;
    assert_eq!(elsewhere.unwrap_err().kind(), Kind::Forbidden);
}

#[tokio::test]
async fn a_user_channel_lives_on_its_devices_identity() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    contract.enrolled("D-1", signer("a")).await;
    let user = id("D-1:jane#1");
    let foreign = store
        .update_token(scope, &user, signer("b"), &address("topic"), at(3), &enrolls(&user))
        .await
        .unwrap_err();
    assert_eq!(foreign.kind(), Kind::Forbidden);
    assert!(store.enrollment(scope, &user).await.unwrap().is_none(), "a refused transaction wrote something");
    for tally in 1..=2 {
        store
            .update_token(scope, &user, signer("a"), &address("topic"), at(3), &enrolls(&user))
            .await
            .unwrap();
        let channel = store.enrollment(scope, &user).await.unwrap().unwrap();
        assert_eq!((channel.token_update_tally, channel.generation, channel.waiting), (tally, 0, 0));
    }
    assert_eq!(store.seen(scope, &user, signer("a"), at(4), true).await.unwrap().session, 1);
    assert_eq!(store.channels(scope, &id("D-1")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_token_update_leaves_out_stays() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    contract.enrolled("D-1", signer("a")).await;
    let write = TokenUpdateWrite {
        unlock_token: Some(Bytes::from_static(b"sealed")),
        awaiting_configuration: Some(true),
        ..address("topic")
    };
    let device = id("D-1");
    store.update_token(scope, &device, signer("a"), &write, at(3), &enrolls(&device)).await.unwrap();
    let after = store
        .update_token(scope, &device, signer("a"), &address("other"), at(4), &enrolls(&device))
        .await
        .unwrap();
    let TokenUpdated::Again(after) = after else { panic!("it was enrolled: {after:?}") };
    assert_eq!(after.unlock_token.as_deref(), Some(b"sealed".as_slice()));
    assert!(after.awaiting_configuration);
    assert_eq!((after.push.unwrap().topic.as_str(), after.enrolled_at), ("other", Some(at(2))));
}

#[tokio::test]
async fn of_two_beginnings_one_wins() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    contract.enrolled("D-1", signer("a")).await;
    let again = [begun("D-1", 2, signer("b"))];
    let before = [(id("D-1"), 1)];
    store.write_channels(scope, &again, &before, None).await.unwrap();
    let late = store.write_channels(scope, &[begun("D-1", 2, signer("c"))], &before, None).await.unwrap_err();
    assert_eq!(late.kind(), Kind::Conflict);
    let now = store.enrollment(scope, &id("D-1")).await.unwrap().unwrap();
    assert!(now.certificates.contains(&signer("b")) && now.push.is_none());
}

#[tokio::test]
async fn lists_hold_what_is_enrolled_and_nothing_else() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    for number in 0..5 {
        contract.enrolled(&format!("D-{number}"), signer("a")).await;
    }
    for (name, topic) in [("D-0:jane", "topic"), ("D-1", "topic2")] {
        let (channel, write) = (id(name), address(topic));
        let event = enrolls(&channel);
        store.update_token(scope, &channel, signer("a"), &write, at(3), &event).await.unwrap();
    }
    let unenrolled = [begun("D-9", 1, signer("a"))];
    store.write_channels(scope, &unenrolled, &[], None).await.unwrap();
    let ended = store.enrollment(scope, &id("D-2")).await.unwrap().unwrap().ended();
    store.write_channels(scope, &[ended], &[(id("D-2"), 1)], None).await.unwrap();

    // D-0, D-3 and D-4: not the user, not the device of a topic that begins alike, not who left.
    assert_eq!(store.count_devices_on(scope, "topic").await.unwrap(), 3);
    assert_eq!(store.count_devices_on(scope, "top").await.unwrap(), 0);
    assert_eq!(store.count_devices_on(&contract.another(), "topic").await.unwrap(), 0);

    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let (page, next) = store.list_enrollments(scope, after.as_deref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        listed.extend(page.into_iter().map(|enrollment| enrollment.id.to_string()));
        if next.is_none() {
            break;
        }
        after = next;
    }
    listed.sort();
    assert_eq!(listed, ["D-0", "D-0:jane", "D-1", "D-3", "D-4"]);

    let (glimpses, _) = store.list_glimpses(scope, None, 10).await.unwrap();
    for glimpse in &glimpses {
        let whole = store.enrollment(scope, &glimpse.id).await.unwrap().unwrap();
        let parts = (glimpse.state, glimpse.waiting, glimpse.last_seen, glimpse.enrolled_at, glimpse.name());
        let name = whole.facts.device_name.as_deref();
        assert_eq!(parts, (whole.state, whole.waiting, whole.last_seen, whole.enrolled_at, name));
    }
    assert_eq!(glimpses.len(), 5);
}

#[tokio::test]
async fn more_than_a_hundred_are_read_at_once() {
    let contract = Contract::new().await;
    let ids: Vec<_> = (0..230).map(|number| id(&format!("D-{number}"))).collect();
    for known in [0, 99, 100, 229] {
        contract.enrolled(&format!("D-{known}"), signer("a")).await;
    }
    let mut found = contract.store.enrollments(&contract.scope, &ids).await.unwrap();
    found.sort_by_key(|enrollment| enrollment.id.to_string());
    let found: Vec<_> = found.iter().map(|enrollment| enrollment.id.to_string()).collect();
    assert_eq!(found, ["D-0", "D-100", "D-229", "D-99"]);
}

#[tokio::test]
async fn an_address_rests_only_while_it_is_the_present_one() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    contract.enrolled("D-1", signer("a")).await;
    let attempt = PushAttempt { at: at(5), outcome: "Unregistered".into() };
    let mut former = address("topic").push;
    former.token = "ffff".into();
    store.rest_push(scope, &id("D-1"), &former, &attempt, at(9), &event("D-1")).await.unwrap();
    assert!(store.enrollment(scope, &id("D-1")).await.unwrap().unwrap().push_rests_until.is_none());
    store.rest_push(scope, &id("D-1"), &address("topic").push, &attempt, at(9), &event("D-1")).await.unwrap();
    let after = store.enrollment(scope, &id("D-1")).await.unwrap().unwrap();
    assert_eq!((after.push_rests_until, after.last_push), (Some(at(9)), Some(attempt.clone())));
    // Nobody is made by a note about them.
    store.note_push(scope, &id("D-7"), &attempt).await.unwrap();
    assert!(store.enrollment(scope, &id("D-7")).await.unwrap().is_none());
}

#[tokio::test]
async fn the_first_poll_after_a_push_is_its_answer_even_if_it_is_faster_than_the_note() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    contract.enrolled("D-1", signer("a")).await;
    let poll = async |seconds| {
        store.seen(scope, &id("D-1"), signer("a"), at(seconds), true).await.unwrap().answered_at
    };
    let note = async |seconds| {
        store.note_push(scope, &id("D-1"), &PushAttempt::accepted(at(seconds))).await.unwrap();
        store.enrollment(scope, &id("D-1")).await.unwrap().unwrap().answered_at
    };
    assert_eq!(note(100).await, None);
    assert_eq!(poll(101).await, Some(at(101)));
    assert_eq!(poll(900).await, Some(at(101)), "later polls are no answers");
    assert_eq!(note(1_000).await, None);
    poll(1_001).await;
    // A push at 1000 whose note is repeated, or late: the device has come back meanwhile.
    assert_eq!(note(1_000).await, Some(at(1_001)));
}

#[tokio::test]
async fn a_wrong_guess_at_the_first_token_update_changes_nothing() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    let guess = TokenUpdateWrite { probably_enrolls: true, ..address("topic") };
    let begin = |udid: &str, waiting| Enrollment { waiting, ..begun(udid, 1, signer("a")) };
    for (udid, waiting) in [("D-1", 0), ("D-2", 3)] {
        let device = id(udid);
        store.write_channels(scope, &[begin(udid, waiting)], &[], None).await.unwrap();
        let stranger =
            store.update_token(scope, &device, signer("b"), &guess, at(2), &enrolls(&device)).await;
        assert_eq!(stranger.unwrap_err().kind(), Kind::Forbidden);
        let first = store.update_token(scope, &device, signer("a"), &guess, at(2), &enrolls(&device)).await;
        let TokenUpdated::Enrolled { waiting: told } = first.unwrap() else { panic!("it enrolls") };
        assert_eq!(told, waiting);
        let again = store.update_token(scope, &device, signer("a"), &guess, at(3), &enrolls(&device)).await;
        let TokenUpdated::Again(now) = again.unwrap() else { panic!("it was enrolled") };
        assert_eq!((now.state, now.token_update_tally), (EnrollmentState::Enrolled, 2));
    }
}
