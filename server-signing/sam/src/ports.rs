//! What the module needs from outside: the firmware half, the database, time and randomness.
//!
//! The module itself does no I/O and verifies no signature: the firmware does, on the other side of a socket. The
//! binary passes the real things in, tests pass seeded and fixed ones.

use std::fmt;
use std::pin::Pin;

use zeroize::Zeroizing;

use crate::audit::Row;
use crate::record::{KeyAlgorithm, KeyId, Object, ObjectKind, Once, SadName, Seal, Table, User, UserId};

/// What comes later: an answer of the firmware, or that something is durable. The module awaits it, and leaves it to the
/// binary what the thread does meanwhile.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Random bytes; for key ids alone, since keys are made in the firmware.
pub trait Rng: Send + Sync {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`RngError`] when the source fails; nothing may be made from `out` then.
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError>;
}

/// The random source failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of random numbers failed")]
pub struct RngError;

/// Time. Every decision about time in the module asks this clock.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> u64;
}

/// The database could not do what was asked. What the failing transaction wrote is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No space.
    #[error("no space is left for the database")]
    Full,
    /// A row does not read back as it was written.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Anything else; it lasts until the module is started again.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// Reads of the database. Outside a transaction only what is durable is seen.
///
/// The rows of [`crate::record`] and [`crate::audit`] have an encoding of their own (`encode`, `decode`), so a store
/// may keep them as bytes; a server database may use columns instead.
pub trait Read {
    /// A user.
    ///
    /// # Errors
    /// [`StoreError`].
    fn user(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// Up to `limit` users, in the order of their ids, behind `after` or from the first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn users(&self, after: Option<&UserId>, limit: usize) -> Result<Vec<User>, StoreError>;

    /// The technical user that this certificate signs messages for; see [`Txn::put_holder`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn holder(&self, certificate: &[u8; 32]) -> Result<Option<UserId>, StoreError>;

    /// One object of a key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn object(&self, key: &KeyId, kind: ObjectKind) -> Result<Option<Object>, StoreError>;

    /// Up to `limit` objects, in the order of key id and kind, behind `after` or from the first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn objects(&self, after: Option<(&KeyId, ObjectKind)>, limit: usize) -> Result<Vec<Object>, StoreError>;

    /// Whether this was consumed, and is not purged.
    ///
    /// # Errors
    /// [`StoreError`].
    fn is_consumed(&self, what: &Once) -> Result<bool, StoreError>;

    /// The root of a table; `None` until [`Txn::put_seal`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn seal(&self, table: Table) -> Result<Option<Seal>, StoreError>;

    /// Up to `limit` rows of the audit log, in order, from this number on. Numbers begin at 1.
    ///
    /// # Errors
    /// [`StoreError`].
    fn audit(&self, from: u64, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// The newest row of the audit log.
    ///
    /// # Errors
    /// [`StoreError`].
    fn audit_head(&self) -> Result<Option<Row>, StoreError>;

    /// The numbers of the intents without a result, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn open_intents(&self) -> Result<Vec<u64>, StoreError>;
}

/// The database.
pub trait Store: Read + Send + Sync {
    /// Starts the one transaction that can write; waits for the one before it to be committed or dropped. Nobody awaits
    /// anything while he has one, so that a wait is short and may block the thread.
    ///
    /// # Errors
    /// [`StoreError`].
    fn begin(&self) -> Result<Box<dyn Txn + '_>, StoreError>;

    /// A request begins, which may commit once and again, each time waiting until that is durable. A store that makes
    /// commits durable together may hold one back for a moment while more of them are to come.
    fn request_begins(&self) {}

    /// It has ended.
    fn request_ends(&self) {}

    /// How many hashes of a SAD are consumed, durably, and not purged.
    ///
    /// # Errors
    /// [`StoreError`].
    fn consumed_hashes(&self, sad: &SadName) -> Result<u64, StoreError>;
}

/// A transaction: reads see its own writes and those of all committed before it. Dropped, it never was.
///
/// The module never deletes a user, an object's row (a deleted key is a tombstone) or an audit row.
pub trait Txn: Read {
    /// Writes a user, new or changed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_user(&mut self, user: &User) -> Result<(), StoreError>;

    /// Notes whose messages a certificate signs, or with `None` that it signs nobody's any more. The name is
    /// SHA-256 of its DER issuer and its serial number.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_holder(&mut self, certificate: &[u8; 32], user: Option<&UserId>) -> Result<(), StoreError>;

    /// Writes an object, new or changed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_object(&mut self, object: &Object) -> Result<(), StoreError>;

    /// Removes an object, if it is there: what hangs on a deleted key, never the key's own row.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove_object(&mut self, key: &KeyId, kind: ObjectKind) -> Result<(), StoreError>;

    /// Writes the root of a table.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_seal(&mut self, table: Table, seal: &Seal) -> Result<(), StoreError>;

    /// Consumes something: true for the first, false when it was consumed before (then nothing is written). Kept until
    /// it is purged, which it may be after [`Once::expires_ms`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn consume(&mut self, what: &Once) -> Result<bool, StoreError>;

    /// Forgets up to `limit` of what expired before this time; gives how many.
    ///
    /// # Errors
    /// [`StoreError`].
    fn purge_consumed(&mut self, before_ms: u64, limit: usize) -> Result<usize, StoreError>;

    /// Appends to the audit log. The number is one more than the head's.
    ///
    /// # Errors
    /// [`StoreError`].
    fn append_audit(&mut self, row: &Row) -> Result<(), StoreError>;

    /// Notes an intent (an audit row's number) as without a result.
    ///
    /// # Errors
    /// [`StoreError`].
    fn open_intent(&mut self, number: u64) -> Result<(), StoreError>;

    /// Notes that an intent has its result; nothing when it is not open.
    ///
    /// # Errors
    /// [`StoreError`].
    fn close_intent(&mut self, number: u64) -> Result<(), StoreError>;

    /// Commits: the next transaction begins, and sees all of it. Once what is given says so, all of it is durable; it
    /// gets there also if nobody waits.
    ///
    /// # Errors
    /// [`StoreError`], here or later; then none of it is there, now or after a restart, unless the store has failed for
    /// good.
    fn commit_later(self: Box<Self>) -> Result<Later<'static, Result<(), StoreError>>, StoreError>;

    /// Commits, and blocks until all of it is durable: not for threads on which futures run.
    ///
    /// # Errors
    /// As [`Txn::commit_later`].
    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        pollster::block_on(self.commit_later()?)
    }
}

/// Why the firmware did not do it: a closed list. The module's table of refusals says what each becomes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirmwareError {
    /// Not reachable, not initialised, or its crypto module is down.
    #[error("the firmware half is not operational: {0}")]
    NotOperational(String),
    /// The token's signer is none of the imported IdP keys.
    #[error("the token's signer is no imported identity provider")]
    UnknownSigner,
    /// The token's signer is imported, but none of the user's registered certificates.
    #[error("the token's signer is not registered for this user")]
    UnregisteredSigner,
    /// The token's signature is wrong, or its algorithm is not allowed or does not fit the signer's key.
    #[error("the token's signature does not verify")]
    TokenSignature,
    /// The message credential's signature is wrong, or its algorithm is not allowed or does not fit the key.
    #[error("the message's signature does not verify")]
    MessageSignature,
    /// The SAD's signature does not verify with the key in its token, or that key is missing, doubled or too weak.
    #[error("the SAD's signature does not verify with the key in its token")]
    SadSignature,
    /// The wrapped key is not one that this module made.
    #[error("the wrapped key is not one that this module made")]
    WrappedKey,
    /// The SAD's `hashAlgorithm` cannot be read, or a hash does not have its digest's length.
    #[error("the hashes do not fit the hash algorithm")]
    HashLength,
    /// There is no wrapped key, and all that is verified before it was in order.
    #[error("there is no wrapped key")]
    NoKey,
    /// The SAD's KeyID is not the wrapped key's.
    #[error("the SAD names another key than the wrapped key")]
    KeyMismatch,
    /// The user of token, credential and wrapped key is not one and the same.
    #[error("the wrapped key belongs to another user")]
    UserMismatch,
    /// The signature algorithm does not fit the key.
    #[error("the algorithm does not fit the key")]
    Algorithm,
    /// No crypto module here makes such a key.
    #[error("no key of this kind can be made here")]
    Unsupported,
    /// What was handed over is no DER of the right type. The module parsed it before, so this is a defect.
    #[error("the firmware half cannot parse what it was given")]
    Malformed,
    /// The crypto module failed at its work.
    #[error("the crypto module failed")]
    Failed,
}

/// What a new key is to be.
#[derive(Clone, Copy, Debug)]
pub struct KeyOrder<'a> {
    /// The id that goes into the wrapped key.
    pub key_id: &'a KeyId,
    /// The owner who goes into the wrapped key, and the common name of the certificate request.
    pub user_id: &'a UserId,
    /// Kind and size.
    pub algorithm: KeyAlgorithm,
    /// Goes into the wrapped key and the signed public key.
    pub created_ms: u64,
}

/// A new key; its private part exists in no other form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// `WrappedKey`, DER, signed by the module's own key.
    pub wrapped_key: Vec<u8>,
    /// `SignedPublicKey`, DER, signed by the module's own key: the answer's `publickey`.
    pub public_key: Vec<u8>,
    /// PKCS#10, DER, signed by the new key.
    pub csr: Vec<u8>,
}

/// What is to be verified, and then signed.
#[derive(Clone, Copy, Debug)]
pub struct SignOrder<'a> {
    /// The SAD, DER, as it came.
    pub sad: &'a [u8],
    /// Who authenticated: the user of the credential.
    pub user_id: &'a UserId,
    /// This user's registered IdP certificates, DER.
    pub registered: &'a [Vec<u8>],
    /// The wrapped key that the SAD's KeyID names, DER, as the store has it; `None` if it has none, for whether the
    /// token and the SAD are sound comes before NotFound.
    pub wrapped_key: Option<&'a [u8]>,
    /// How many hashes the SAD has.
    pub hashes: usize,
}

/// The key that the user rows' and roots' MACs are made with: HMAC-SHA256, derived in the firmware.
#[derive(Clone)]
pub struct IntegrityKey(Zeroizing<[u8; 32]>);

impl IntegrityKey {
    /// Takes over the bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for a MAC.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKey(..)")
    }
}

/// The firmware half. Any call may give [`FirmwareError::NotOperational`]. What requests ask is awaited; what start, stop
/// and the regular care ask blocks.
pub trait Firmware: Send + Sync {
    /// Makes a key pair, its wrapped key, its signed public key and its certificate request.
    ///
    /// # Errors
    /// `Unsupported`, `Failed`.
    fn generate<'a>(&'a self, order: KeyOrder<'a>) -> Later<'a, Result<NewKey, FirmwareError>>;

    /// Verifies a token's signature: `signer` names an imported IdP certificate; with `registered`, one that is among
    /// them byte for byte; the algorithm is allowed and fits its key; the signature is over the DER of `data`. Gives
    /// the signer's certificate, DER. Window, level and user are the caller's to check.
    ///
    /// `registered` is `None` when the token's user is unknown: whether the token is sound decides between
    /// AuthenticationError and UnknownUser.
    ///
    /// # Errors
    /// `UnknownSigner`, `UnregisteredSigner`, `TokenSignature`, `Malformed`; in this order where several hold, but for
    /// `UnregisteredSigner`, which comes last.
    fn verify_token<'a>(
        &'a self,
        token: &'a [u8],
        registered: Option<&'a [Vec<u8>]>,
    ) -> Later<'a, Result<Vec<u8>, FirmwareError>>;

    /// Verifies a message-signature credential with a certificate that the caller found registered: RSA (PKCS#1) or
    /// ECDSA, SHA-256. `algorithm` is the DER of its AlgorithmIdentifier.
    ///
    /// # Errors
    /// `MessageSignature`, `Malformed`.
    fn verify_message<'a>(
        &'a self,
        certificate: &'a [u8],
        algorithm: &'a [u8],
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Later<'a, Result<(), FirmwareError>>;

    /// Verifies all that Signing asks of the firmware: token (as [`Firmware::verify_token`] does), SAD signature with
    /// the key in the token, wrapped-key signature, KeyID and UserID, algorithm and hash lengths. No key is activated
    /// yet: the caller reserves the hashes in between, so that a SAD which does not verify consumes nothing, and a
    /// reserved one is activated at once.
    ///
    /// # Errors
    /// `Malformed`; then the first that holds of `UnknownSigner`, `TokenSignature`, `UnregisteredSigner`,
    /// `SadSignature`, `HashLength`, `NoKey`, `WrappedKey`, `KeyMismatch`, `UserMismatch` (token, credential and wrapped
    /// key), `Algorithm`.
    fn admit<'f: 'a, 'a>(&'f self, order: SignOrder<'a>) -> Later<'a, Result<Box<dyn Admitted + 'f>, FirmwareError>>;

    /// Verifies the signature of a wrapped key, for the check of the data's integrity: true if this module made it.
    ///
    /// # Errors
    /// `NotOperational`.
    fn verify_wrapped_key(&self, wrapped_key: &[u8]) -> Result<bool, FirmwareError>;

    /// The key for the rows' MACs. Asked once, at start.
    ///
    /// # Errors
    /// `NotOperational`.
    fn integrity_key(&self) -> Result<IntegrityKey, FirmwareError>;

    /// Signs an audit checkpoint with a key that signs nothing else.
    ///
    /// # Errors
    /// `Failed`.
    fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>, FirmwareError>;

    /// Verifies what [`Firmware::sign_checkpoint`] made: true if it did.
    ///
    /// # Errors
    /// `NotOperational`.
    fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> Result<bool, FirmwareError>;
}

/// A verified order that waits for its reservation. Dropped, no key was activated and nothing was signed.
pub trait Admitted: Send {
    /// Activates the key, signs every hash, deactivates the key; the signatures come in the order of the hashes.
    /// All of them or none.
    ///
    /// # Errors
    /// `Failed`, `NotOperational`.
    fn sign<'a>(self: Box<Self>) -> Later<'a, Result<Vec<Vec<u8>>, FirmwareError>>
    where
        Self: 'a;
}
