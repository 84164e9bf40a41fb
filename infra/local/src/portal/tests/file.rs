//! What the portal accepts, refuses, issues and remembers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Ref};
use shared::time::{Clock, DAY, SignedDuration, days_until};

use super::super::fixture::{self, KEY, RequestFile};
use super::super::{Portal, Refusal, Vendor};

fn faults(portal: &Portal, file: &str) -> Vec<String> {
    portal.check(file).err().unwrap_or_default()
}

fn text(certificate: &X509Ref, nid: Nid) -> String {
    certificate.subject_name().entries_by_nid(nid).next().unwrap().data().to_string().unwrap()
}

fn certificate(pem: &str) -> X509 {
    X509::from_pem(pem.as_bytes()).unwrap()
}

fn p256_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

#[test]
fn create_makes_a_topic_and_renew_keeps_it() {
    let (portal, clock, vendor) = fixture::portal();
    let file = RequestFile::good(&vendor).encode();
    let created = portal.issue(&file).unwrap();
    let first = certificate(&created.pem);
    let uuid = created.uid.strip_prefix("com.apple.mgmt.External.").unwrap();
    assert_eq!(uuid, uuid::Uuid::try_parse(uuid).unwrap().to_string());
    assert_eq!(text(&first, Nid::USERID), created.uid);
    assert_eq!(text(&first, Nid::COMMONNAME), format!("APSP:{uuid}"));
    assert_eq!(text(&first, Nid::COUNTRYNAME), "BE");
    assert!(first.public_key().unwrap().public_eq(&KEY));

    let renewed = certificate(&portal.renew(&created.uid, &file).unwrap().pem);
    assert_eq!(text(&renewed, Nid::USERID), created.uid);
    assert!(renewed.serial_number().to_bn().unwrap() != first.serial_number().to_bn().unwrap());

    let another = portal.issue(&file).unwrap();
    assert_ne!(another.uid, created.uid);
    let rows = portal.list().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].vendor, "MDM Vendor: Pomarium Test");
    assert_eq!(rows[0].serial, renewed.serial_number().to_bn().unwrap().to_hex_str().unwrap().to_lowercase());
    assert_eq!(days_until(clock.now(), rows[0].expires_at), 365);
}

#[test]
fn a_revoked_certificate_is_not_renewed() {
    let (portal, _clock, vendor) = fixture::portal();
    let file = RequestFile::good(&vendor).encode();
    let uid = portal.issue(&file).unwrap().uid;
    portal.revoke(&uid).unwrap();
    let refusal = portal.renew(&uid, &file).unwrap_err();
    assert!(
        matches!(refusal, Refusal::Faults(faults) if faults == ["This certificate was revoked. Create a new one."])
    );
    assert!(matches!(portal.renew("com.apple.mgmt.External.x", &file), Err(Refusal::Unknown)));
    assert!(matches!(portal.revoke("com.apple.mgmt.External.x"), Err(Refusal::Unknown)));
}

#[test]
fn a_file_that_cannot_be_read_says_where_it_ends() {
    let (portal, _clock, _vendor) = fixture::portal();
    for (file, fault) in [
        ("{}".to_owned(), "The file is not base64 text."),
        (STANDARD.encode("-----BEGIN"), "The file does not hold an XML property list inside its base64."),
        (STANDARD.encode("<plist><string/></plist>"), "The property list is not one flat dictionary."),
        (fixture::encode(&"<array>".repeat(100_000)), "The property list is not one flat dictionary."),
        (fixture::encode(&"<dict>".repeat(100_000)), "The property list is not one flat dictionary."),
    ] {
        assert_eq!(faults(&portal, &file), [fault]);
    }
    let entries = "<key>PushCertRequestCSR</key><integer>1</integer><key>PushCertSignature</key><string/>";
    assert_eq!(
        faults(&portal, &fixture::encode(entries)),
        ["The value of PushCertRequestCSR is not a string.", "The key PushCertCertificateChain is missing."]
    );
}

#[test]
fn a_wrong_signing_request_is_refused_by_its_own_reason() {
    let (portal, _clock, vendor) = fixture::portal();
    let fault =
        |request: String| faults(&portal, &RequestFile { request, ..RequestFile::good(&vendor) }.encode());
    let mut tampered = fixture::request(&KEY);
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    let small = PKey::from_rsa(Rsa::generate(1_024).unwrap()).unwrap();
    for (request, expected) in [
        ("%".to_owned(), "PushCertRequestCSR is not base64 text."),
        (STANDARD.encode("DER"), "PushCertRequestCSR is not a certificate signing request in DER form."),
        (STANDARD.encode(tampered), "The signing request's own signature is wrong."),
        (STANDARD.encode(fixture::request(&p256_key())), "The signing request's key is not RSA."),
        (
            STANDARD.encode(fixture::request(&small)),
            "The signing request's key has 1024 bits; 2048 are needed.",
        ),
    ] {
        assert_eq!(fault(request), [expected]);
    }
}

#[test]
fn a_wrong_chain_is_refused_by_its_own_reason() {
    let (portal, clock, vendor) = fixture::portal();
    let fault =
        |chain: String| faults(&portal, &RequestFile { chain, ..RequestFile::good(&vendor) }.encode());
    let (_elsewhere, _clock, foreign) = fixture::portal();
    let Vendor { certificate, chain, .. } = &vendor;
    for (chain, expected) in [
        (
            format!("{certificate}{chain}").replace('\n', ""),
            "PushCertCertificateChain has PEM lines of more than 64 characters.",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            "PushCertCertificateChain is not a list of PEM certificates.",
        ),
        (
            certificate.clone(),
            "PushCertCertificateChain has 1 certificates; it needs three: vendor, intermediate, root.",
        ),
        (
            format!("{chain}{certificate}"),
            "PushCertCertificateChain is not in the order vendor, intermediate, root, each issued by the next.",
        ),
        (
            format!("{}{}", foreign.certificate, foreign.chain),
            "The vendor's chain ends at the unknown root \"Pomarium Test Vendor Root\".",
        ),
    ] {
        assert_eq!(fault(chain), [expected]);
    }
    clock.set(clock.now() + SignedDuration::from_secs(731 * DAY));
    let expired = RequestFile::good(&vendor).encode();
    assert_eq!(
        faults(&portal, &expired),
        ["The vendor's certificate is not valid: certificate has expired."]
    );
    let renewed = portal.make_vendor().unwrap();
    assert_eq!(faults(&portal, &RequestFile::good(&renewed).encode()), [""; 0]);
    // A clock that was set back must not leave a vendor who is not yet one.
    clock.set(clock.now() - SignedDuration::from_secs(800 * DAY));
    let of_then = portal.make_vendor().unwrap();
    assert_eq!(faults(&portal, &RequestFile::good(&of_then).encode()), [""; 0]);
}

#[test]
fn a_wrong_signature_is_refused_by_its_own_reason() {
    let (portal, _clock, vendor) = fixture::portal();
    let good = RequestFile::good(&vendor);
    let spoilt = |signature: String| {
        faults(
            &portal,
            &RequestFile { signature, request: good.request.clone(), chain: good.chain.clone() }.encode(),
        )
    };
    assert_eq!(spoilt("%".to_owned()), ["PushCertSignature is not base64 text."]);
    let wrong = "PushCertSignature is not the vendor's signature over the signing request in DER form.";
    assert_eq!(spoilt(STANDARD.encode([7; 256])), [wrong]);
    let sha1 = RequestFile::signed(&vendor, &KEY, MessageDigest::sha1()).encode();
    assert_eq!(faults(&portal, &sha1), ["PushCertSignature is made with SHA-1; SHA-256 is needed."]);
}

#[test]
fn faults_of_request_and_chain_are_told_together() {
    let (portal, _clock, vendor) = fixture::portal();
    let file = RequestFile { request: "%".to_owned(), chain: String::new(), ..RequestFile::good(&vendor) };
    assert_eq!(faults(&portal, &file.encode()).len(), 2);
}

#[test]
fn everything_survives_a_restart() {
    let directory = std::env::temp_dir().join(format!("pomarium-portal-{}", std::process::id()));
    let clock = Clock::fixed(shared::time::from_unix(1_798_761_600));
    let open = || Portal::create(Some(directory.clone()), clock.clone()).unwrap();
    let portal = open();
    let vendor = portal.make_vendor().unwrap();
    let file = RequestFile::good(&vendor).encode();
    let uid = portal.issue(&file).unwrap().uid;
    let again = open();
    assert_eq!(again.make_vendor().unwrap().certificate, vendor.certificate);
    assert_eq!(again.list().unwrap(), portal.list().unwrap());
    let renewed = certificate(&again.renew(&uid, &file).unwrap().pem);
    let issuer = portal.issuer_roots().remove(1);
    assert!(renewed.verify(&issuer.public_key().unwrap()).unwrap());
    std::fs::remove_dir_all(directory).unwrap();
}
