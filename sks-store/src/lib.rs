//! The sealed credential database: the core's store port on durable.
