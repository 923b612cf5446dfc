//! Server signing: the signature activation module, its checks, roles and audit rule; pure, with ports.

pub mod audit;
pub mod ports;
pub mod record;
