//! Return values: how a refusal of the token, or a failure on the way, shows in PKCS#11. The one place that knows.
//!
//! Source: PKCS#11 2.40, "Function return values". What a status means depends on what was asked: the callers that know
//! better than this table say so where they call.

use cryptoki_sys::{
    CK_RV, CKR_DATA_LEN_RANGE, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_DEVICE_REMOVED, CKR_FUNCTION_FAILED,
    CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_HANDLE_INVALID, CKR_MECHANISM_INVALID, CKR_PIN_INCORRECT,
};
use sks_client::Error;
use sks_wire::Status;

/// A return value that is not CKR_OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rv(pub(crate) CK_RV);

/// What a function returns.
pub(crate) type Result<T> = std::result::Result<T, Rv>;

impl Rv {
    /// As an error.
    pub(crate) fn err<T>(value: CK_RV) -> Result<T> {
        Err(Self(value))
    }

    /// The return value for a refusal of the token.
    pub(crate) fn of_status(status: Status) -> Self {
        Self(match status {
            Status::Authorization => CKR_PIN_INCORRECT,
            Status::NotAllowed => CKR_KEY_FUNCTION_NOT_PERMITTED,
            Status::Storage => CKR_DEVICE_MEMORY,
            Status::Crypto => CKR_FUNCTION_FAILED,
            // Deleted since it was listed.
            Status::NoKey => CKR_KEY_HANDLE_INVALID,
            Status::Algorithm => CKR_MECHANISM_INVALID,
            Status::Option => CKR_DATA_LEN_RANGE,
            Status::Mac | Status::NoSession | Status::SessionVerify | Status::Internal => CKR_DEVICE_ERROR,
        })
    }
}

impl From<Error> for Rv {
    fn from(error: Error) -> Self {
        Self::from_ref(&error)
    }
}

impl Rv {
    /// The return value for a call that has no result.
    pub(crate) fn from_ref(error: &Error) -> Self {
        match error {
            Error::Refused(refused) => Self::of_status(refused.status),
            Error::Absent { .. } => Self(CKR_DEVICE_REMOVED),
            Error::Argument(_) => Self(CKR_DATA_LEN_RANGE),
            // Whether the token acted is not known, so nothing is said of the result.
            _ => Self(CKR_DEVICE_ERROR),
        }
    }
}

/// The token's status, if it refused.
pub(crate) fn status(error: &Error) -> Option<Status> {
    error.refused().map(|refused| refused.status)
}
