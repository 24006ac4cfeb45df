use std::time::SystemTime;

use crate::{
    rsync::transfer::{FileCounts, Outcome},
    sync::{console::Channel, number::Readable, plan::Plan},
    terms::Info,
};

/// What is said at the end (`output_summary` in main.c), each line with where it goes.
pub(super) struct Summary<'s> {
    pub(super) plan: &'s Plan,
    pub(super) protocol: u8,
    pub(super) outcome: &'s Outcome,
    pub(super) listed: FileCounts,
    pub(super) created: FileCounts,
    pub(super) start: SystemTime,
}

impl Summary<'_> {
    pub(super) fn lines(&self) -> Vec<(Channel, String)> {
        let mut lines = Vec::new();
        let level = self.plan.options.output.info(Info::Stats);
        if level > 1 {
            lines.push((Channel::Client, String::new()));
            lines.extend(self.statistics().into_iter().map(|line| (Channel::Info, line)));
        }
        if level > 0 {
            lines.push((Channel::Client, String::new()));
            lines.extend(self.totals().map(|line| (Channel::Info, line)));
        }
        lines
    }

    fn readable(&self) -> Readable {
        self.plan.output.readable
    }

    fn statistics(&self) -> Vec<String> {
        let (readable, outcome) = (self.readable(), self.outcome);
        let counted = |counts| counted(readable, counts);
        let bytes = |number| readable.length(number);
        let mut lines = vec![
            format!("Number of files: {}", counted(&self.listed)),
            format!("Number of created files: {}", counted(&self.created)),
        ];
        if self.protocol >= 31 {
            lines.push(format!("Number of deleted files: {}", counted(&outcome.deleted)));
        }
        lines.extend([
            format!(
                "Number of regular files transferred: {}",
                readable.count(outcome.transferred)
            ),
            format!("Total file size: {} bytes", bytes(outcome.total_size)),
            format!(
                "Total transferred file size: {} bytes",
                bytes(outcome.transferred_size)
            ),
            format!("Literal data: {} bytes", bytes(outcome.literal)),
            format!("Matched data: {} bytes", bytes(outcome.matched)),
            format!("File list size: {}", bytes(outcome.list_size)),
        ]);
        if outcome.list_build > 0 {
            let seconds = |milliseconds: u64| readable.count_fraction(milliseconds as f64 / 1000.0, 3);
            let (build, transfer) = (seconds(outcome.list_build), seconds(outcome.list_transfer));
            lines.push(format!("File list generation time: {build} seconds"));
            lines.push(format!("File list transfer time: {transfer} seconds"));
        }
        lines.push(format!("Total bytes sent: {}", bytes(outcome.sent)));
        lines.push(format!("Total bytes received: {}", bytes(outcome.received)));
        lines
    }

    fn totals(&self) -> [String; 2] {
        let (readable, outcome) = (self.readable(), self.outcome);
        let total = outcome.sent + outcome.received;
        // Whole seconds, and a half.
        let took = seconds(SystemTime::now()) - seconds(self.start);
        let rate = total as f64 / (0.5 + took as f64);
        let speedup = outcome.total_size as f64 / total.max(1) as f64;
        let dry = match self.plan.options.dry_run {
            true => " (DRY RUN)",
            false => "",
        };
        [
            format!(
                "sent {} bytes  received {} bytes  {} bytes/sec",
                readable.length(outcome.sent),
                readable.length(outcome.received),
                readable.fraction(rate, 2),
            ),
            format!(
                "total size is {}  speedup is {}{dry}",
                readable.length(outcome.total_size),
                readable.count_fraction(speedup, 2),
            ),
        ]
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// How many files there are, and of which kinds.
fn counted(readable: Readable, counts: &FileCounts) -> String {
    let kinds = [
        ("reg", counts.files),
        ("dir", counts.directories),
        ("link", counts.symlinks),
        ("dev", counts.devices),
        ("special", counts.specials),
    ];
    let kinds: Vec<_> = kinds
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{kind}: {}", readable.count(*count)))
        .collect();
    match counts.total() {
        0 => "0".to_owned(),
        total => format!("{} ({})", readable.count(total), kinds.join(", ")),
    }
}
