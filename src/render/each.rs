use std::io::{self, Write as _};

use serde::{Serialize, Serializer};

/// A sequence whose elements are made while they are written, one after the other: a large file has more of them than
/// need be in memory.
pub(super) struct Each<F>(pub(super) F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: IntoIterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Writes a value as JSON on one line.
pub(super) fn line(value: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    // JSON is made of tiny pieces, and each would be a call through `dyn`.
    let mut buffered = io::BufWriter::with_capacity(1 << 16, out);
    serde_json::to_writer(&mut buffered, value)?;
    buffered.write_all(b"\n")?;
    buffered.flush()
}
