//! The story that `sks demo` tells.
