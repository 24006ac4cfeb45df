//! rsync's own words, which every room needs: releases, and sources with spans.
//!
//! Nothing here knows a rule, a file system or a socket.

mod release;
mod source;

pub use release::{InvalidRelease, Release};
pub use source::{Position, Source, SourceId, Sources, Span};
