//! Connections that die, and what is sent again.

use std::iter::repeat_with;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use shared::port::apns::Outcome;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::super::Answer;
use super::world::{MAGIC, TOKEN, World, accepted, sender};

#[tokio::test]
async fn a_push_on_a_connection_that_breaks_is_sent_once_more() {
    let world = World::new().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    assert!(accepted(&world.push(TOKEN).await));
    world.simulator.script(&world.topic, [Answer::Drop]);
    assert!(accepted(&world.push(TOKEN).await));
    assert_eq!(world.connections_used(), [1, 1, 2]);
}

#[tokio::test]
async fn a_second_break_is_left_to_the_caller() {
    let world = World::new().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    assert!(accepted(&world.push(TOKEN).await));
    world.simulator.script(&world.topic, [Answer::Drop, Answer::Drop]);
    let outcome = world.push(TOKEN).await;
    assert!(matches!(outcome, Outcome::Retry { after: None, .. }), "{outcome:?}");
    assert_eq!(world.connections_used(), [1, 1, 2]);
}

#[tokio::test]
async fn a_connection_that_breaks_before_its_first_answer_is_not_tried_again_at_once() {
    let world = World::new().await;
    world.simulator.script(&world.topic, [Answer::Drop, Answer::Drop]);
    assert!(matches!(world.push(TOKEN).await, Outcome::Retry { .. }));
    assert_eq!(world.connections_used(), [1]);
}

#[tokio::test]
async fn sockets_that_died_while_frozen_cost_nothing() {
    let world = World::new().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    assert!(world.push_at_once(20).await.iter().all(accepted));
    world.simulator.cut_connections();
    assert!(world.push_at_once(20).await.iter().all(accepted));
    assert_eq!(world.simulator.connections(), 2);
}

#[tokio::test]
async fn a_goaway_moves_the_next_push_to_a_new_connection() {
    let world = World::new().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    world.simulator.script(&world.topic, [Answer::GoAway]);
    assert!(accepted(&world.push(TOKEN).await));
    assert!(accepted(&world.push(TOKEN).await));
    assert_eq!(world.connections_used(), [1, 2]);
}

#[tokio::test]
async fn a_connection_gone_silent_is_replaced() {
    let world = World::impatient().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    assert!(accepted(&world.push(TOKEN).await));
    world.simulator.script(&world.topic, [Answer::Hang]);
    assert!(accepted(&world.push(TOKEN).await));
    assert_eq!(world.connections_used(), [1, 1, 2]);
}

#[tokio::test]
async fn a_connection_carries_so_many_pushes_at_once_and_the_next_one_waits() {
    let world = World::new().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    world.simulator.script(&world.topic, repeat_with(|| Answer::Hang).take(500));
    let hanging = join_all((0..500).map(|_| world.push(TOKEN)));
    let all_arrived = async {
        while world.simulator.pushes().len() < 500 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcomes = hanging => panic!("they hang: {outcomes:?}"),
        early = async {
            all_arrived.await;
            timeout(Duration::from_millis(50), world.push(TOKEN)).await
        } => assert!(early.is_err(), "it waits for a place: {early:?}"),
    }
    assert_eq!(world.simulator.pushes().len(), 500);
    assert_eq!(world.simulator.connections(), 1);
}

#[tokio::test]
async fn one_slow_push_does_not_cost_the_others_their_connection() {
    let world = World::impatient().await;
    let slow = [7; 32];
    let _wake_ups = [
        world.simulator.register(TOKEN, &world.topic, MAGIC),
        world.simulator.register(&slow, &world.topic, MAGIC),
    ];
    assert!(accepted(&world.push(TOKEN).await));
    world.simulator.script(&hex::encode(slow), [Answer::Hang]);
    let (timed_out, other) = tokio::join!(world.push(&slow), world.push(TOKEN));
    assert!(accepted(&other));
    let reason = "no answer in time".to_owned();
    assert_eq!(timed_out, Outcome::Retry { after: None, reason });
    assert!(accepted(&world.push(TOKEN).await));
    assert_eq!(world.simulator.connections(), 1);
}

#[tokio::test]
async fn a_service_that_closes_after_every_push_is_not_reconnected_to_in_a_hurry() {
    let world = World::new().await;
    let _wake_ups = world.simulator.register(TOKEN, &world.topic, MAGIC);
    world.simulator.script(&world.topic, [Answer::GoAway, Answer::GoAway]);
    assert!(accepted(&world.push(TOKEN).await));
    assert!(accepted(&world.push(TOKEN).await));
    for outcome in world.push_at_once(10).await {
        assert!(matches!(outcome, Outcome::Retry { after: Some(_), .. }), "{outcome:?}");
    }
    assert_eq!(world.simulator.connections(), 2);
}

#[tokio::test]
async fn a_failed_dial_is_shared_by_everyone_who_waited_for_it() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let apns = sender(listener.local_addr().unwrap(), world.simulator.root());
    let dials = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&dials);
    tokio::spawn(async move {
        // Closes each connection at once.
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let push = world.wake_up(TOKEN);
    for outcome in join_all((0..10).map(|_| apns.push(&world.identity, &push))).await {
        assert!(matches!(outcome, Outcome::Retry { after: Some(_), .. }), "{outcome:?}");
    }
    assert_eq!(dials.load(Ordering::Relaxed), 1);
}
