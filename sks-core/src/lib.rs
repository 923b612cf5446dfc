//! The SKS token itself: sessions, policies, keys and every method, pure of I/O.
