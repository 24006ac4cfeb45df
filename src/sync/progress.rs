use std::time::{Duration, Instant};

use crate::sync::number::Readable;

/// The moments that a rate is counted over: the last seconds.
const MOMENTS: usize = 5;

/// A line is written this often at most.
const PERIOD: Duration = Duration::from_secs(1);

/// A file that begins so soon behind the last line began when that was written.
const RECENT: Duration = Duration::from_millis(1500);

/// How many columns a bar has.
const SHORTEST_BAR: usize = 8;
const LONGEST_BAR: usize = 30;

/// How far a transfer is: a line that is written again and again (`progress.c`).
#[derive(Debug)]
pub(super) struct Progress {
    readable: Readable,
    /// Of the whole transfer, not of each file.
    is_total: bool,
    /// When the file, or the transfer, began, and how much of it was done then.
    start: Option<Moment>,
    moments: [Option<Moment>; MOMENTS],
    newest: usize,
    oldest: usize,
    /// How long the end of the last line was.
    last_end: usize,
    /// What was transferred, the file under way included.
    transferred: Count,
    /// How many files the lists have, and how many bytes they have.
    listed: Count,
    /// The numbers in front of the first files of lists that come one by one.
    starts: Vec<u64>,
    /// How many of these lists are through.
    through: usize,
    /// There are no more lists.
    is_listed: bool,
    /// The number of the file under way, and its list.
    number: u64,
    list: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    files: u64,
    size: u64,
}

#[derive(Clone, Copy, Debug)]
struct Moment {
    time: Instant,
    offset: u64,
}

impl Progress {
    pub(super) fn new(readable: Readable, is_total: bool) -> Self {
        Self {
            readable,
            is_total,
            start: None,
            moments: [None; MOMENTS],
            newest: 0,
            oldest: 0,
            last_end: 0,
            transferred: Count::default(),
            listed: Count::default(),
            starts: Vec::new(),
            through: 0,
            is_listed: true,
            number: 0,
            list: 0,
        }
    }

    /// Files were listed, with that many bytes.
    pub(super) fn listed(&mut self, files: u64, size: u64, is_incremental: bool) {
        if is_incremental {
            // Between two lists there is the number of a folder.
            self.starts.push(self.listed.files + self.starts.len() as u64);
            self.is_listed &= self.starts.len() > 1;
        }
        self.listed.files += files;
        self.listed.size += size;
    }

    /// There are no more lists.
    pub(super) const fn all_listed(&mut self) {
        self.is_listed = true;
    }

    /// Something is said of a file, or of the folder that a list is of: that list's turn has come (`flist_for_ndx` in rsync.c).
    pub(super) fn reach(&mut self, number: u64) {
        let lists = self.starts.partition_point(|start| *start <= number);
        self.list = lists.saturating_sub(1);
    }

    /// A file's turn has come.
    pub(super) fn file(&mut self, number: u64, size: u64) {
        self.reach(number);
        let lists = if self.starts.is_empty() { 0 } else { self.list + 1 };
        self.number = number.saturating_sub(lists as u64);
        self.transferred.files += 1;
        self.transferred.size += size;
    }

    /// The first list that is left is through, and the turn of the list is over that was spoken of last; `false` if there is
    /// none any more, and no line (`set_current_file_index` in progress.c, `flist_free` in flist.c).
    pub(super) fn is_through(&mut self) -> bool {
        let is_incremental = !self.starts.is_empty();
        if is_incremental && self.through == self.starts.len() {
            return false;
        }
        let next = self.list + 1;
        let start = self.starts.get(next).map(|start| start - next as u64);
        self.number = start.unwrap_or(self.listed.files).saturating_sub(1);
        if is_incremental {
            self.through += 1;
            self.list = self.list.max(self.through);
        }
        true
    }

    /// The line, if it is time for one.
    pub(super) fn line(&mut self, offset: u64, size: u64, now: Instant) -> Option<String> {
        let (offset, size) = match self.is_total {
            true => (
                self.transferred.size.saturating_sub(size) + offset,
                self.listed.size,
            ),
            false => (offset, size),
        };
        let here = Moment { time: now, offset };
        let last = self.moments[self.newest];
        if self.start.is_none() {
            let start = match last {
                Some(last) if now - last.time <= RECENT => Moment { offset: 0, ..last },
                _ => here,
            };
            self.start = Some(start);
            self.moments = [Some(start); MOMENTS];
        } else {
            if last.is_some_and(|last| now - last.time < PERIOD) {
                return None;
            }
            self.newest = self.oldest;
            self.oldest = (self.oldest + 1) % MOMENTS;
            self.moments[self.newest] = Some(here);
        }
        let since = self.moments[self.oldest].unwrap_or(here);
        let rate = rate(since, here);
        let left = match rate {
            0.0 => 0.0,
            rate => size.saturating_sub(offset) as f64 / rate / 1000.0,
        };
        Some(format!("{}  ", self.text(offset, size, rate, left)))
    }

    /// A bar of so many columns with that line, if it is time for one; none in the first second, which may be the only one.
    pub(super) fn bar(&mut self, offset: u64, size: u64, now: Instant, columns: usize) -> Option<String> {
        let has_begun = self.start.is_some();
        let line = self.line(offset, size, now).filter(|_| has_begun)?;
        let done = self.transferred.size.saturating_sub(size) + offset;
        let line = line.trim();
        // The last column stays free, so that no terminal begins another line.
        let room = columns.saturating_sub(line.len() + 4).min(LONGEST_BAR);
        if room < SHORTEST_BAR {
            return Some(line.chars().take(columns.saturating_sub(1)).collect());
        }
        let share = done as f64 / self.listed.size.max(1) as f64;
        let filled = ((share * room as f64) as usize).min(room);
        Some(format!("[{:room$}] {line}", "#".repeat(filled)))
    }

    /// The last line of a file; behind that of the whole transfer may come another.
    pub(super) fn last_line(&mut self, size: u64, now: Instant) -> String {
        let (offset, size) = match self.is_total {
            true => (self.transferred.size, self.listed.size),
            false => (size, size),
        };
        let here = Moment { time: now, offset };
        // Without a beginning all took a millisecond.
        let (rate, took) = match self.start {
            Some(start) => (rate(start, here), milliseconds(start, here)),
            None => (offset as f64 * 1000.0 / 1024.0, 1),
        };
        let text = self.text(offset, size, rate, took as f64 / 1000.0);
        let end = format!(
            " (xfr#{}, {}-chk={}/{})",
            self.transferred.files,
            if self.is_listed { "to" } else { "ir" },
            self.listed.files.saturating_sub(self.number + 1),
            self.listed.files
        );
        if self.is_total {
            // What was written before must be blotted out.
            let before = std::mem::replace(&mut self.last_end, end.len());
            return format!("{text}{end:<before$}");
        }
        self.start = None;
        format!("{text}{end}")
    }

    pub(super) const fn is_total(&self) -> bool {
        self.is_total
    }

    fn text(&self, offset: u64, size: u64, rate: f64, seconds: f64) -> String {
        let (rate, unit) = match rate {
            rate if rate > 1024.0 * 1024.0 => (rate / 1024.0 / 1024.0, "GB/s"),
            rate if rate > 1024.0 => (rate / 1024.0, "MB/s"),
            rate => (rate, "kB/s"),
        };
        let time = match seconds {
            ..0.0 => None,
            seconds if seconds > 9999.0 * 3600.0 => None,
            seconds => Some(seconds as u64),
        };
        let time = time.map_or_else(
            || "  ??:??:??".to_owned(),
            |time| format!("{:4}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60),
        );
        let percent = match offset == size {
            true => 100,
            false => (100.0 * offset as f64 / size.max(1) as f64) as u64,
        };
        let done = self.readable.length(offset);
        format!("\r{done:>15} {percent:>3}% {rate:>7.2}{unit} {time}")
    }
}

/// Thousands of bytes in a second, as thousands are counted in memory.
fn rate(from: Moment, to: Moment) -> f64 {
    let bytes = to.offset as f64 - from.offset as f64;
    bytes * 1000.0 / milliseconds(from, to) as f64 / 1024.0
}

fn milliseconds(from: Moment, to: Moment) -> u64 {
    u64::try_from((to.time - from.time).as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Progress;
    use crate::sync::number::Readable;

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut progress = Progress::new(Readable::default(), false);
        progress.listed(2, 20 << 20, false);
        progress.file(0, 10 << 20);
        let mut line = |offset: u64, seconds: f64| progress.line(offset << 10, 10 << 20, at(seconds));
        assert_eq!(
            line(0, 0.0).expect("the first"),
            "\r              0   0%    0.00kB/s    0:00:00  "
        );
        assert_eq!(line(512, 0.9), None);
        assert_eq!(
            line(1024, 1.0).expect("a second later"),
            "\r      1,048,576  10% 1024.00kB/s    0:00:09  "
        );
        for second in 2..7 {
            line(1024, f64::from(second)).expect("a second later");
        }
        // Nothing came in the last seconds.
        let last = progress
            .line(1024 << 10, 10 << 20, at(7.0))
            .expect("a second later");
        assert_eq!(last, "\r      1,048,576  10%    0.00kB/s    0:00:00  ");
        assert_eq!(
            progress.last_line(10 << 20, at(10.0)),
            "\r     10,485,760 100% 1024.00kB/s    0:00:10 (xfr#1, to-chk=1/2)"
        );
        progress.file(1, 10 << 20);
        // It began when the last line was written.
        let first = progress.line(1 << 20, 10 << 20, at(8.0)).expect("the first");
        assert_eq!(first, "\r      1,048,576  10% 1024.00kB/s    0:00:09  ");
    }

    #[test]
    fn a_bar_fits_into_its_terminal() {
        let start = Instant::now();
        let mut progress = Progress::new(Readable::default(), true);
        progress.listed(1, 4 << 20, false);
        progress.file(0, 4 << 20);
        assert_eq!(progress.bar(0, 4 << 20, start, 80), None);
        let mut bar = |seconds, columns| {
            let now = start + Duration::from_secs(seconds);
            progress.bar(1 << 20, 4 << 20, now, columns).expect("a bar")
        };
        assert_eq!(
            bar(1, 80),
            "[#######                       ] 1,048,576  25% 1024.00kB/s    0:00:03"
        );
        assert_eq!(bar(2, 49), "[##      ] 1,048,576  25%  512.00kB/s    0:00:06");
        assert_eq!(bar(3, 20), "1,048,576  25%  341");
        assert_eq!(bar(4, 0), "");
    }

    #[test]
    fn the_end_of_a_line_covers_that_of_the_last_one() {
        let now = Instant::now();
        let mut progress = Progress::new(Readable(3), true);
        progress.listed(1000, 4096, false);
        progress.file(0, 2048);
        assert_eq!(
            progress.last_line(2048, now),
            "\r          2.00K  50%    1.95MB/s    0:00:00 (xfr#1, to-chk=999/1000)"
        );
        assert!(progress.is_through());
        assert!(progress.last_line(0, now).ends_with("(xfr#1, to-chk=0/1000)  "));
        assert!(progress.last_line(0, now).ends_with("(xfr#1, to-chk=0/1000)"));
    }

    #[test]
    fn a_list_that_is_through_leaves_those_behind_it() {
        let now = Instant::now();
        let mut progress = Progress::new(Readable::default(), true);
        for files in [7, 2, 4] {
            progress.listed(files, 100, true);
        }
        progress.all_listed();
        let through = |progress: &mut Progress| {
            let is_told = progress.is_through();
            is_told.then(|| progress.last_line(0, now))
        };
        let ends = |line: Option<String>, end: &str| assert!(line.expect("a line").ends_with(end), "{end}");
        ends(through(&mut progress), "(xfr#0, to-chk=6/13)");
        // Its list begins behind the number of a folder.
        progress.file(9, 100);
        assert!(progress.last_line(0, now).ends_with("(xfr#1, to-chk=5/13)"));
        ends(through(&mut progress), "(xfr#1, to-chk=4/13)");
        // Nothing of the last one is said.
        ends(through(&mut progress), "(xfr#1, to-chk=0/13)");
        assert_eq!(through(&mut progress), None);
    }
}
