//! Filter rules: which names take part in a transfer, and which are safe from deletion (`exclude.c`). Bytes in, verdicts
//! out; files with rules are read by whoever calls.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod glob;
mod list;
mod merge;
mod parse;
mod requested;
mod rule;
mod wire;

pub(crate) use glob::matches_name;
pub use list::{CvsIgnores, FilterList, Purpose, ReadRules, Side, Verdict};
pub use parse::FilterError;
pub use requested::{Asking, Requested};
