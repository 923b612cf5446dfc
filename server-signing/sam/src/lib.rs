//! Server signing: the signature activation module, its checks, roles and audit rule; pure, with ports.
