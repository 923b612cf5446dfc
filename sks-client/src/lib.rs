//! A typed client of the token: one connection, one call per method.
