//! rsync's own words, which every room needs: options, releases, and sources with spans.
//!
//! Nothing here knows a rule, a file system or a socket.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod bytes;
mod credentials;
mod exit;
mod options;
mod output;
mod release;
mod source;
mod system;
mod target;

pub use bytes::Bytes;
pub use credentials::{
    BLOT, Credential, credentials, names_password, part_without_passwords, without_passwords,
};
pub use exit::Exit;
pub use options::{OPTIONS, RsyncOption};
pub use output::{Debug, Info, OutputLevels, OutputWords, Speaker};
pub use release::{InvalidRelease, Release};
pub use source::{Position, Source, SourceId, Sources, Span};
pub use system::{UntrustedLink, describe, refusal};
pub use target::{Misread, Remote, Target, without_password};
