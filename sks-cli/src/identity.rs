//! The device identity: attestation key and certificate path.
