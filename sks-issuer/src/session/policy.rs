//! PUK and PIN policies.

use sks_wire::Secret;
use sks_wire::method::{create_pin_policy, create_puk_policy};
use sks_wire::types::{Format, Grouping, Id, InputMethod, Octet, PinPolicyHandle, ProvisioningHandle, PukPolicyHandle};

use super::{Session, Step};
use crate::transport::Transport;

/// A PUK policy to be created.
#[derive(Clone, Debug)]
pub struct PukPolicyOptions {
    /// Unique among the session's PUK policies.
    pub id: Id,
    /// The PUK, 1 to 100 bytes.
    pub puk: Secret,
    /// What it is made of.
    pub format: Format,
    /// Wrong PUKs in a row that lock it for ever; 0 never locks but delays.
    pub retry_limit: u8,
}

/// A PUK policy of this session, with the PUK, which the keys' attestations cover.
#[derive(Clone, Debug)]
pub struct PukPolicy {
    /// PUKPolicyHandle.
    pub handle: PukPolicyHandle,
    /// What it was created from.
    pub options: PukPolicyOptions,
}

/// A PIN policy to be created.
#[derive(Clone, Debug)]
pub struct PinPolicyOptions {
    /// Unique among the session's PIN policies.
    pub id: Id,
    /// Whether the user sets the PINs, else the issuer does.
    pub user_defined: bool,
    /// Whether the user may change them later.
    pub user_modifiable: bool,
    /// What they are made of.
    pub format: Format,
    /// Wrong PINs in a row that lock a key; not 0.
    pub retry_limit: u8,
    /// How the PINs of several keys relate.
    pub grouping: Grouping,
    /// Bits of [`sks_wire::types::pattern`].
    pub pattern_restrictions: u8,
    /// Shortest PIN in bytes; not 0.
    pub min_length: u8,
    /// Longest PIN in bytes, at most 100.
    pub max_length: u8,
    /// A wish to middleware.
    pub input_method: InputMethod,
}

impl PinPolicyOptions {
    /// PINs that the user sets and may change: UTF-8 of 4 to 100 bytes, one for all keys, locked by 3 wrong ones.
    #[must_use]
    pub fn new(id: Id) -> Self {
        Self {
            id,
            user_defined: true,
            user_modifiable: true,
            format: Format::String,
            retry_limit: 3,
            grouping: Grouping::Shared,
            pattern_restrictions: 0,
            min_length: 4,
            max_length: 100,
            input_method: InputMethod::Any,
        }
    }

    pub(super) fn request(&self, handle: ProvisioningHandle, puk: PukPolicyHandle) -> create_pin_policy::Request {
        create_pin_policy::Request {
            provisioning_handle: handle,
            id: self.id.clone(),
            puk_policy_handle: puk,
            user_defined: self.user_defined,
            user_modifiable: self.user_modifiable,
            format: self.format.into(),
            retry_limit: Octet(self.retry_limit),
            grouping: self.grouping.into(),
            pattern_restrictions: Octet(self.pattern_restrictions),
            min_length: Octet(self.min_length),
            max_length: Octet(self.max_length),
            input_method: self.input_method.into(),
        }
    }
}

/// A PIN policy of this session.
#[derive(Clone, Debug)]
pub struct PinPolicy {
    /// PINPolicyHandle.
    pub handle: PinPolicyHandle,
    /// What was sent to create it; the keys' attestations cover it.
    pub request: create_pin_policy::Request,
    /// The PUK policy that governs it.
    pub puk: Option<PukPolicy>,
}

impl<T: Transport> Session<T> {
    /// Creates a PUK policy; its PUK goes encrypted.
    ///
    /// # Errors
    /// Those of the call.
    pub fn create_puk_policy(&mut self, options: PukPolicyOptions) -> Step<T, PukPolicy> {
        let request = create_puk_policy::Request {
            provisioning_handle: self.handle,
            id: options.id.clone(),
            puk_value: self.record.key.encrypt(options.puk.expose())?,
            format: options.format.into(),
            retry_limit: options.retry_limit,
        };
        let answer = self.spend(1, &request)?;
        Ok(PukPolicy { handle: answer.puk_policy_handle, options })
    }

    /// Creates a PIN policy, governed by a PUK policy or by none.
    ///
    /// # Errors
    /// Those of the call.
    pub fn create_pin_policy(&mut self, options: &PinPolicyOptions, puk: Option<&PukPolicy>) -> Step<T, PinPolicy> {
        let request = options.request(self.handle, puk.map_or(PukPolicyHandle(0), |puk| puk.handle));
        let answer = self.spend(0, &request)?;
        Ok(PinPolicy { handle: answer.pin_policy_handle, request, puk: puk.cloned() })
    }
}
