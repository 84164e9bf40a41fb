//! Bodies a real MDM client sent, byte for byte: the recorded requests of `tests/fixtures/captures` without their heads.

macro_rules! captured {
    ($name:literal) => {
        body(include_str!(concat!("../../../tests/fixtures/captures/", $name, ".req.http")))
    };
}

pub(super) const AUTHENTICATE: &str = captured!("0001-nanomdm-Authenticate");
/// With a push token of 9 bytes.
pub(super) const TOKEN_UPDATE: &str = captured!("0002-nanomdm-TokenUpdate");
pub(super) const IDLE: &str = captured!("0007-nanomdm-Report-Idle");
pub(super) const DEVICE_INFORMATION: &str = captured!("0008-nanomdm-Report-Acknowledged-DeviceInformation");
pub(super) const PROFILE_LIST: &str = captured!("0009-nanomdm-Report-Acknowledged-ProfileList");
/// With an empty RequestType.
pub(super) const INSTALL_PROFILE: &str = captured!("0010-nanomdm-Report-Acknowledged");
pub(super) const SECURITY_INFO_ERROR: &str = captured!("0011-nanomdm-Report-Error-SecurityInfo");

pub(super) const ALL: [&str; 7] = [
    AUTHENTICATE,
    TOKEN_UPDATE,
    IDLE,
    DEVICE_INFORMATION,
    PROFILE_LIST,
    INSTALL_PROFILE,
    SECURITY_INFO_ERROR,
];

/// What follows the empty line that ends a request's head.
const fn body(request: &str) -> &str {
    let bytes = request.as_bytes();
    let mut at = 4;
    while !matches!(bytes.split_at(at).0, [.., b'\r', b'\n', b'\r', b'\n']) {
        at += 1;
    }
    request.split_at(at).1
}
