//! The identifiers that the guide leaves open, under one configurable arc (row 12).

use der::asn1::ObjectIdentifier;

use crate::error::{Error, Kind};

/// An arc and the identifiers under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OidArc {
    arc: ObjectIdentifier,
    under: [ObjectIdentifier; 6],
}

impl OidArc {
    /// Takes an arc, as in `1.3.6.1.4.1.32473.1`.
    ///
    /// # Errors
    /// [`Kind::Field`] for an arc too long to have others under it.
    pub fn new(arc: ObjectIdentifier) -> Result<Self, Error> {
        let under = |number| arc.push_arc(number).map_err(|_| Error::value(Kind::Field(der::ErrorKind::OidMalformed)));
        Ok(Self { arc, under: [under(1)?, under(2)?, under(3)?, under(4)?, under(5)?, under(6)?] })
    }

    /// The arc itself.
    #[must_use]
    pub fn arc(&self) -> ObjectIdentifier {
        self.arc
    }

    /// `.1`: the extension with the public key that signs the SAD, a SubjectPublicKeyInfo.
    #[must_use]
    pub fn sad_key(&self) -> ObjectIdentifier {
        self.under[0]
    }

    /// `.2`: the extension with the scope, a UTF8String.
    #[must_use]
    pub fn scope(&self) -> ObjectIdentifier {
        self.under[1]
    }

    /// `.3`: the extension with the level of assurance, a UTF8String with its URI.
    #[must_use]
    pub fn level_of_assurance(&self) -> ObjectIdentifier {
        self.under[2]
    }

    /// `.4`: the extension with the token's own id, an OCTET STRING of 16 bytes.
    #[must_use]
    pub fn jti(&self) -> ObjectIdentifier {
        self.under[3]
    }

    /// `.5`: the credential that is an identity token.
    #[must_use]
    pub fn cred_identity_token(&self) -> ObjectIdentifier {
        self.under[4]
    }

    /// `.6`: the credential that is a signature over the message.
    #[must_use]
    pub fn cred_message_signature(&self) -> ObjectIdentifier {
        self.under[5]
    }
}

impl Default for OidArc {
    /// IANA's number for examples in documentation (RFC 5612), which a product must replace by its own.
    fn default() -> Self {
        let arc = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
        let under = |number| ObjectIdentifier::new_unwrap(number);
        Self {
            arc,
            under: [
                under("1.3.6.1.4.1.32473.1.1"),
                under("1.3.6.1.4.1.32473.1.2"),
                under("1.3.6.1.4.1.32473.1.3"),
                under("1.3.6.1.4.1.32473.1.4"),
                under("1.3.6.1.4.1.32473.1.5"),
                under("1.3.6.1.4.1.32473.1.6"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_its_own_arc() {
        assert_eq!(OidArc::new(OidArc::default().arc()), Ok(OidArc::default()));
    }
}
