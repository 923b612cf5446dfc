//! Algorithms by a short name: what follows the `#` of the URI, in small letters, or the URI itself.

use sks_wire::algorithm::{Algorithm, Class};

use crate::exit::Failure;

/// Names that people know better than the URI's.
const ALIASES: [(&str, Algorithm); 6] = [
    ("rsa-pss-sha1", Algorithm::RsaPssSha1),
    ("rsa-pss-sha256", Algorithm::RsaPssSha256),
    ("rsa-pss-sha384", Algorithm::RsaPssSha384),
    ("rsa-pss-sha512", Algorithm::RsaPssSha512),
    ("rsa-oaep-sha1", Algorithm::RsaOaepSha1),
    ("rsa-oaep-sha256", Algorithm::RsaOaepSha256),
];

/// The URI that `name` stands for. A URI that is not known goes to the token as it is: it decides.
pub(crate) fn uri(name: &str, class: Class) -> Result<String, Failure> {
    if name.contains(':') {
        return Ok(name.to_owned());
    }
    let wanted = name.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == wanted).map(|(_, algorithm)| *algorithm);
    let of_class = || Algorithm::ALL.iter().copied().filter(|algorithm| algorithm.class() == class);
    let found = alias.filter(|a| a.class() == class).or_else(|| of_class().find(|a| short_name(*a) == wanted));
    found.map(|algorithm| algorithm.uri().to_owned()).ok_or_else(|| {
        let known: Vec<String> = of_class().map(short_name).collect();
        Failure::usage(format!("{name:?} is neither a URI nor one of {}", known.join(", ")))
    })
}

/// What follows the `#`.
pub(crate) fn short_name(algorithm: Algorithm) -> String {
    let uri = algorithm.uri();
    uri.rsplit_once('#').map_or(uri, |(_, name)| name).to_ascii_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn short_names_are_unique_in_their_class() {
        let names: BTreeSet<_> = Algorithm::ALL.iter().map(|a| (format!("{:?}", a.class()), short_name(*a))).collect();
        assert_eq!(names.len(), Algorithm::ALL.len());
    }

    #[test]
    fn finds_by_short_name_alias_and_uri() {
        let signature = |name| uri(name, Class::Signature).unwrap();
        assert_eq!(signature("ECDSA-SHA256"), Algorithm::EcdsaSha256.uri());
        assert_eq!(signature("rsa-pss-sha512"), Algorithm::RsaPssSha512.uri());
        assert_eq!(signature("urn:x"), "urn:x");
        assert!(uri("rsa-oaep", Class::Signature).is_err());
        assert_eq!(uri("rsa-oaep", Class::AsymmetricDecryption).unwrap(), Algorithm::RsaOaepSha256.uri());
    }
}
