use std::io::{self, Write};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    rsync::transfer::{shown, unshown},
    sync::{output::Output, report::Report},
};

/// Where a text goes (`enum logcode` in rsync.h).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Channel {
    /// To the user and to the log.
    Info,
    /// To the user alone.
    Client,
    /// To the log alone.
    Log,
    /// What to do about an error: with it, but not in the log.
    Advice,
    /// Something is wrong: to the user as an error, and to the log.
    Error,
}

/// What a program writes to.
pub struct Streams<'s> {
    /// Standard output.
    pub output: Box<dyn Write + Send + 's>,
    /// How many columns the terminal has that errors go to while it shows this program, if a bar is to show there how far a
    /// transfer is that tells nothing else.
    pub bar: Option<Box<dyn Fn() -> Option<usize> + Send + 's>>,
    /// Standard error.
    pub errors: Box<dyn Write + Send + 's>,
    /// The file of `--log-file`.
    pub log: Option<Box<dyn Write + Send + 's>>,
    /// Whether this program is the one that the terminal shows.
    pub is_in_foreground: Box<dyn Fn() -> bool + Send + 's>,
    /// Whether those who read it know no other characters than those of ASCII.
    pub is_ascii: bool,
}

/// Writes texts where rsync writes them, as rsync writes them (`rwrite` in log.c).
pub(super) struct Console<'s> {
    streams: Streams<'s>,
    zone: TimeZone,
    is_quiet: bool,
    /// Bytes above 127 are not escaped.
    is_eight_bit: bool,
    /// Whether what is for the user goes to standard error.
    all_to_errors: bool,
    /// What happens is told to a program.
    report: Option<Report>,
    /// Lines wait for more of them.
    is_buffered: bool,
    /// The line is not ended yet.
    needs_newline: bool,
    /// It ends with a count, which the next one takes the place of.
    is_count: bool,
    /// How long the bar is that stands where errors go.
    bar: usize,
    /// What was written as an error, for those who explain it.
    complaints: Vec<u8>,
}

/// As much is kept of what was written.
const KEPT: usize = 64 * 1024;

/// The longest text that goes into a log at once, in bytes (`rwrite` in log.c).
const LONGEST: usize = 2047;

impl<'s> Console<'s> {
    pub(super) fn new(output: &Output, is_quiet: bool, zone: TimeZone, streams: Streams<'s>) -> Self {
        Self {
            streams,
            zone,
            is_quiet,
            is_eight_bit: output.is_eight_bit,
            all_to_errors: output.all_to_errors,
            report: output.is_json.then(Report::default),
            is_buffered: output.is_buffered,
            needs_newline: false,
            is_count: false,
            bar: 0,
            complaints: Vec::new(),
        }
    }

    /// A line of bytes that nothing was done to yet.
    pub(super) fn line(&mut self, channel: Channel, text: &[u8]) {
        self.write(channel, text, Some(b'\n'));
    }

    /// Lines that are shown already, as texts of the session are.
    pub(super) fn text(&mut self, channel: Channel, text: &str) {
        match text.strip_suffix('\r') {
            Some(text) => self.write(channel, text.as_bytes(), Some(b'\r')),
            None => text
                .split('\n')
                .for_each(|line| self.line(channel, &unshown(line))),
        }
    }

    /// Text that more follows on its line.
    pub(super) fn begin(&mut self, channel: Channel, text: &str) {
        self.write(channel, text.as_bytes(), None);
        self.unended();
    }

    /// A count that the next text on the line takes the place of.
    pub(super) fn count(&mut self, count: u64) {
        self.needs_newline &= !self.is_count;
        let text = format!(" {count} files...");
        self.write(Channel::Client, text.as_bytes(), Some(b'\r'));
        self.unended();
        self.is_count = true;
    }

    /// How many columns a bar may have now.
    pub(super) fn bar_columns(&self) -> Option<usize> {
        self.streams.bar.as_ref().and_then(|columns| columns())
    }

    /// Shows how far the transfer is; the next text takes its place.
    pub(super) fn bar(&mut self, text: &str) {
        let before = std::mem::replace(&mut self.bar, text.chars().count());
        let _ = write!(self.streams.errors, "\r{text:before$}\r{text}");
    }

    /// Takes away the bar.
    fn take_bar(&mut self) {
        let before = std::mem::take(&mut self.bar);
        if before > 0 {
            let _ = write!(self.streams.errors, "\r{:before$}\r", "");
        }
    }

    /// The line that was begun is gone on with.
    pub(super) fn go_on(&mut self) {
        self.needs_newline = false;
    }

    /// The line that was written has no end yet.
    pub(super) fn unended(&mut self) {
        if !self.is_quiet && self.report.is_none() {
            self.needs_newline = true;
            let _ = self.streams.output.flush();
        }
    }

    /// Ends a line that was begun, and writes out what waits.
    ///
    /// # Errors
    ///
    /// What the output fails with.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.take_bar();
        if std::mem::take(&mut self.needs_newline) {
            self.streams.output.write_all(b"\n")?;
        }
        self.streams.output.flush()
    }

    /// Tells a program, if one reads; `false` if people do.
    pub(super) fn report(&mut self, tell: impl FnOnce(&mut Report, &mut dyn Write)) -> bool {
        match &mut self.report {
            Some(report) => {
                tell(report, &mut *self.streams.output);
                true
            }
            None => false,
        }
    }

    pub(super) fn is_in_foreground(&self) -> bool {
        (self.streams.is_in_foreground)()
    }

    /// All that was written as an error, as far as it is kept.
    pub(super) fn complaints(&self) -> Vec<u8> {
        self.complaints.clone()
    }

    /// Writes a text without its end, and the end.
    pub(super) fn write(&mut self, channel: Channel, text: &[u8], end: Option<u8>) {
        if !matches!(channel, Channel::Client | Channel::Advice) {
            self.log(text);
        }
        if let Some(report) = &mut self.report {
            report.message(channel, &shown(text), &mut *self.streams.output);
        }
        let is_error = match channel {
            Channel::Log => return,
            Channel::Error | Channel::Advice => true,
            Channel::Info | Channel::Client if self.is_quiet || self.report.is_some() => return,
            Channel::Info | Channel::Client => self.all_to_errors,
        };
        self.is_count = false;
        self.take_bar();
        let mut bytes = Vec::with_capacity(text.len() + 2);
        if std::mem::take(&mut self.needs_newline) {
            bytes.push(b'\n');
        }
        let (start, text) = match text {
            [b'\r', text @ ..] => (&b"\r"[..], text),
            text => (&b""[..], text),
        };
        bytes.extend_from_slice(start);
        let is_ascii = self.streams.is_ascii && channel != Channel::Advice;
        match self.is_eight_bit {
            true => escape(text, |byte| byte < b' ', &mut bytes),
            // `isprint` in the C locale.
            false if is_ascii => escape(text, |byte| !(b' '..=b'~').contains(&byte), &mut bytes),
            false => bytes.extend_from_slice(shown(text).as_bytes()),
        }
        bytes.extend(end);
        if is_error {
            if self.complaints.len() < KEPT {
                self.complaints.extend_from_slice(&bytes);
            }
            let _ = self.streams.errors.write_all(&bytes);
        } else {
            let _ = self.streams.output.write_all(&bytes);
            if !self.is_buffered && end.is_some() {
                let _ = self.streams.output.flush();
            }
        }
    }

    /// A line of the log: when, who, and what (`logit` in log.c).
    fn log(&mut self, text: &[u8]) {
        let Some(log) = &mut self.streams.log else { return };
        let time = time(Timestamp::now(), &self.zone);
        let mut line = format!("{time} [{}] ", std::process::id()).into_bytes();
        let text = &text[..text.len().min(LONGEST)];
        escape(
            text,
            |byte| byte < b' ' || (0x80..=0x9f).contains(&byte),
            &mut line,
        );
        line.push(b'\n');
        let _ = log.write_all(&line);
    }
}

/// A time as logs have it (`timestring` in util1.c).
pub(super) fn time(time: Timestamp, zone: &TimeZone) -> String {
    let time = time.to_zoned(zone.clone());
    time.strftime("%Y/%m/%d %H:%M:%S").to_string()
}

/// Writes bytes with those escaped that could steer a terminal (`filtered_fwrite` in log.c).
fn escape(text: &[u8], is_odd: impl Fn(u8) -> bool, to: &mut Vec<u8>) {
    for (place, &byte) in text.iter().enumerate() {
        let looks_escaped = byte == b'\\'
            && text.get(place + 1) == Some(&b'#')
            && text
                .get(place + 2..place + 5)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
        if looks_escaped || byte != b'\t' && is_odd(byte) {
            to.extend_from_slice(format!("\\#{byte:03o}").as_bytes());
        } else {
            to.push(byte);
        }
    }
}
