use crate::probe::Step;

/// Is told how far probes are while they run, by any thread.
pub trait Watch: Send + Sync {
    /// A probe begins; the number that it has from then on.
    fn begin(&self, subject: &str) -> usize;

    /// It comes to a stage, perhaps once more.
    fn reach(&self, probe: usize, step: Step);

    /// It has ended, with that code.
    fn end(&self, probe: usize, exit: u8);
}
