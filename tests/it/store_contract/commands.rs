//! Commands: the sparse local index, and the count that changes with them in one transaction.

use bytes::Bytes;
use shared::Kind;
use shared::domain::command::{CommandStatus, QueuedCommand, StoredResult};
use shared::domain::enrollment::Enrollment;
use shared::domain::retention::Retention;
use shared::id::CommandUuid;
use shared::store::{FinalAnswer, Recorded};

use super::{Contract, at, begun, id, signer};

fn command(device: &Enrollment, number: u8, seconds: i64) -> QueuedCommand {
    QueuedCommand {
        uuid: uuid(number),
        enrollment: device.id.clone(),
        generation: device.generation,
        request_type: "ProfileList".into(),
        plist: Bytes::from_static(b"<dict/>"),
        sealed: false,
        priority: 5,
        subject: None,
        partial: false,
        not_after: None,
        status: CommandStatus::Pending,
        created_at: at(seconds),
        not_now_tally: 0,
        first_not_now_at: None,
        not_now_session: None,
        completed_at: None,
        after_cancel: false,
        result: None,
        kept_longer: None,
        expires_at: None,
    }
}

fn uuid(number: u8) -> CommandUuid {
    format!("00000000-0000-4000-8000-0000000000{number:02}").parse().unwrap()
}

impl Contract {
    async fn device(&self) -> Enrollment {
        self.store.enrollment(&self.scope, &id("D-1")).await.unwrap().unwrap()
    }

    async fn enqueue(&self, number: u8, seconds: i64, priority: u8) {
        let device = self.device().await;
        let waiting = QueuedCommand { priority, ..command(&device, number, seconds) };
        self.store.enqueue(&self.scope, &waiting).await.unwrap();
    }

    /// The number of the command that is handed out next.
    async fn next(&self, reported: Option<u8>) -> Option<CommandUuid> {
        let device = self.device().await;
        let reported = reported.map(uuid);
        let found = self.store.next_waiting(&self.scope, &device, reported.as_ref(), at(60)).await.unwrap();
        found.next.map(|command| command.uuid)
    }

    async fn finish(&self, number: u8, status: CommandStatus) -> Recorded {
        let device = self.device().await;
        let result = StoredResult::Inline(Bytes::from(format!("{status:?}")));
        let (uuid, event) = (uuid(number), super::event("D-1"));
        let answer = FinalAnswer {
            uuid: &uuid,
            status,
            result: &result,
            inventory: None,
            fails_renewal: false,
            kept: Retention::default().commands(),
            event: &event,
        };
        self.store.record_final(&self.scope, &device, &answer).await.unwrap()
    }

    async fn not_now(&self, number: u8) -> Recorded {
        let device = self.device().await;
        self.store.record_not_now(&self.scope, &device, &uuid(number), at(40)).await.unwrap()
    }

    async fn show(&self, number: u8) -> QueuedCommand {
        let shown =
            self.store.commands(&self.scope, &uuid(number), &[id("D-1"), id("D-2")], at(60)).await.unwrap();
        shown.into_iter().next().unwrap()
    }
}

#[tokio::test]
async fn the_queue_is_ordered_and_holds_only_what_waits() {
    let contract = Contract::new().await;
    contract.enrolled("D-1", signer("a")).await;
    for (number, seconds, priority) in [(1, 20, 5), (2, 10, 5), (3, 30, 9), (4, 5, 0)] {
        contract.enqueue(number, seconds, priority).await;
    }
    for expected in [3, 2, 1, 4] {
        assert_eq!(contract.next(None).await, Some(uuid(expected)));
        assert_eq!(contract.finish(expected, CommandStatus::Acknowledged).await, Recorded::Written);
    }
    assert_eq!(contract.next(None).await, None);
    assert_eq!(contract.device().await.waiting, 0);
}

#[tokio::test]
async fn a_repeated_order_counts_once() {
    let contract = Contract::new().await;
    contract.enrolled("D-1", signer("a")).await;
    contract.enqueue(1, 10, 5).await;
    contract.enqueue(1, 11, 9).await;
    assert_eq!(contract.device().await.waiting, 1);
    assert_eq!(contract.show(1).await.created_at, at(10));
}

#[tokio::test]
async fn a_final_answer_is_final() {
    let contract = Contract::new().await;
    contract.enrolled("D-1", signer("a")).await;
    contract.enqueue(1, 10, 5).await;
    contract.enqueue(2, 11, 5).await;
    assert_eq!(contract.finish(1, CommandStatus::Error).await, Recorded::Written);
    assert_eq!(contract.finish(1, CommandStatus::Acknowledged).await, Recorded::Ignored);
    assert_eq!(contract.not_now(1).await, Recorded::Ignored);
    assert_eq!(contract.finish(9, CommandStatus::Acknowledged).await, Recorded::Ignored, "an unknown one");
    assert_eq!(contract.not_now(9).await, Recorded::Ignored);
    assert_eq!(contract.device().await.waiting, 1);
    let shown = contract.show(1).await;
    assert_eq!(
        (shown.status, shown.result),
        (CommandStatus::Error, Some(StoredResult::Inline("Error".into())))
    );
    assert_eq!(contract.next(None).await, Some(uuid(2)));
}

#[tokio::test]
async fn who_said_not_now_is_left_alone_for_this_session() {
    let contract = Contract::new().await;
    contract.enrolled("D-1", signer("a")).await;
    for number in 1..=12 {
        contract.enqueue(number, i64::from(number), 5).await;
    }
    // More of them than one page of the query holds.
    for number in 1..=10 {
        assert_eq!(contract.not_now(number).await, Recorded::Written);
    }
    assert_eq!(contract.next(Some(10)).await, Some(uuid(11)));
    assert_eq!(contract.next(Some(11)).await, Some(uuid(12)));
    let shown = contract.show(1).await;
    assert_eq!((shown.not_now_tally, shown.first_not_now_at), (1, Some(at(40))));
    contract.store.seen(&contract.scope, &id("D-1"), signer("a"), at(60), true).await.unwrap();
    assert_eq!(contract.next(None).await, Some(uuid(1)));
    assert_eq!(contract.not_now(1).await, Recorded::Written);
    assert_eq!(contract.not_now(1).await, Recorded::Ignored, "it says the same again");
    assert_eq!(contract.show(1).await.not_now_tally, 2);
    assert_eq!(contract.device().await.waiting, 12);
}

#[tokio::test]
async fn commands_of_an_earlier_enrollment_are_not_served_nor_counted() {
    let contract = Contract::new().await;
    let former = contract.enrolled("D-1", signer("a")).await;
    contract.enqueue(1, 10, 5).await;
    let again = [begun("D-1", 2, signer("a"))];
    contract.store.write_channels(&contract.scope, &again, &[(id("D-1"), 1)], None).await.unwrap();
    assert_eq!(contract.next(None).await, None);
    assert_eq!(contract.finish(1, CommandStatus::Acknowledged).await, Recorded::Ignored);
    let late = contract.store.enqueue(&contract.scope, &command(&former, 2, 12)).await.unwrap_err();
    assert_eq!(late.kind(), Kind::Conflict);
    assert_eq!(contract.device().await.waiting, 0);
}
