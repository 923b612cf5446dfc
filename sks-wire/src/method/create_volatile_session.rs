//! `createVolatileSession`: as createProvisioningSession, but the session is kept in the token's memory.
//!
//! Extension (docs/wire.md). For an issuer that is near, and would rather start again than have the token wait for its
//! disk at each call. Arguments, results, checks and cryptography are createProvisioningSession's. The session, and all
//! that is made in it, is seen by the methods that name its handle and by no other; closeProvisioningSession writes all
//! of it, or nothing, durably before it answers. Whatever else ends the session, a restart of the token included, leaves
//! nothing of it but its handles, which are not used again.
//!
//! Refusals: those of createProvisioningSession, and Storage when too many volatile sessions are open. In the session:
//! Storage when it would hold too much, and NotAllowed for post provisioning.

use super::create_provisioning_session as durable;
use crate::codec::{DecodeError, Message, Parsed};

/// A message that is another one's, byte for byte.
macro_rules! same_as {
    ($(#[$doc:meta])* $name:ident $other:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub $other);

        impl Message for $name {
            const FIELDS: &'static [(&'static str, &'static str)] = <$other>::FIELDS;

            fn parse(input: &[u8]) -> Parsed<'_, Self> {
                <$other>::parse(input).map(|(rest, message)| (rest, Self(message)))
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn size(&self) -> usize {
                self.0.size()
            }

            fn check(&self) -> Result<(), DecodeError> {
                self.0.check()
            }
        }
    };
}

same_as! {
    /// The arguments.
    Request durable::Request
}
same_as! {
    /// The session.
    Response durable::Response
}
