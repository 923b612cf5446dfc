//! Server signing: the module's database on durable: users, objects, consumed hashes, audit.
