use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::stack::Stack;
use openssl::x509::extension::KeyUsage;

use super::super::authority::{self, AuthoritySubject};
use super::super::fixture::{self, Chain, NOW, day};
use super::super::profile_signature;
use super::*;

fn leaf(chain: &Chain, number: usize) -> X509 {
    chain.issue(&fixture::name(&[(Nid::COMMONNAME, "profiles.school.example")]), number, (-1, 365))
}

fn key_pem(number: usize) -> Vec<u8> {
    fixture::key(number).private_key_to_pem_pkcs8().unwrap()
}

fn code(read: Result<ProfileSigner>) -> &'static str {
    read.err().unwrap().code()
}

fn pfx(chain: &Chain, password: &str) -> Vec<u8> {
    let mut others = Stack::new().unwrap();
    others.push(chain.root.clone()).unwrap();
    others.push(chain.intermediate.clone()).unwrap();
    let mut builder = Pkcs12::builder();
    builder.pkey(fixture::key(1)).cert(&leaf(chain, 1)).ca(others);
    builder.build2(password).unwrap().to_der().unwrap()
}

#[test]
fn a_pfx_or_pem_files_in_any_order_make_a_signer_with_its_chain_in_order() {
    let chain = Chain::new();
    let certificate = leaf(&chain, 1).to_pem().unwrap();
    let rest = [chain.root.to_pem().unwrap(), chain.intermediate.to_pem().unwrap()].concat();
    let one_file = [rest.clone(), key_pem(1), certificate.clone()].concat();
    let password = Secret::new("right".to_owned());
    for signer in [
        ProfileSigner::read(&certificate, Some(&key_pem(1)), Some(&rest), None),
        ProfileSigner::read(&one_file, None, None, None),
        ProfileSigner::read(&pfx(&chain, "right"), None, None, Some(&password)),
    ] {
        let signer = signer.unwrap();
        assert_eq!(signer.common_name(), "profiles.school.example");
        assert_eq!(signer.issuer(), "Test Intermediate");
        assert_eq!(signer.chain, [chain.intermediate.clone(), chain.root.clone()]);
        signer.check_validity(*NOW).unwrap();
        let credential = super::super::Credential { certificate: signer.certificate, key: signer.key };
        let signed = profile_signature::sign(b"profile", &credential, &signer.chain).unwrap();
        assert_eq!(profile_signature::open(&signed).unwrap().0, b"profile");
    }
}

#[test]
fn a_public_root_may_be_left_out_and_the_issuer_may_not() {
    let chain = Chain::new();
    let certificate = leaf(&chain, 1).to_pem().unwrap();
    let intermediate = chain.intermediate.to_pem().unwrap();
    let signer = ProfileSigner::read(&certificate, Some(&key_pem(1)), Some(&intermediate), None).unwrap();
    assert_eq!(signer.chain.len(), 1);
    let root = chain.root.to_pem().unwrap();
    for rest in [None, Some(&b" \n"[..]), Some(&root)] {
        let error = ProfileSigner::read(&certificate, Some(&key_pem(1)), rest, None).err().unwrap();
        assert_eq!((error.code(), error.field()), ("profile-signer-chain-missing", Some("chain")));
        assert!(error.to_string().contains("\"Test Intermediate\""));
    }
    let alone = fixture::authority("Alone", 1, None);
    assert!(ProfileSigner::read(&alone.to_pem().unwrap(), Some(&key_pem(1)), None, None).is_ok());
}

#[test]
fn every_wrong_file_has_its_own_answer() {
    let chain = Chain::new();
    let certificate = leaf(&chain, 1).to_pem().unwrap();
    let read = |file: &[u8], key: Option<&[u8]>, rest: Option<&[u8]>, password: Option<&str>| {
        let password = password.map(|text| Secret::new(text.to_owned()));
        code(ProfileSigner::read(file, key, rest, password.as_ref()))
    };
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let curve = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let curve = curve.private_key_to_pem_pkcs8().unwrap();
    assert_eq!(read(b"words", None, None, None), "profile-signer-unreadable");
    assert_eq!(read(&key_pem(1), None, None, None), "profile-signer-unreadable");
    assert_eq!(read(&certificate, Some(&key_pem(1)), Some(b"words"), None), "profile-signer-unreadable");
    assert_eq!(read(&certificate, None, None, None), "profile-signer-key-missing");
    assert_eq!(read(&certificate, Some(&key_pem(2)), None, None), "profile-signer-wrong-key");
    assert_eq!(read(&certificate, Some(&curve), None, None), "profile-signer-not-rsa");
    assert_eq!(read(&certificate, Some(b"words"), None, None), "private-key-unreadable");
    assert_eq!(read(&pfx(&chain, "right"), None, None, None), "pkcs12-needs-password");
    assert_eq!(read(&pfx(&chain, "right"), None, None, Some("wrong")), "pkcs12-wrong-password");
}

#[test]
fn a_key_that_may_only_decipher_does_not_sign() {
    let subject =
        AuthoritySubject { common_name: "School".into(), organization: "School".into(), country: None };
    let may = authority::create(&subject, fixture::key(1), [1; 16], *NOW).unwrap();
    assert!(ProfileSigner::read(&may.to_pem().unwrap(), Some(&key_pem(1)), None, None).is_ok());

    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(may.subject_name()).unwrap();
    builder.set_issuer_name(may.subject_name()).unwrap();
    builder.set_pubkey(fixture::key(1)).unwrap();
    builder.set_not_before(may.not_before()).unwrap();
    builder.set_not_after(may.not_after()).unwrap();
    builder.append_extension(KeyUsage::new().key_encipherment().build().unwrap()).unwrap();
    builder.sign(fixture::key(1), MessageDigest::sha256()).unwrap();
    let may_not = builder.build().to_pem().unwrap();
    assert_eq!(
        code(ProfileSigner::read(&may_not, Some(&key_pem(1)), None, None)),
        "profile-signer-may-not-sign"
    );
}

#[test]
fn a_certificate_that_would_swell_every_profile_is_refused() {
    let organization = "x".repeat(60);
    let entries: Vec<(Nid, &str)> = vec![(Nid::ORGANIZATIONALUNITNAME, &organization); 1_000];
    let name = fixture::name(&entries);
    let large = fixture::certificate(&name, fixture::key(1), (&name, fixture::key(1)), false, (-1, 1));
    let read = ProfileSigner::read(&large.to_der().unwrap(), Some(&key_pem(1)), None, None);
    assert_eq!(code(read), "profile-signer-too-large");
}

#[test]
fn time_decides_whether_it_may_be_used() {
    let chain = Chain::new();
    let intermediate = chain.intermediate.to_pem().unwrap();
    let certificate = leaf(&chain, 1).to_pem().unwrap();
    let signer = ProfileSigner::read(&certificate, Some(&key_pem(1)), Some(&intermediate), None).unwrap();
    assert_eq!(signer.check_validity(day(365)).unwrap_err().code(), "profile-signer-expired");
    assert_eq!(signer.check_validity(day(-2)).unwrap_err().code(), "profile-signer-not-yet-valid");
}
