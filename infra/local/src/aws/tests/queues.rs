use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};
use shared::port::queue::Queue;
use shared::time::Clock;

use super::{advance, local_aws};
use crate::aws::{Counts, LocalAws, QueueSettings, Redrive};

/// Queue `wakeups`, which gives a message to `dead` after two receipts.
async fn with_queue() -> (LocalAws, Clock, Client, String) {
    let (aws, clock) = local_aws().await;
    let dead = QueueSettings { visibility_timeout: 30, redrive: None };
    aws.queues().create("dead", &dead).unwrap();
    let redrive = Redrive { max_receive_count: 2, dead_letter_queue: "dead".into() };
    let settings = QueueSettings { visibility_timeout: 30, redrive: Some(redrive) };
    aws.queues().create("wakeups", &settings).unwrap();
    aws.queues().create("wakeups", &settings).unwrap();
    let client = Client::new(&aws.sdk_config());
    let url = aws.queue_url("wakeups");
    (aws, clock, client, url)
}

async fn receive(client: &Client, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
    let request = client.receive_message().queue_url(url).max_number_of_messages(10);
    let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
    request.send().await.unwrap().messages.unwrap_or_default()
}

#[tokio::test]
async fn the_port_sends_in_order_and_a_message_is_deleted_by_its_receipt() {
    let (aws, _clock, client, url) = with_queue().await;
    let bodies: Vec<String> = (0..12).map(|number| format!("body {number}")).collect();
    Queue::new(client.clone(), url.clone()).send(&bodies, 0).await.unwrap();

    let messages = receive(&client, &url).await;
    let received: Vec<_> = messages.iter().filter_map(|message| message.body()).collect();
    assert_eq!(received, bodies[..10]);
    assert_eq!(aws.queues().counts("wakeups").unwrap(), Counts { visible: 2, in_flight: 10, delayed: 0 });

    let receipt = messages[0].receipt_handle().unwrap();
    client.delete_message().queue_url(&url).receipt_handle(receipt).send().await.unwrap();
    client.delete_message().queue_url(&url).receipt_handle(receipt).send().await.unwrap();
    let entries = messages[1..].iter().map(|message| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(message.message_id().unwrap());
        entry.receipt_handle(message.receipt_handle().unwrap()).build().unwrap()
    });
    let request = client.delete_message_batch().queue_url(&url).set_entries(Some(entries.collect()));
    assert_eq!(request.send().await.unwrap().successful().len(), 9);
    assert_eq!(aws.queues().counts("wakeups").unwrap(), Counts { visible: 2, in_flight: 0, delayed: 0 });
}

#[tokio::test]
async fn a_delayed_message_is_seen_when_its_time_comes() {
    let (aws, clock, client, url) = with_queue().await;
    client.send_message().queue_url(&url).message_body("later").delay_seconds(900).send().await.unwrap();
    assert_eq!(aws.queues().counts("wakeups").unwrap().delayed, 1);
    assert!(receive(&client, &url).await.is_empty());
    advance(&aws, &clock, 900);
    assert_eq!(receive(&client, &url).await[0].body(), Some("later"));
}

#[tokio::test]
async fn a_message_that_nobody_deletes_comes_back_and_ends_as_a_dead_letter() {
    let (aws, clock, client, url) = with_queue().await;
    let sent = client.send_message().queue_url(&url).message_body("poison").send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("35393c24384b8862798716628f7bc6f4"));

    let first = receive(&client, &url).await.remove(0);
    assert!(receive(&client, &url).await.is_empty());
    advance(&aws, &clock, 30);
    let second = receive(&client, &url).await.remove(0);
    assert_eq!(second.message_id(), first.message_id());
    assert_ne!(second.receipt_handle(), first.receipt_handle());
    let attributes = second.attributes().unwrap();
    assert_eq!(attributes[&MessageSystemAttributeName::ApproximateReceiveCount], "2");
    assert_eq!(attributes[&MessageSystemAttributeName::SentTimestamp], "1000000000");

    advance(&aws, &clock, 30);
    assert!(receive(&client, &url).await.is_empty());
    let dead = receive(&client, &aws.queue_url("dead")).await;
    assert_eq!(dead[0].body(), Some("poison"));
}

#[tokio::test]
async fn visibility_is_changed_while_a_message_is_in_flight_and_not_after() {
    let (aws, clock, client, url) = with_queue().await;
    client.send_message().queue_url(&url).message_body("a").send().await.unwrap();
    let receipt = receive(&client, &url).await.remove(0).receipt_handle.unwrap();
    let change = |seconds| {
        let request = client.change_message_visibility().queue_url(&url).receipt_handle(&receipt);
        request.visibility_timeout(seconds).send()
    };
    change(60).await.unwrap();
    advance(&aws, &clock, 30);
    assert!(receive(&client, &url).await.is_empty());
    change(0).await.unwrap();
    assert!(change(10).await.unwrap_err().into_service_error().is_message_not_inflight());

    let receipt = receive(&client, &url).await.remove(0).receipt_handle.unwrap();
    let entry = |id: &str, receipt: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(receipt);
        entry.visibility_timeout(0).build().unwrap()
    };
    let request = client.change_message_visibility_batch().queue_url(&url);
    let request = request.entries(entry("good", &receipt)).entries(entry("bad", "unknown"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful()[0].id(), "good");
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].code()), ("bad", "MessageNotInflight"));
}

#[tokio::test]
async fn a_long_poll_ends_when_a_message_arrives_or_becomes_visible() {
    let (aws, clock, client, url) = with_queue().await;
    let polling = || {
        let queues = aws.queues().clone();
        tokio::spawn(
            async move { queues.receive("wakeups", 10, None, Duration::from_secs(20)).await.unwrap() },
        )
    };
    let waiting = polling();
    tokio::task::yield_now().await;
    client.send_message().queue_url(&url).message_body("now").send().await.unwrap();
    assert_eq!(waiting.await.unwrap()[0].body, "now");

    client.send_message().queue_url(&url).message_body("later").delay_seconds(60).send().await.unwrap();
    let waiting = polling();
    tokio::task::yield_now().await;
    advance(&aws, &clock, 60);
    let bodies: Vec<_> = waiting.await.unwrap().into_iter().map(|message| message.body).collect();
    assert_eq!(bodies, ["now", "later"]);
}

#[tokio::test]
async fn a_long_poll_does_not_hold_up_the_end() {
    let (aws, _clock, client, url) = with_queue().await;
    let request = client.receive_message().queue_url(&url).wait_time_seconds(20);
    let waiting = tokio::spawn(async move { request.send().await });
    tokio::task::yield_now().await;
    tokio::time::timeout(Duration::from_secs(3), aws.stop()).await.unwrap();
    waiting.abort();
}

#[tokio::test]
async fn attributes_and_addresses_of_a_queue() {
    let (_aws, _clock, client, url) = with_queue().await;
    let found = client.get_queue_url().queue_name("wakeups").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(url.as_str()));
    let error = client.get_queue_url().queue_name("none").send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());

    let request = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = request.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "0");
    assert!(attributes[&QueueAttributeName::RedrivePolicy].contains(r#""maxReceiveCount":2"#));
}

#[tokio::test]
async fn a_batch_reports_its_bad_entries_and_refuses_to_be_no_batch() {
    let (_aws, _clock, client, url) = with_queue().await;
    let entry = |id: &str, delay| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body("body");
        entry.delay_seconds(delay).build().unwrap()
    };
    let send = |entries| client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send();

    let answer = send(vec![entry("good", 0), entry("bad", 901)]).await.unwrap();
    assert_eq!(answer.successful()[0].md5_of_message_body(), "841a2d689ad86bd1611447453c22c6fc");
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].sender_fault()), ("bad", true));

    for (entries, code) in [
        (Vec::new(), "EmptyBatchRequest"),
        ((0..11).map(|id| entry(&id.to_string(), 0)).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("a", 0), entry("a", 0)], "BatchEntryIdsNotDistinct"),
    ] {
        let error = send(entries).await.unwrap_err();
        assert_eq!(error.code(), Some(format!("AWS.SimpleQueueService.{code}").as_str()));
    }
}

#[tokio::test]
async fn a_message_or_batch_outside_the_limits_is_refused() {
    let (aws, _clock, client, url) = with_queue().await;
    for (body, delay) in [(String::new(), 0), ("x".repeat(1024 * 1024 + 1), 0), ("x".into(), 901)] {
        let request = client.send_message().queue_url(&url).message_body(body).delay_seconds(delay);
        assert_eq!(request.send().await.unwrap_err().code(), Some("InvalidParameterValue"));
    }
    let half = "x".repeat(600 * 1024);
    let error = Queue::new(client.clone(), url.clone()).send(&[half.clone(), half], 0).await.unwrap_err();
    assert!(error.chain().contains("BatchRequestTooLong"), "{}", error.chain());
    assert_eq!(aws.queues().counts("wakeups").unwrap(), Counts::default());

    let request = client.receive_message().queue_url(&url).max_number_of_messages(11);
    assert_eq!(request.send().await.unwrap_err().code(), Some("InvalidParameterValue"));
}

/// A dead letter in `dead`.
async fn with_dead_letter() -> (LocalAws, Clock, Client, String) {
    let (aws, clock, client, url) = with_queue().await;
    client.send_message().queue_url(&url).message_body("poison").send().await.unwrap();
    for _ in 0..3 {
        receive(&client, &url).await;
        advance(&aws, &clock, 30);
    }
    assert_eq!(aws.queues().counts("dead").unwrap().visible, 1);
    let dead = aws.queue_url("dead");
    (aws, clock, client, dead)
}

async fn arn(client: &Client, url: &str) -> String {
    let request = client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
    request.send().await.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone()
}

#[tokio::test]
async fn dead_letters_go_back_where_they_came_from_as_new_messages() {
    let (aws, clock, client, dead) = with_dead_letter().await;
    let before = receive(&client, &dead).await.remove(0);
    advance(&aws, &clock, 30);
    let source = arn(&client, &dead).await;
    assert!(client.list_message_move_tasks().source_arn(&source).send().await.unwrap().results().is_empty());

    let started = client.start_message_move_task().source_arn(&source).send().await.unwrap();
    assert!(started.task_handle().is_some());
    let listed = client.list_message_move_tasks().source_arn(&source).send().await.unwrap();
    let task = &listed.results()[0];
    assert_eq!((task.status(), task.task_handle()), (Some("COMPLETED"), None));
    assert_eq!(task.approximate_number_of_messages_moved(), 1);
    assert_eq!((task.approximate_number_of_messages_to_move(), task.failure_reason()), (Some(1), None));

    assert_eq!(aws.queues().counts("dead").unwrap(), Counts::default());
    let back = receive(&client, &aws.queue_url("wakeups")).await.remove(0);
    assert_eq!(back.body(), Some("poison"));
    assert_ne!(back.message_id(), before.message_id());
    let attributes = back.attributes().unwrap();
    assert_eq!(attributes[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
}

#[tokio::test]
async fn a_letter_that_no_queue_gave_up_moves_only_where_it_is_said() {
    let (aws, _clock, client, dead) = with_dead_letter().await;
    client.send_message().queue_url(&dead).message_body("direct").send().await.unwrap();
    let source = arn(&client, &dead).await;
    client.start_message_move_task().source_arn(&source).send().await.unwrap();
    let list = || client.list_message_move_tasks().source_arn(&source).max_results(10).send();
    let listed = list().await.unwrap();
    let task = &listed.results()[0];
    assert_eq!(
        (task.status(), task.failure_reason()),
        (Some("FAILED"), Some("CouldNotDetermineMessageSource"))
    );
    assert_eq!(aws.queues().counts("dead").unwrap().visible, 1);

    let wakeups = arn(&client, &aws.queue_url("wakeups")).await;
    let request = client.start_message_move_task().source_arn(&source).destination_arn(&wakeups);
    request.max_number_of_messages_per_second(500).send().await.unwrap();
    assert_eq!(aws.queues().counts("wakeups").unwrap().visible, 2);
    let listed = list().await.unwrap();
    let statuses: Vec<_> = listed.results().iter().filter_map(|task| task.status()).collect();
    assert_eq!(statuses, ["COMPLETED", "FAILED"]);
    assert_eq!(listed.results()[0].destination_arn(), Some(wakeups.as_str()));
}

#[tokio::test]
async fn only_dead_letters_move_and_a_queue_is_emptied_once_a_minute() {
    let (aws, clock, client, dead) = with_dead_letter().await;
    let wakeups = arn(&client, &aws.queue_url("wakeups")).await;
    let error = client.start_message_move_task().source_arn(&wakeups).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let none = wakeups.replace("wakeups", "none");
    let error = client.start_message_move_task().source_arn(&none).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let source = arn(&client, &dead).await;
    let request = client.start_message_move_task().source_arn(&source).max_number_of_messages_per_second(501);
    assert_eq!(request.send().await.unwrap_err().code(), Some("InvalidParameterValue"));

    client.purge_queue().queue_url(&dead).send().await.unwrap();
    assert_eq!(aws.queues().counts("dead").unwrap(), Counts::default());
    let again = client.purge_queue().queue_url(&dead).send().await.unwrap_err();
    assert!(again.into_service_error().is_purge_queue_in_progress());
    advance(&aws, &clock, 60);
    client.purge_queue().queue_url(&dead).send().await.unwrap();
}
