//! Which methods work inside a provisioning session, and which failures end it.
//!
//! Source: SKS API V0.35, createProvisioningSession, Remarks: "If any succeeding operation in the same provisioning
//! session, is regarded as incorrect by the SKS, the session MUST be terminated".

use sks_wire::MethodId;

/// How a method relates to provisioning sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An operation in the open session that its first argument names: any failure ends that session.
    Operation,
    /// Needs the open session that its first argument names, but never ends it by failing.
    InSession,
    /// Needs no session and ends none.
    Free,
}

/// The class of a method.
#[must_use]
pub fn class(id: MethodId) -> Class {
    use MethodId as M;
    match id {
        M::CloseProvisioningSession
        | M::SignProvisioningSessionData
        | M::CreatePukPolicy
        | M::CreatePinPolicy
        | M::CreateKeyPair
        | M::SetCertificatePath
        | M::SetSymmetricKey
        | M::AddExtensionData
        | M::RestorePrivateKey
        | M::PostProvisioningDeleteKey
        | M::PostProvisioningUpdateKey => Class::Operation,
        M::AbortProvisioningSession | M::GetKeyHandle => Class::InSession,
        M::CreateProvisioningSession
        | M::GetProvisioningSession
        | M::EnumerateProvisioningSessions
        | M::GetDeviceInfo
        | M::EnumerateKeys
        | M::SignHashedData
        | M::GetKeyProtectionInfo
        | M::GetExtensionObject
        | M::DeleteKey
        | M::UnlockKey
        | M::ExportKey
        | M::AsymmetricKeyDecrypt
        | M::PerformHmac
        | M::SymmetricKeyEncrypt
        | M::KeyAgreement
        | M::ChangePin
        | M::SetPin
        | M::GetKeyAttributes
        | M::VerifyPin
        | M::GetKeyGroup
        | M::GetChangeCount
        | M::CreateVolatileSession => Class::Free,
    }
}
