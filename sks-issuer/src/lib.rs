//! The issuer's side of SKS provisioning: session keys, MACs, attestations, a session builder.
