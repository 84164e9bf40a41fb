//! Reads an uploaded push certificate request as Apple would, and says everything that is wrong with it.
//!
//! Deliberately shares no code with the product's own writer of these files: it is a second opinion.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::sign::Verifier;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509PurposeId, X509Req, X509StoreContext};
use plist::{Dictionary, Value};
use shared::time::Timestamp;

/// A request that Apple would accept.
pub struct Checked {
    /// The customer's certificate signing request.
    pub request: X509Req,
    /// The common name of the vendor who signed it.
    pub vendor: String,
}

/// Checks `file`, the base64 text that a customer uploads, against the vendors' root at the time `now`.
///
/// # Errors
/// Everything that is wrong, in the order of the file, each in one sentence. What cannot be read hides what is
/// inside it.
pub(super) fn check(file: &str, vendor_root: &X509, now: Timestamp) -> Result<Checked, Vec<String>> {
    let dictionary = read_dictionary(file).map_err(|fault| vec![fault])?;
    let texts = read_texts(&dictionary)?;
    match (check_request(&texts.request), check_chain(&texts.chain, vendor_root, now)) {
        (Ok((request, der)), Ok(vendor)) => {
            check_signature(&texts.signature, &der, &vendor).map_err(|fault| vec![fault])?;
            Ok(Checked { request, vendor: common_name(&vendor) })
        }
        (request, chain) => Err([request.err(), chain.err()].into_iter().flatten().collect()),
    }
}

fn read_dictionary(file: &str) -> Result<Dictionary, String> {
    let compact: String = file.split_ascii_whitespace().collect();
    let plist = STANDARD.decode(compact).map_err(|_| "The file is not base64 text.")?;
    // The parser recurses without a limit, so anything nested is refused before it sees it.
    let text = String::from_utf8_lossy(&plist);
    if text.contains("<array") || text.matches("<dict").count() > 1 {
        return Err("The property list is not one flat dictionary.".to_owned());
    }
    let value = Value::from_reader_xml(plist.as_slice())
        .map_err(|_| "The file does not hold an XML property list inside its base64.")?;
    value.into_dictionary().ok_or_else(|| "The property list is not one flat dictionary.".to_owned())
}

/// The three strings of the property list.
struct Texts {
    request: String,
    chain: String,
    signature: String,
}

fn read_texts(dictionary: &Dictionary) -> Result<Texts, Vec<String>> {
    let text = |key: &str| match dictionary.get(key) {
        None => Err(format!("The key {key} is missing.")),
        Some(value) => {
            value.as_string().map(str::to_owned).ok_or_else(|| format!("The value of {key} is not a string."))
        }
    };
    let texts = (text("PushCertRequestCSR"), text("PushCertCertificateChain"), text("PushCertSignature"));
    match texts {
        (Ok(request), Ok(chain), Ok(signature)) => Ok(Texts { request, chain, signature }),
        (request, chain, signature) => {
            Err([request.err(), chain.err(), signature.err()].into_iter().flatten().collect())
        }
    }
}

fn check_request(text: &str) -> Result<(X509Req, Vec<u8>), String> {
    let der = STANDARD.decode(text.trim()).map_err(|_| "PushCertRequestCSR is not base64 text.")?;
    let request = X509Req::from_der(&der)
        .map_err(|_| "PushCertRequestCSR is not a certificate signing request in DER form.")?;
    let key = request.public_key().map_err(|_| "The signing request's public key cannot be read.")?;
    if !request.verify(&key).unwrap_or(false) {
        return Err("The signing request's own signature is wrong.".to_owned());
    }
    if key.id() != Id::RSA {
        return Err("The signing request's key is not RSA.".to_owned());
    }
    if key.bits() < 2_048 {
        return Err(format!("The signing request's key has {} bits; 2048 are needed.", key.bits()));
    }
    Ok((request, der))
}

/// Returns the vendor's certificate once its chain is in order.
fn check_chain(text: &str, vendor_root: &X509, now: Timestamp) -> Result<X509, String> {
    if text.lines().any(|line| line.len() > 64) {
        return Err("PushCertCertificateChain has PEM lines of more than 64 characters.".to_owned());
    }
    let certificates = X509::stack_from_pem(text.as_bytes())
        .map_err(|_| "PushCertCertificateChain is not a list of PEM certificates.")?;
    let [vendor, intermediate, root] = certificates.as_slice() else {
        return Err(format!(
            "PushCertCertificateChain has {} certificates; it needs three: vendor, intermediate, root.",
            certificates.len()
        ));
    };
    let issued_by = |certificate: &X509, issuer: &X509| {
        issuer.public_key().and_then(|key| certificate.verify(&key)).unwrap_or(false)
    };
    if !issued_by(vendor, intermediate) || !issued_by(intermediate, root) || !issued_by(root, root) {
        return Err("PushCertCertificateChain is not in the order vendor, intermediate, root, each issued by the next."
            .to_owned());
    }
    if root.to_der().ok() != vendor_root.to_der().ok() {
        return Err(format!("The vendor's chain ends at the unknown root \"{}\".", common_name(root)));
    }
    match verify(vendor, intermediate, root, now) {
        Ok(None) => Ok(vendor.clone()),
        Ok(Some(fault)) => Err(format!("The vendor's certificate is not valid: {fault}.")),
        Err(error) => Err(format!("The vendor's certificate cannot be checked: {error}.")),
    }
}

/// What is wrong with the chain at the time `now`, if anything.
fn verify(
    vendor: &X509,
    intermediate: &X509,
    root: &X509,
    now: Timestamp,
) -> Result<Option<String>, openssl::error::ErrorStack> {
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_time(now.as_second());
    parameters.set_purpose(X509PurposeId::ANY)?;
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(root.clone())?;
    store.set_param(&parameters)?;
    let mut between = Stack::new()?;
    between.push(intermediate.clone())?;
    X509StoreContext::new()?.init(&store.build(), vendor, &between, |context| {
        let good = context.verify_cert()?;
        Ok((!good).then(|| context.error().error_string().to_owned()))
    })
}

fn check_signature(text: &str, der: &[u8], vendor: &X509) -> Result<(), String> {
    let signature = STANDARD.decode(text.trim()).map_err(|_| "PushCertSignature is not base64 text.")?;
    let signed_with = |digest: MessageDigest| {
        let key = vendor.public_key()?;
        Verifier::new(digest, &key)?.verify_oneshot(&signature, der)
    };
    if signed_with(MessageDigest::sha256()).unwrap_or(false) {
        Ok(())
    } else if signed_with(MessageDigest::sha1()).unwrap_or(false) {
        Err("PushCertSignature is made with SHA-1; SHA-256 is needed.".to_owned())
    } else {
        Err("PushCertSignature is not the vendor's signature over the signing request in DER form."
            .to_owned())
    }
}

fn common_name(certificate: &X509) -> String {
    let mut names = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    names.next().and_then(|name| name.data().to_string().ok()).unwrap_or_default()
}
