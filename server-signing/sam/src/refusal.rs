//! Why an operation is refused: one variant per rule, each with one of the 14 error types and one short cause.
//!
//! Source: Tables 17 to 22, "Error Messages" and "Security Audit Log Entry", as ruled in server-signing.md 1.3. The type
//! says whether there is an audit record: see [`Refusal::audited`].

use tw4s_formats::ErrorType;

use crate::ports::{FirmwareError, RngError, StoreError};

macro_rules! refusals {
    ($($type:ident { $($variant:ident $text:literal;)+ })+) => {
        /// A refused operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Refusal { $($(#[doc = concat!("`", stringify!($type), "`: ", $text, ".")] $variant,)+)+ }

        impl Refusal {
            /// All of them.
            pub const ALL: &[Self] = &[$($(Self::$variant,)+)+];

            /// The error type of the answer.
            #[must_use]
            pub fn error_type(self) -> ErrorType {
                match self { $($(Self::$variant)|+ => ErrorType::$type,)+ }
            }

            /// The short cause, for the audit record or the log.
            #[must_use]
            pub fn cause(self) -> &'static str {
                match self { $($(Self::$variant => $text,)+)+ }
            }
        }
    };
}

refusals! {
    ContainerParseError {
        Container "the input is no peering message";
        NoRequest "the peering message carries no request";
    }
    UnknownCredentialType {
        CredentialType "the credential's type is unknown";
    }
    AuthenticationError {
        Credential "the credential is not of its type";
        CredentialSigner "the token's signer is no imported identity provider";
        CredentialSignature "the credential's signature does not verify";
        CredentialUnregistered "the token's signer is not registered for its user";
        CredentialEarly "the token is not valid yet";
        CredentialExpired "the token is expired";
        MessageAlgorithm "a message is signed with RSA or ECDSA and SHA-256";
        MessageUnregistered "the message's certificate is not registered";
        MessageEarly "the message is from the future";
        MessageExpired "the message is too old";
        MessageReplayed "the message was processed already";
    }
    UnknownUser {
        UnknownUser "the credential's user is not registered";
    }
    UnknownMessageType {
        MessageType "the message's type is unknown";
    }
    MessageParseError {
        Message "the message is not of its type";
        Sad "the SAD cannot be parsed";
        TooManyHashes "the SAD has more hashes than may be signed at once";
    }
    NotAuthorized {
        Role "the user's role does not allow this operation";
        OtherUser "the user may act for nobody else";
        NotASigner "a privileged user changes signers and itself, nobody else";
        OtherUsersKey "the key belongs to another user";
        KeyMismatch "the wrapped key is another key's";
        ActingChanged "the acting user was changed meanwhile";
    }
    InvalidInput {
        NoCertificate "the set of certificates is empty";
        BadCertificate "a certificate is no X.509 certificate in DER";
        TwiceCertificate "a certificate stands twice in the set";
        TakenCertificate "a certificate signs messages for another user";
        LockOut "the set lacks the certificate in use, so the user would be locked out";
        UserIdForm "the userid is no UUID in lower case";
        UserTaken "the userid is taken";
        NoSuchUser "there is no user with this userid";
        TargetChanged "the user was changed meanwhile";
        TargetRole "only a signer can have keys";
        KeySpecification "the algorithm is EC with a curve, or RSA with a number of bits";
        RsaBits "RSA keys of this size are not made here";
        Curve "keys on this curve are not made here";
        KeyUnsupported "the crypto module makes no such key";
        PageStart "the page's start is no UUID in lower case";
    }
    NotFound {
        NoKey "there is no key with this keyid";
        KeyDestroyed "the key was deleted";
    }
    InvalidAuthentication {
        TokenSigner "the SAD's token is signed by no imported identity provider";
        TokenSignature "the signature of the SAD's token does not verify";
        TokenUnregistered "the signer of the SAD's token is not registered for the user";
        TokenEarly "the SAD's token is not valid yet";
        TokenExpired "the SAD's token is expired";
        TokenTooLong "the SAD's token is valid for longer than a SAD may be";
        TokenUser "the SAD's token is another user's than the credential";
        TokenClaims "an extension of the SAD's token cannot be parsed, or stands twice";
        NoLevel "the SAD's token names no level of assurance";
        LowLevel "the identification level is not sufficient";
        NoScope "the scope of the SAD's token is not remote-signature";
        AlreadyUsed "already used";
        CertificatesChanged "the user's certificates were changed meanwhile";
    }
    InvalidSignature {
        SadSignature "the SAD's signature does not verify with the key in its token";
    }
    InvalidAlgorithm {
        UnknownAlgorithm "the SAD's algorithm is not known";
        HashLength "a hash does not have the length of the hash algorithm";
        AlgorithmFit "the signature algorithm does not fit the key";
    }
    NotOperational {
        Firmware "the firmware half is not operational";
        Store "the database is not operational";
        StoreFull "the database is full";
        Random "the source of random numbers is not operational";
    }
    UnexpectedError {
        StoreDamaged "the database is damaged";
        WrappedKey "the wrapped key is not as this module made it";
        Engine "the crypto module failed";
        SignatureFailed "the crypto module failed to sign; the hashes stay consumed";
        Defect "a defect of the module";
    }
}

impl Refusal {
    /// Whether an audit record tells of it. "The following errors emit regular log messages, but no audit log entries
    /// (since no acting user could be inferred)": these four and no other.
    #[must_use]
    pub fn audited(self) -> bool {
        !matches!(
            self.error_type(),
            ErrorType::ContainerParseError
                | ErrorType::UnknownCredentialType
                | ErrorType::AuthenticationError
                | ErrorType::UnknownUser
        )
    }

    /// The text of the answer: the cause, but not to somebody who is not authenticated.
    #[must_use]
    pub fn answer(self) -> &'static str {
        match self.error_type() {
            ErrorType::AuthenticationError => "the credential could not be validated",
            _ => self.cause(),
        }
    }
}

impl From<&StoreError> for Refusal {
    fn from(e: &StoreError) -> Self {
        match e {
            StoreError::Full => Self::StoreFull,
            StoreError::Damaged(_) => Self::StoreDamaged,
            StoreError::Failed(_) => Self::Store,
        }
    }
}

impl From<RngError> for Refusal {
    fn from(_: RngError) -> Self {
        Self::Random
    }
}

/// Of a credential.
pub(crate) fn of_credential(e: &FirmwareError) -> Refusal {
    match e {
        FirmwareError::UnknownSigner => Refusal::CredentialSigner,
        FirmwareError::UnregisteredSigner => Refusal::CredentialUnregistered,
        FirmwareError::TokenSignature | FirmwareError::MessageSignature => Refusal::CredentialSignature,
        other => of_work(other),
    }
}

/// Of a SAD that is to be admitted. `NoKey` says no more than that all before the key is in order: why there is none, this
/// side knows.
pub(crate) fn of_admission(e: &FirmwareError) -> Refusal {
    match e {
        FirmwareError::UnknownSigner => Refusal::TokenSigner,
        FirmwareError::UnregisteredSigner => Refusal::TokenUnregistered,
        FirmwareError::TokenSignature => Refusal::TokenSignature,
        FirmwareError::SadSignature => Refusal::SadSignature,
        FirmwareError::HashLength => Refusal::HashLength,
        FirmwareError::WrappedKey => Refusal::WrappedKey,
        FirmwareError::KeyMismatch => Refusal::KeyMismatch,
        FirmwareError::UserMismatch => Refusal::OtherUsersKey,
        FirmwareError::Algorithm => Refusal::AlgorithmFit,
        other => of_work(other),
    }
}

/// Of everything else.
pub(crate) fn of_work(e: &FirmwareError) -> Refusal {
    match e {
        FirmwareError::NotOperational(_) => Refusal::Firmware,
        FirmwareError::Unsupported => Refusal::KeyUnsupported,
        FirmwareError::Failed => Refusal::Engine,
        _ => Refusal::Defect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_type_has_a_rule() {
        for error in ErrorType::ALL {
            assert!(Refusal::ALL.iter().any(|refusal| refusal.error_type() == *error), "{error}");
        }
    }

    #[test]
    fn exactly_four_error_types_leave_no_audit_record() {
        let unaudited = ["ContainerParseError", "UnknownCredentialType", "AuthenticationError", "UnknownUser"];
        for refusal in Refusal::ALL {
            assert_eq!(refusal.audited(), !unaudited.contains(&refusal.error_type().name()), "{refusal:?}");
        }
    }

    #[test]
    fn an_unauthenticated_peer_learns_no_cause() {
        for refusal in Refusal::ALL.iter().filter(|refusal| refusal.error_type() == ErrorType::AuthenticationError) {
            assert_eq!(refusal.answer(), "the credential could not be validated");
        }
    }
}
