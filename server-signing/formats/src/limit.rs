//! The bounds: each keeps hostile input from costing more than a bounded amount of work.

/// Elements within each other. The deepest format (a key in an extension of a role of a group of a token in a request)
/// has 20; the rest is room for unknown extensions.
pub const MAX_DEPTH: usize = 32;

/// Bytes of a token: a user in a hundred groups needs about 8 KiB.
pub const MAX_TOKEN_LEN: usize = 16 * 1024;

/// Hashes in one SAD. The guide names no number; the configured multisign is never more than this.
pub const MAX_HASHES: usize = 1000;

/// Bytes of one hash value. Twice SHA-512, so that a value of the wrong size is still read and can be answered with
/// InvalidAlgorithm, which the guide asks for, instead of MessageParseError.
pub const MAX_HASH_LEN: usize = 128;

/// Bytes of a SAD: 1000 hashes of 64 bytes, a token of the largest size, and room.
pub const MAX_SAD_LEN: usize = 128 * 1024;

/// Bytes of a typed message in a request: 16 certificates of the largest size, or a SAD.
pub const MAX_MESSAGE_LEN: usize = 192 * 1024;

/// Bytes of a typed result in a response: 1000 signatures of RSA-4096, or of the largest we read, and room.
pub const MAX_RESULT_LEN: usize = 1100 * 1024;

/// Bytes of a peering message that carries a request; whoever reads requests from a socket stops here.
pub const MAX_REQUEST_LEN: usize = 256 * 1024;

/// Bytes of any peering message: a result of the largest size in its container.
pub const MAX_PEER_LEN: usize = 1101 * 1024;

/// Bytes of a certificate: an RSA-4096 certificate with many extensions has 4 KiB.
pub const MAX_CERTIFICATE_LEN: usize = 8 * 1024;

/// Certificates of one user: one in use, one to roll over to, and room.
pub const MAX_CERTIFICATES: usize = 16;

/// Bytes of a SubjectPublicKeyInfo: RSA-8192 has 1062.
pub const MAX_SPKI_LEN: usize = 2 * 1024;

/// Bytes of a signature value: RSA-8192 has 1024.
pub const MAX_SIGNATURE_LEN: usize = 1024;

/// Bytes of a wrapped private key: PKCS#8 of RSA-4096 has 2.4 KiB, RFC 5649 adds at most 16.
pub const MAX_CM_WRAPPED_KEY_LEN: usize = 8 * 1024;

/// Bytes of a wrapped key's container.
pub const MAX_WRAPPED_KEY_LEN: usize = 16 * 1024;

/// Bytes of a certification request: the largest key and signature with a long name.
pub const MAX_CSR_LEN: usize = 8 * 1024;

/// Characters of an identifier (user, key, role, application); a UUID has 36.
pub const MAX_TEXT_LEN: usize = 256;

/// Bytes of an identifier's content: as UniversalString a character takes four.
pub const MAX_DIRECTORY_STRING_LEN: usize = 4 * MAX_TEXT_LEN;

/// Bytes of the text beside an error.
pub const MAX_DETAIL_LEN: usize = 1024;

/// Bytes of a reference to an audit record.
pub const MAX_AUDIT_REF_LEN: usize = 64;

/// Bytes of a group's or short role's id.
pub const MAX_ID_LEN: usize = 64;

/// Groups in a token, and roles in a group.
pub const MAX_ASSOCIATIONS: usize = 256;

/// Extensions in one place of a token; ours are four.
pub const MAX_EXTENSIONS: usize = 32;

/// Users on one page of List_Signers.
pub const MAX_PAGE: usize = 1000;

/// Bytes of a PSS salt: RSA-8192 with SHA-256 has room for 990.
pub const MAX_SALT_LEN: u16 = 990;
