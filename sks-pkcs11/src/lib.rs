//! The token in the programs people already use: a PKCS#11 module.
