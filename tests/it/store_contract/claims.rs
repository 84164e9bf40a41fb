//! Claims that make a mail go out once, and things that end by themselves.

use shared::domain::token::Owner;
use shared::scope::Scope;
use shared::store::{Claim, Claimed};

use super::{Contract, at};

/// Longer than a claim's lease.
const LATER: i64 = 3_600;

#[tokio::test]
async fn a_mail_is_claimed_by_one_and_sent_once() {
    let contract = Contract::new().await;
    let store = &contract.store;
    let owner = |scope: &Scope| Owner::Tenant(scope.tenant().clone());
    let (mine, theirs) = (owner(&contract.scope), owner(&contract.another()));
    let claim = |recipient| Claim { owner: &mine, credential: "api-token.a", day: "2027-01-15", recipient };
    let take = async |recipient, seconds| store.claim_mail(&claim(recipient), at(seconds)).await.unwrap();

    assert_eq!(take("it@school.example", 0).await, Claimed::Now);
    assert_eq!(take("it@school.example", 1).await, Claimed::Busy, "another run is at it");
    assert_eq!(take("head@school.example", 1).await, Claimed::Now, "another recipient");
    let next_day = Claim { day: "2027-01-16", ..claim("it@school.example") };
    assert_eq!(store.claim_mail(&next_day, at(1)).await.unwrap(), Claimed::Now);
    let anothers = Claim { owner: &theirs, ..claim("it@school.example") };
    assert_eq!(store.claim_mail(&anothers, at(1)).await.unwrap(), Claimed::Now);

    // A run that died in between: its claim is free again after a while.
    assert_eq!(take("it@school.example", LATER).await, Claimed::Now);
    store.mail_sent(&claim("it@school.example"), at(LATER)).await.unwrap();
    assert_eq!(take("it@school.example", 3 * LATER).await, Claimed::Before, "it went out");
    store.release_mail(&claim("it@school.example")).await.unwrap();
    assert_eq!(take("it@school.example", 3 * LATER).await, Claimed::Before, "it cannot be given back");

    // Given back because the mail was refused.
    store.release_mail(&claim("head@school.example")).await.unwrap();
    assert_eq!(take("head@school.example", 2).await, Claimed::Now);
}
