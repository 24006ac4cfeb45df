use std::io;

use crate::{
    cli::{Failure, exit},
    host::trial,
};

/// Tries what a request on our standard input asks, as the users that it names, and ends.
pub(super) fn run() -> Result<u8, Failure> {
    trial::serve(io::stdin().lock(), io::stdout().lock())?;
    Ok(exit::CLEAN)
}
