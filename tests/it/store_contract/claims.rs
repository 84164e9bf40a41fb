//! Claims that make a mail go out once, and things that end by themselves.

use shared::store::Claim;

use super::{Contract, at, signer};

/// Longer than a claim's lease.
const LATER: i64 = 3_600;

#[tokio::test]
async fn a_mail_is_claimed_by_one_and_sent_once() {
    let contract = Contract::new().await;
    let (store, scope) = (&contract.store, &contract.scope);
    let claim = |recipient| Claim { certificate: signer("a"), day: "2027-01-15", recipient };
    let take =
        async |recipient, seconds| store.claim_mail(scope, &claim(recipient), at(seconds)).await.unwrap();

    assert!(take("it@school.example", 0).await);
    assert!(!take("it@school.example", 1).await, "another run is at it");
    assert!(take("head@school.example", 1).await, "another recipient");
    let next_day = Claim { day: "2027-01-16", ..claim("it@school.example") };
    assert!(store.claim_mail(scope, &next_day, at(1)).await.unwrap());
    assert!(store.claim_mail(&contract.another(), &claim("it@school.example"), at(1)).await.unwrap());

    // A run that died in between: its claim is free again after a while.
    assert!(take("it@school.example", LATER).await);
    store.mail_sent(scope, &claim("it@school.example"), at(LATER)).await.unwrap();
    assert!(!take("it@school.example", 3 * LATER).await, "it went out");
    store.release_mail(scope, &claim("it@school.example")).await.unwrap();
    assert!(!take("it@school.example", 3 * LATER).await, "what went out cannot be given back");

    // Given back because the mail was refused.
    store.release_mail(scope, &claim("head@school.example")).await.unwrap();
    assert!(take("head@school.example", 2).await);
}
