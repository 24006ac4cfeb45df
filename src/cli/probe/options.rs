use std::time::Duration;

use clap::{Args, Parser};

use crate::probe::Choice;

/// How a probe is made: all that decides what goes over the wire, but for the target.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// The daemon's port, where a target names none
    #[arg(long, value_name = "PORT")]
    pub(super) port: Option<u16>,
    /// Speak an older protocol: 29 to 32
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(29..=32))]
    pub(super) protocol: Option<u8>,
    /// Use IPv4 addresses alone
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub(super) ipv4: bool,
    /// Use IPv6 addresses alone
    #[arg(short = '6', long)]
    pub(super) ipv6: bool,
    /// Seconds that an address is given to take a connection
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) contimeout: u64,
    /// Seconds that the daemon may be silent: 30, with --reproduce 600; the daemon is not told, and an own --timeout of a
    /// command line counts instead
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(super) timeout: Option<u64>,
    /// Pull so many files at most
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(super) max_files: usize,
    /// Pull so many bytes at most
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(super) max_bytes: u64,
    /// List folders so far down
    #[arg(long, value_name = "LEVELS", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) max_depth: u8,
    /// Try to write, too: a folder with a name of its own is sent into the module, changed, read back and deleted
    #[arg(long)]
    pub(super) push: bool,
}

/// The words of a transcript.
#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Recorded {
    #[command(flatten)]
    options: Options,
}

impl Options {
    /// Options that were written into a transcript.
    ///
    /// # Errors
    ///
    /// Others, and values that make no sense.
    pub(super) fn parse<'w>(words: impl IntoIterator<Item = &'w String>) -> Result<Self, clap::Error> {
        Recorded::try_parse_from(words).map(|recorded| recorded.options)
    }

    /// The same as words again.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("--contimeout={}", self.contimeout),
            format!("--max-files={}", self.max_files),
            format!("--max-bytes={}", self.max_bytes),
            format!("--max-depth={}", self.max_depth),
        ];
        words.extend(self.timeout.map(|seconds| format!("--timeout={seconds}")));
        words.extend(self.of_address());
        words.extend(self.push.then(|| "--push".to_owned()));
        words
    }

    /// Options that rsync has too, by the same names.
    fn of_address(&self) -> impl Iterator<Item = String> {
        let port = self.port.map(|port| format!("--port={port}"));
        let protocol = self.protocol.map(|protocol| format!("--protocol={protocol}"));
        let ipv4 = self.ipv4.then(|| "--ipv4".to_owned());
        let ipv6 = self.ipv6.then(|| "--ipv6".to_owned());
        [port, protocol, ipv4, ipv6].into_iter().flatten()
    }

    /// How far a probe goes, whose password is asked for or stands in a file, or a user's own command line, which a hook
    /// may hold up for minutes.
    pub(super) fn choice(&self, password_file: Option<String>, is_of_user: bool) -> Choice {
        let silence = if is_of_user { 600 } else { 30 };
        let mut words = vec![format!("--contimeout={}", self.contimeout)];
        words.extend(password_file.map(|file| format!("--password-file={file}")));
        words.extend(self.of_address());
        Choice {
            words,
            connect_limit: Duration::from_secs(self.contimeout),
            silence: Duration::from_secs(self.timeout.unwrap_or(silence)),
            most_files: self.max_files,
            most_bytes: self.max_bytes,
            depth: usize::from(self.max_depth),
            announce: Vec::new(),
            pushes: self.push,
            left_out: Vec::new(),
            folder: None,
            slips: Vec::new(),
            until: None,
            is_one_of_many: false,
        }
    }
}
