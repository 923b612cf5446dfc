//! Server signing: the ASN.1 formats of tokens, activation data, wrapped keys and peering messages.
