//! Algorithm URIs.
//!
//! Source: SKS API V0.35, "Algorithm Support", and the project's list of further algorithms (RFC 9231) in docs/wire.md.

/// What an algorithm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// symmetricKeyEncrypt.
    SymmetricEncryption,
    /// performHMAC.
    Hmac,
    /// asymmetricKeyDecrypt.
    AsymmetricDecryption,
    /// keyAgreement.
    KeyAgreement,
    /// signHashedData.
    Signature,
    /// createProvisioningSession.
    SessionKey,
    /// createKeyPair's AttestationAlgorithm.
    KeyAttestation,
    /// createKeyPair's NamedCurve.
    Curve,
}

macro_rules! algorithms {
    ($($variant:ident $class:ident $uri:literal,)*) => {
        /// An algorithm that the token supports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Algorithm { $(#[doc = concat!("`", $uri, "`")] $variant),* }

        impl Algorithm {
            /// Every algorithm, in the order in which getDeviceInfo lists them.
            pub const ALL: &'static [Algorithm] = &[$(Algorithm::$variant),*];

            /// Its URI.
            #[must_use]
            pub fn uri(self) -> &'static str {
                match self { $(Self::$variant => $uri),* }
            }

            /// What it is for.
            #[must_use]
            pub fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class),* }
            }

            /// The algorithm that these bytes name, if it is known.
            #[must_use]
            pub fn from_uri(uri: &[u8]) -> Option<Self> {
                $(if uri == $uri.as_bytes() { return Some(Self::$variant); })*
                None
            }
        }
    };
}

algorithms! {
    Aes128Cbc SymmetricEncryption "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    Aes192Cbc SymmetricEncryption "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
    Aes256Cbc SymmetricEncryption "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    AesEcbNopad SymmetricEncryption "http://xmlns.webpki.org/keygen2/1.0#algorithm.aes.ecb.nopad",
    AesEcbPkcs5 SymmetricEncryption "http://xmlns.webpki.org/keygen2/1.0#algorithm.aes.ecb.pkcs5",
    HmacSha1 Hmac "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    HmacSha256 Hmac "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    Rsa15 AsymmetricDecryption "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    RsaOaepSha1 AsymmetricDecryption "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    RsaOaepSha256 AsymmetricDecryption "http://www.w3.org/2009/xmlenc11#rsa-oaep",
    Ecdh KeyAgreement "http://xmlns.webpki.org/keygen2/1.0#algorithm.ecdh",
    RsaSha1 Signature "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    RsaSha256 Signature "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    RsaSha384 Signature "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    RsaSha512 Signature "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    RsaPssSha1 Signature "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
    RsaPssSha256 Signature "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    RsaPssSha384 Signature "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
    RsaPssSha512 Signature "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
    EcdsaSha256 Signature "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    EcdsaSha384 Signature "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    EcdsaSha512 Signature "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
    Sk1 SessionKey "http://xmlns.webpki.org/keygen2/1.0#algorithm.sk1",
    Ka1 KeyAttestation "http://xmlns.webpki.org/keygen2/1.0#algorithm.ka1",
    P256 Curve "urn:oid:1.2.840.10045.3.1.7",
}

impl Algorithm {
    /// Length in bytes of the hash that a signature algorithm signs.
    #[must_use]
    pub fn hash_length(self) -> Option<usize> {
        match self {
            Self::RsaSha1 | Self::RsaPssSha1 => Some(20),
            Self::RsaSha256 | Self::RsaPssSha256 | Self::EcdsaSha256 => Some(32),
            Self::RsaSha384 | Self::RsaPssSha384 | Self::EcdsaSha384 => Some(48),
            Self::RsaSha512 | Self::RsaPssSha512 | Self::EcdsaSha512 => Some(64),
            _ => None,
        }
    }
}
