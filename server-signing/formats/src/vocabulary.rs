//! Closed lists of names: error types, roles, levels of assurance.

macro_rules! names {
    ($(#[$doc:meta])* $list:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $list {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $list {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name, byte for byte.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The one of this name.
            ///
            /// # Errors
            /// [`Kind::Vocabulary`](crate::Kind::Vocabulary) for any other.
            pub fn from_name(name: &str) -> Result<Self, $crate::Error> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::Error::value($crate::Kind::Vocabulary)),
                }
            }
        }

        impl std::fmt::Display for $list {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use names;

names! {
    /// The types of error that an operation can answer with (Tables 17 to 22).
    ErrorType {
        /// The input cannot be parsed into a message container.
        ContainerParseError = "ContainerParseError",
        /// The input data cannot be parsed into the specified message type.
        MessageParseError = "MessageParseError",
        /// The contained message type was not known to the processor.
        UnknownMessageType = "UnknownMessageType",
        /// The credential type included was not known to the processor.
        UnknownCredentialType = "UnknownCredentialType",
        /// The credential could not be validated.
        AuthenticationError = "AuthenticationError",
        /// The credential could not be associated with a user.
        UnknownUser = "UnknownUser",
        /// The acting user is not authorized to perform the current operation.
        NotAuthorized = "NotAuthorized",
        /// A component is not available or not in an operational state.
        NotOperational = "NotOperational",
        /// An error condition occurred that was not anticipated.
        UnexpectedError = "UnexpectedError",
        /// The set of certificates is empty, or lacks the one in use on a change of oneself; parameters are not valid.
        InvalidInput = "InvalidInput",
        /// A key corresponding to the passed keyid does not exist.
        NotFound = "NotFound",
        /// The signature algorithm does not match the key, or the hash algorithm the digest size.
        InvalidAlgorithm = "InvalidAlgorithm",
        /// The identity token in the SAD does not verify, is another user's, or its level is below substantial.
        InvalidAuthentication = "InvalidAuthentication",
        /// The SAD's signature cannot be verified with the public key embedded in the identity token.
        InvalidSignature = "InvalidSignature",
    }
}

names! {
    /// The roles of the SAM's own user database (Table 16).
    Role {
        /// Manages users and their keys.
        PrivilegedUser = "PrivilegedUser",
        /// Signs.
        Signer = "Signer",
        /// A system that registers signers, by a signature over its message. The guide prints no value for its row;
        /// the name without spaces, as in the other two.
        PrivilegedUserTechnical = "PrivilegedUserTechnical",
    }
}

names! {
    /// The levels of Implementing Regulation (EU) 2015/1502, by the URIs of the eIDAS message format, weakest first.
    LevelOfAssurance {
        /// One factor.
        Low = "http://eidas.europa.eu/LoA/low",
        /// Two factors of different kinds.
        Substantial = "http://eidas.europa.eu/LoA/substantial",
        /// Two factors, safe against attackers of high potential.
        High = "http://eidas.europa.eu/LoA/high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_fourteen_error_types() {
        assert_eq!(ErrorType::ALL.len(), 14);
        for one in ErrorType::ALL {
            assert_eq!(ErrorType::from_name(one.name()), Ok(*one));
            assert_eq!(format!("{one:?}"), one.name());
        }
        assert!(ErrorType::from_name("notfound").is_err());
    }

    #[test]
    fn levels_are_in_order() {
        assert!(LevelOfAssurance::Low < LevelOfAssurance::Substantial);
        assert!(LevelOfAssurance::Substantial < LevelOfAssurance::High);
        assert!(LevelOfAssurance::from_name("http://eidas.europa.eu/LoA/High").is_err());
    }
}
