//! What the console says after something was done. Pages are told which sentence by its name in their address, so that
//! no stranger's link can put words into the console's mouth.

const SENTENCES: &[(&str, &str)] = &[
    ("saved", "Saved."),
    ("member-set", "Saved. Who is new was told by mail where to sign in."),
    ("request-made", "The request is made. Now take it to Apple's portal."),
    ("request-cancelled", "The request is given up."),
    ("staged", "The certificate is here. Nothing has changed yet: see what it is."),
    ("discarded", "The upload is gone. Nothing has changed."),
    ("activated", "The push certificate is active, and Apple accepts it. Devices can enroll now."),
    (
        "activated-unchecked",
        "It is active, although Apple's push service did not accept it. The reason stands in the audit log.",
    ),
    ("renewed", "Renewed for a year. Your devices noticed nothing, and the mails stop."),
    ("replaced", "The certificate is replaced. Devices enrolled before must enroll again."),
    ("rolled-back", "The former certificate is active again."),
    ("token-deleted", "The token is gone. Who uses it is turned away within half a minute."),
    ("signer-installed", "Installed. It signs from the next profile on."),
    ("signer-removed", "It is gone, and its key with it."),
    ("webhook-made", "The webhook is made. It is told of what happens from now on."),
    ("webhook-on", "It is on, and goes on where it stopped."),
    ("webhook-off", "It is off. What happens meanwhile waits in the log."),
    ("webhook-replayed", "Deliveries begin again from that moment."),
    ("webhook-deleted", "The webhook is gone."),
    ("vendor-installed", "Installed. The first one signs at once, a later one when you let it."),
    ("vendor-activated", "It signs every tenant's request from now on."),
    ("vendor-deleted", "It is gone, and its key with it."),
    ("group-made", "The group is made. It is empty."),
    ("group-deleted", "The group is gone."),
    ("refresh-changed", "Saved. It takes effect within the hour."),
    ("put-off", "Its mails are put off. A renewal ends that by itself."),
    ("asked", "The mails are on their way. Mails resume when somebody presses the button in theirs."),
    ("asked-before", "Nobody was asked: everybody confirmed, or was asked within the hour."),
    ("deleted", "All push certificates and their keys are gone."),
    ("command-sent", "Sent. The device is woken, and answers when it is awake."),
    (
        "approval-asked",
        "A colleague must approve it before anything happens: send them the address of this page.",
    ),
    ("commands-sent", "Sent. Devices are woken, and answer when they are awake."),
    ("command-approved", "Approved. It is queued now."),
    ("job-stopped", "Stopped. What was queued before stays queued."),
    ("command-cancelled", "Taken back. A device that has fetched it already may still answer."),
    ("command-retried", "It waits again, and the device is woken."),
    ("queue-cleared", "Nothing waits for this device any more."),
    ("identity-renewal", "The device is asked to renew its identity."),
    ("identity-revoked", "The identity is revoked. The device is not heard before it enrolls anew."),
    ("access-unlocked", "Your services let this device in again."),
    ("device-retired", "The device is out of the lists. Its history stays."),
    ("device-unenrolled", "The device is told to remove its profile when it is next awake."),
    ("member-removed", "This person cannot sign in any more."),
];

/// The sentence of this name.
pub(crate) fn text(key: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(name, _)| *name == key).map(|(_, sentence)| *sentence)
}
