//! What our extensions say (row 12).

use spki::SubjectPublicKeyInfoOwned;

use super::{CompactExtension, CompactExtensions};
use crate::error::{Error, Kind};
use crate::field::{Octets, Text};
use crate::format::Format;
use crate::oid_arc::OidArc;
use crate::open::Open;
use crate::vocabulary::LevelOfAssurance;

/// The scope of a token that may stand in a SAD.
pub const SCOPE_REMOTE_SIGNATURE: &str = "remote-signature";

/// The extensions of ours in a token. Each may be missing; none may stand twice (row 16: "exactly one key extension").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The public key that signs the SAD.
    pub sad_key: Option<SubjectPublicKeyInfoOwned>,
    /// The scope.
    pub scope: Option<Text>,
    /// The level of assurance that the user was identified with.
    pub level: Option<LevelOfAssurance>,
    /// The token's own id.
    pub jti: Option<[u8; 16]>,
}

impl Claims {
    /// Reads the extensions that `arc` names and passes over the others.
    ///
    /// # Errors
    /// [`Kind::DuplicateExtension`]; [`Kind::Vocabulary`] for an unknown level; what [`Format::parse`] refuses in an
    /// extension's content.
    pub fn from_extensions(extensions: &CompactExtensions, arc: &OidArc) -> Result<Self, Error> {
        let mut claims = Self::default();
        for extension in extensions.iter() {
            let data = &extension.data;
            if extension.oid == arc.sad_key() {
                once(&mut claims.sad_key, data.parse_as()?)?;
            } else if extension.oid == arc.scope() {
                once(&mut claims.scope, data.parse_as()?)?;
            } else if extension.oid == arc.level_of_assurance() {
                once(&mut claims.level, LevelOfAssurance::from_name(data.parse_as::<Text>()?.as_str())?)?;
            } else if extension.oid == arc.jti() {
                let jti = data.parse_as::<Octets<16, 16>>()?;
                once(&mut claims.jti, jti.as_bytes().try_into().unwrap_or_default())?;
            }
        }
        Ok(claims)
    }

    /// Writes the extensions, for the identity provider.
    ///
    /// # Errors
    /// What [`Format::to_bytes`] refuses in the key.
    pub fn to_extensions(&self, arc: &OidArc) -> Result<CompactExtensions, Error> {
        let mut all = Vec::new();
        let mut push = |oid, data| all.push(CompactExtension { oid, data });
        if let Some(key) = &self.sad_key {
            push(arc.sad_key(), Open::from_value(key)?);
        }
        if let Some(scope) = &self.scope {
            push(arc.scope(), Open::from_value(scope)?);
        }
        if let Some(level) = self.level {
            push(arc.level_of_assurance(), Open::from_value(&Text::<1>::new(level.name())?)?);
        }
        if let Some(jti) = self.jti {
            push(arc.jti(), Open::from_value(&Octets::<16, 16>::new(jti)?)?);
        }
        CompactExtensions::new(all)
    }
}

impl Format for Text {
    const MAX_LEN: usize = 1024;
}

impl Format for Octets<16, 16> {
    const MAX_LEN: usize = 18;
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Error> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::value(Kind::DuplicateExtension)),
    }
}
