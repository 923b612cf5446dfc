//! The rows that the module keeps, and their names.
//!
//! Each row that a MAC protects has one encoding ([`User::encode`], [`Object::encode`]), which the MAC runs over; a
//! store may keep these bytes as they are. Layout: fields in order, numbers big endian, a byte string behind its length
//! (u32), a list behind its count (u32).

mod codec;
mod ids;

pub use ids::{IdError, KeyId, UserId};
pub use tw4s_formats::Role;

use crate::record::codec::{Reader, Writer};

/// A row does not read back as one was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row is not as the module writes it")]
pub struct Damaged;

/// A user: `{UserID, Role, Certificates}` (1.1), a version and a MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// What the user may do. The role comes from here and never from a token (1.2).
    pub role: Role,
    /// DER. Of the identity providers that may sign tokens for this user; of a technical user also its own, which sign
    /// messages.
    pub certificates: Vec<Vec<u8>>,
    /// Begins at 1 and rises with each change.
    pub version: u64,
    /// HMAC-SHA256 over all of the above.
    pub mac: [u8; 32],
}

impl User {
    /// The row's bytes, without its MAC.
    #[must_use]
    pub fn protected(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.fixed(self.id.as_bytes()).byte(role_number(self.role)).number(self.version).list(&self.certificates);
        out.finish()
    }

    /// The row's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.protected();
        out.extend_from_slice(&self.mac);
        out
    }

    /// Reads [`User::encode`]'s bytes; the MAC is checked by the module, not here.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes);
        let id = UserId::from_bytes(from.fixed()?);
        let role = role_of(from.byte()?)?;
        let version = from.number()?;
        let certificates = from.list()?;
        let mac = from.fixed()?;
        from.end()?;
        Ok(Self { id, role, certificates, version, mac })
    }
}

/// What an object of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// The wrapped key; of a deleted key its tombstone. Its row says who owns the key.
    Key = 1,
    /// The signed public key.
    PublicKey = 2,
    /// The certificate request.
    Request = 3,
    /// The certificate.
    Certificate = 4,
}

impl ObjectKind {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Key, Self::PublicKey, Self::Request, Self::Certificate];

    /// The one of this number.
    ///
    /// # Errors
    /// [`Damaged`] for any other.
    pub fn from_number(number: u8) -> Result<Self, Damaged> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number).ok_or(Damaged)
    }
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It can.
    Active = 1,
    /// It was deleted; the row stays as a tombstone, without a value.
    Destroyed = 2,
}

/// A managed object: what the key manager will keep. It belongs to a key, so its name is key and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Of which key.
    pub key: KeyId,
    /// What of it.
    pub kind: ObjectKind,
    /// The key's owner.
    pub owner: UserId,
    /// Whether it can be used.
    pub state: State,
    /// When it was made, milliseconds since 1970.
    pub created_ms: u64,
    /// When it last changed, milliseconds since 1970.
    pub changed_ms: u64,
    /// DER, or empty.
    pub value: Vec<u8>,
    /// HMAC-SHA256 over all of the above.
    pub mac: [u8; 32],
}

impl Object {
    /// The row's bytes, without its MAC.
    #[must_use]
    pub fn protected(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.fixed(self.key.as_bytes())
            .byte(self.kind as u8)
            .fixed(self.owner.as_bytes())
            .byte(self.state as u8)
            .number(self.created_ms)
            .number(self.changed_ms)
            .bytes(&self.value);
        out.finish()
    }

    /// The row's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.protected();
        out.extend_from_slice(&self.mac);
        out
    }

    /// Reads [`Object::encode`]'s bytes; the MAC is checked by the module, not here.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes);
        let key = KeyId::from_bytes(from.fixed()?);
        let kind = ObjectKind::from_number(from.byte()?)?;
        let owner = UserId::from_bytes(from.fixed()?);
        let state = match from.byte()? {
            1 => State::Active,
            2 => State::Destroyed,
            _ => return Err(Damaged),
        };
        let created_ms = from.number()?;
        let changed_ms = from.number()?;
        let value = from.bytes()?.to_vec();
        let mac = from.fixed()?;
        from.end()?;
        Ok(Self { key, kind, owner, state, created_ms, changed_ms, value, mac })
    }
}

/// A SAD's name. The end of its token stands in it so that a database can keep SADs in the order in which they expire;
/// the token is part of what the id is of, so one id has one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SadName {
    /// notAfter of its token, in milliseconds since 1970, no skew added: settings must not change a name.
    pub not_after_ms: u64,
    /// SHA-256 of the DER SADTBS.
    pub id: [u8; 32],
}

/// Something that may be done once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Once {
    /// A hash of a SAD (row 17): the SAD, the hash, and which of the equal hashes in it.
    Hash {
        /// The SAD.
        sad: SadName,
        /// The hash value.
        hash: Vec<u8>,
        /// 0 for the first of equal hashes, then 1, and so on.
        occurrence: u32,
    },
    /// A message signed by a technical user: its id, under its certificate.
    Message {
        /// The certificate's id, a SHA-256.
        certificate: [u8; 32],
        /// The peering message's id.
        id: [u8; 16],
        /// When it has expired, in milliseconds since 1970, no skew added. Not part of its name: an id is used once,
        /// whenever it is sent.
        expires_ms: u64,
    },
}

impl Once {
    /// A key for it: no two have the same, and what belongs to one SAD or certificate stands together.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Hash { sad, hash, occurrence } => {
                let SadName { not_after_ms, id } = sad;
                out.byte(1).fixed(&not_after_ms.to_be_bytes()).fixed(id).fixed(hash).fixed(&occurrence.to_be_bytes());
            }
            Self::Message { certificate, id, .. } => {
                out.byte(2).fixed(certificate).fixed(id);
            }
        }
        out.finish()
    }

    /// When it has expired, in milliseconds since 1970, no skew added.
    #[must_use]
    pub fn expires_ms(&self) -> u64 {
        match self {
            Self::Hash { sad, .. } => sad.not_after_ms,
            Self::Message { expires_ms, .. } => *expires_ms,
        }
    }
}

/// A table with a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// [`User`].
    Users = 1,
    /// [`Object`].
    Objects = 2,
}

impl Table {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Users, Self::Objects];
}

/// The root of a table: shows rows that were removed, put in or put back behind the module's back (1.12, last
/// paragraph).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// How many rows.
    pub count: u64,
    /// The sum, modulo 2^256, of a MAC of each row.
    pub sum: [u8; 32],
    /// HMAC-SHA256 over table and all of the above.
    pub mac: [u8; 32],
}

impl Seal {
    /// The root's bytes, without its MAC.
    #[must_use]
    pub fn protected(&self, table: Table) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(table as u8).number(self.count).fixed(&self.sum);
        out.finish()
    }

    /// The root's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(self.count).fixed(&self.sum).fixed(&self.mac);
        out.finish()
    }

    /// Reads [`Seal::encode`]'s bytes; the MAC is checked by the module, not here.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes);
        let seal = Self { count: from.number()?, sum: from.fixed()?, mac: from.fixed()? };
        from.end()?;
        Ok(seal)
    }
}

/// What kind of key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA.
    Rsa {
        /// Of the modulus.
        bits: u32,
    },
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

fn role_number(role: Role) -> u8 {
    match role {
        Role::PrivilegedUser => 1,
        Role::Signer => 2,
        Role::PrivilegedUserTechnical => 3,
    }
}

fn role_of(number: u8) -> Result<Role, Damaged> {
    Role::ALL.iter().copied().find(|role| role_number(*role) == number).ok_or(Damaged)
}
