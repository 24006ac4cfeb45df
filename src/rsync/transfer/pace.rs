use std::time::{Duration, Instant};

/// Holds writing back to a rate (`sleep_for_bwlimit` in io.c).
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// In units of 1024 bytes a second.
    rate: u32,
    /// What was written too early, in bytes; less than nothing behind a rest that was too long.
    ahead: i64,
    /// When that was counted.
    counted: Option<Instant>,
}

/// Shorter rests are put together: the system makes each a little longer than asked.
const SHORTEST: Duration = Duration::from_millis(100);

impl Pace {
    /// A pace of `rate` times 1024 bytes a second.
    pub(crate) const fn new(rate: u32) -> Self {
        Self {
            rate,
            ahead: 0,
            counted: None,
        }
    }

    /// As much is written at once, in bytes.
    pub(crate) fn piece(&self) -> usize {
        (self.rate as usize).saturating_mul(128).max(512)
    }

    /// Bytes were written: how long to rest now, if it is worth it. Behind the rest [`Self::rested`] is told.
    pub(crate) fn wrote(&mut self, count: usize, now: Instant) -> Option<Duration> {
        self.ahead = self
            .ahead
            .saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        self.rested(now);
        self.ahead = self.ahead.max(0);
        let micros = u128::from(self.ahead.unsigned_abs()) * 1_000_000 / (u128::from(self.rate) * 1024);
        let rest = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        (rest >= SHORTEST).then_some(rest)
    }

    /// Time went by: what a rest was too long counts for what comes.
    pub(crate) fn rested(&mut self, now: Instant) {
        let since = self.counted.map(|counted| now.saturating_duration_since(counted));
        self.ahead = self.ahead.saturating_sub(self.bytes(since.unwrap_or_default()));
        self.counted = Some(now);
    }

    /// What may be written in that time.
    fn bytes(&self, time: Duration) -> i64 {
        let bytes = time.as_micros() * u128::from(self.rate) * 1024 / 1_000_000;
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;

    /// How long it takes to write so much in such pieces, if writing itself takes no time and a rest is as long as asked
    /// and a little longer.
    fn took(rate: u32, total: u64, piece: usize, late: Duration) -> (Duration, u32) {
        let start = Instant::now();
        let (mut now, mut rests) = (start, 0);
        let mut pace = Pace::new(rate);
        let mut left = total;
        while left > 0 {
            let count = left.min(piece as u64);
            left -= count;
            if let Some(rest) = pace.wrote(count as usize, now) {
                now += rest + late;
                rests += 1;
                pace.rested(now);
            }
        }
        (now - start, rests)
    }

    #[test]
    fn bytes_take_the_time_that_the_rate_says() {
        for (rate, piece) in [(1, 512), (100, 700), (100, 12_800), (4096, 65_536)] {
            let total = u64::from(rate) * 1024 * 20;
            for late in [Duration::ZERO, Duration::from_millis(3)] {
                let (took, rests) = took(rate, total, piece, late);
                // The last tenth of a second need not be waited for.
                let seconds = took.as_secs_f64();
                assert!((19.8..20.2).contains(&seconds), "{rate} {piece}: {seconds}");
                assert!(rests <= 200, "{rests}");
            }
        }
    }

    #[test]
    fn what_is_slow_enough_is_not_held_back() {
        let start = Instant::now();
        let mut pace = Pace::new(10);
        for second in 0..100 {
            assert_eq!(
                pace.wrote(10 * 1024 / 20, start + Duration::from_secs(second)),
                None
            );
        }
        assert_eq!((pace.piece(), Pace::new(1).piece()), (1280, 512));
    }
}
