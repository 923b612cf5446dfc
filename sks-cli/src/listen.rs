//! The socket, and the calls on it.
