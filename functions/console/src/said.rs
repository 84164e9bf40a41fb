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
    ("deleted", "All push certificates and their keys are gone."),
    ("authority-made", "The authority is made. Devices can get their identities."),
    ("authority-trusted", "Its devices are accepted from now on."),
    ("authority-retired", "Its identities are refused from now on."),
    ("enrollment-settings", "Saved. Profiles that are made from now on ask for this."),
    ("link-revoked", "The link is revoked. It opens no more."),
    ("silence-confirmed", "Confirmed. For a day the rule works, however many devices are silent."),
    ("unlocked", "Unlocked. Your services let the device in again."),
    ("member-removed", "This person cannot sign in any more."),
];

/// The sentence of this name.
pub(crate) fn text(key: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(name, _)| *name == key).map(|(_, sentence)| *sentence)
}
