//! What `sks bench` measures.
