//! The token's cryptography: two asymmetric engines, the session layer, symmetric algorithms, certificates.
