//! What a key gets after its creation, and what a session does to the keys of earlier ones.

use sks_wire::algorithm::Algorithm;
use sks_wire::method::{
    Method, add_extension_data, post_provisioning_delete_key, post_provisioning_update_key, restore_private_key,
    set_certificate_path, set_symmetric_key,
};
use sks_wire::types::{BaseType, Blob, Choice, KeyHandle};
use sks_wire::{MethodId, Secret};

use super::key::{CertifiedKey, KeyPair};
use super::record::SessionRecord;
use super::{Session, Step};
use crate::error::Error;
use crate::transport::Transport;

/// An extension object.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its type, a URI, unique for the key.
    pub extension_type: String,
    /// What kind of object.
    pub base_type: BaseType,
    /// The MIME type of a logotype, else empty.
    pub qualifier: String,
    /// The object in clear; an EncryptedExtension is encrypted on its way.
    pub data: Secret,
}

impl<T: Transport> Session<T> {
    /// Gives a key its certificate path: the End-Entity Certificate first, DER.
    ///
    /// # Errors
    /// Those of the call.
    pub fn set_certificate_path(&mut self, key: KeyPair, path: &[Vec<u8>]) -> Step<T, CertifiedKey> {
        let data = set_certificate_path::mac_data(&key.public_key, &key.id, path);
        let request = set_certificate_path::Request {
            provisioning_handle: self.handle,
            key_handle: key.handle,
            mac: self.next_mac(MethodId::SetCertificatePath, &data),
            x509_certificate: path.to_vec().into(),
        };
        self.tell(1, &request)?;
        let certificate = path.first().cloned().unwrap_or_default();
        let KeyPair { handle, id, public_key, backup } = key;
        Ok(CertifiedKey { handle, id, public_key, backup, certificate })
    }

    /// Gives a key its piggybacked symmetric key, for the algorithms endorsed, which are sorted here.
    ///
    /// # Errors
    /// Those of the call.
    pub fn set_symmetric_key(
        &mut self,
        key: &CertifiedKey,
        symmetric_key: &Secret,
        endorsed: &[Algorithm],
    ) -> Step<T, ()> {
        let mut uris: Vec<Vec<u8>> = endorsed.iter().map(|algorithm| algorithm.uri().as_bytes().to_vec()).collect();
        uris.sort();
        uris.dedup();
        let data = set_symmetric_key::mac_data(&key.certificate, symmetric_key.expose(), &uris);
        let request = set_symmetric_key::Request {
            provisioning_handle: self.handle,
            key_handle: key.handle,
            symmetric_key: self.record.key.encrypt(symmetric_key.expose())?,
            mac: self.next_mac(MethodId::SetSymmetricKey, &data),
            endorsed_algorithm: uris.into(),
        };
        self.tell(2, &request)
    }

    /// Adds an extension object to a key.
    ///
    /// # Errors
    /// Those of the call.
    pub fn add_extension(&mut self, key: &CertifiedKey, extension: &Extension) -> Step<T, ()> {
        let encrypted = extension.base_type == BaseType::EncryptedExtension;
        let data = add_extension_data::mac_data(
            &key.certificate,
            &[extension.base_type.value()],
            extension.qualifier.as_bytes(),
            extension.data.expose(),
            extension.extension_type.as_bytes(),
        )
        .concat();
        let data = zeroize::Zeroizing::new(data);
        let sent = if encrypted {
            Secret::new(self.record.key.encrypt(extension.data.expose())?)
        } else {
            extension.data.clone()
        };
        let request = add_extension_data::Request {
            provisioning_handle: self.handle,
            key_handle: key.handle,
            base_type: extension.base_type.into(),
            qualifier: extension.qualifier.clone().into_bytes(),
            extension_data: Blob(sent),
            extension_type: extension.extension_type.as_str().into(),
            mac: self.next_mac(MethodId::AddExtensionData, &[&data]),
        };
        self.tell(1 + u16::from(encrypted), &request)
    }

    /// Replaces the private key of a key created with `import_private_key`; PKCS#8, of the certificate's public key.
    ///
    /// # Errors
    /// Those of the call.
    pub fn restore_private_key(&mut self, key: &CertifiedKey, pkcs8: &Secret) -> Step<T, ()> {
        let data = restore_private_key::mac_data(&key.certificate, pkcs8.expose());
        let request = restore_private_key::Request {
            provisioning_handle: self.handle,
            key_handle: key.handle,
            private_key: self.record.key.encrypt(pkcs8.expose())?,
            mac: self.next_mac(MethodId::RestorePrivateKey, &data),
        };
        self.tell(2, &request)
    }

    /// Has a key of an earlier session deleted when this one closes. `owner` is the record of the session that owns it.
    ///
    /// # Errors
    /// Those of the call, and [`Error::LimitReached`] for either session.
    pub fn post_provisioning_delete(
        &mut self,
        owner: &mut SessionRecord,
        target: KeyHandle,
        target_certificate: &[u8],
    ) -> Step<T, ()> {
        let proof = owner.key.proof_of_issuance(target_certificate);
        let data = post_provisioning_delete_key::mac_data(&proof);
        let request = post_provisioning_delete_key::Request {
            provisioning_handle: self.handle,
            key_handle: target,
            mac: self.next_mac(MethodId::PostProvisioningDeleteKey, &data),
        };
        self.spend_with(owner, &request)
    }

    /// Has a key of an earlier session replaced by `new` when this one closes; it keeps its handle and its PIN. `owner`
    /// is the record of the session that owns it.
    ///
    /// # Errors
    /// Those of the call, and [`Error::LimitReached`] for either session.
    pub fn post_provisioning_update(
        &mut self,
        owner: &mut SessionRecord,
        target: KeyHandle,
        target_certificate: &[u8],
        new: &CertifiedKey,
    ) -> Step<T, ()> {
        let proof = owner.key.proof_of_issuance(target_certificate);
        let data = post_provisioning_update_key::mac_data(&proof, &new.certificate);
        let request = post_provisioning_update_key::Request {
            provisioning_handle: self.handle,
            key_handle: new.handle,
            key_handle_original: target,
            mac: self.next_mac(MethodId::PostProvisioningUpdateKey, &data),
        };
        self.spend_with(owner, &request)
    }

    /// Calls a method whose inner MAC uses the key of `owner`, too. The token counts that use even if it then refuses
    /// the call for its MAC, so it is counted here as soon as the call is sent.
    fn spend_with<M: Method>(&mut self, owner: &mut SessionRecord, request: &M) -> Step<T, ()> {
        let rest = owner.left.checked_sub(1).ok_or(Error::LimitReached { needed: 1, left: owner.left })?;
        let result = self.spend_maced(1, request);
        if !matches!(result, Err(Error::Argument(_) | Error::LimitReached { .. })) {
            owner.left = rest;
        }
        result.map(|_| ())
    }

    /// The MAC that the next call of `method` carries. The counter is raised by the call, not here.
    pub fn next_mac(&self, method: MethodId, data: &[&[u8]]) -> [u8; 32] {
        self.record.key.mac(method, self.record.counter, data)
    }
}
