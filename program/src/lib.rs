//! What `sks` and `tw4s` share because they are programs, whatever they do: what they ask of the system for their
//! process, how they read a secret, print, tell a demo, and where it is played. It knows neither tokens nor signatures.

pub mod output;
pub mod process;
pub mod secret;
pub mod story;
pub mod temporary;
