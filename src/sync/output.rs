use std::path::PathBuf;

use crate::{
    rsync::transfer::Options,
    sync::{format::Format, number::Readable, usage::UsageError},
    terms::{Info, OutputWords, Speaker},
};

/// What is printed, where, and how.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Output {
    /// The line of a file, if there is one.
    pub(super) format: Option<Format>,
    /// How often `%i` is wanted in it.
    pub(super) itemized: u8,
    /// The line of a file is written before its data go or come.
    pub(super) is_line_first: bool,
    /// `--log-file`.
    pub log_file: Option<PathBuf>,
    /// The line of a file in the log.
    pub(super) log_format: Option<Format>,
    /// `--human-readable`.
    pub(super) readable: Readable,
    /// `--8-bit-output`.
    pub(super) is_eight_bit: bool,
    /// `--outbuf` with whole blocks.
    pub(super) is_buffered: bool,
    /// `--stderr=all`.
    pub all_to_errors: bool,
    /// `--json`.
    pub is_json: bool,
    /// Words of `--info` and `--debug` by which rsync says more than is said here, each as an option.
    pub unsaid: Vec<String>,
}

/// The options that choose what is printed.
#[derive(Debug, Default)]
pub(super) struct OutputChoices {
    itemize: u8,
    progress: bool,
    format: Option<String>,
    log_format: Option<String>,
    output: Output,
}

/// What a line says without a format of the user's.
const ITEMIZED: &str = "%i %n%L";

/// The same where only names are wanted.
const NAMED: &str = "%n%L";

impl OutputChoices {
    /// Takes an option, without its `no-`; `false` if it is none of these.
    pub(super) fn option(
        &mut self,
        options: &mut Options,
        name: &str,
        is_on: bool,
        value: Option<&str>,
    ) -> Result<bool, UsageError> {
        let text = || value.map(str::to_owned);
        let output = &mut self.output;
        match name {
            "verbose" | "v" if is_on => options.verbose = options.verbose.saturating_add(1),
            "verbose" | "v" => options.verbose = 0,
            "itemize-changes" | "i" if is_on => self.itemize = self.itemize.saturating_add(1),
            "itemize-changes" | "i" => self.itemize = 0,
            "quiet" | "q" if is_on => options.quiet = true,
            "stats" if is_on => options.statistics = true,
            "progress" => self.progress = is_on,
            "info" if is_on => words(options.output.set_info(value.unwrap_or_default()))?,
            "debug" if is_on => words(options.output.set_debug(value.unwrap_or_default()))?,
            "out-format" | "log-format" if is_on => self.format = text(),
            "log-file" if is_on => {
                output.log_file = text().filter(|path| !path.is_empty()).map(PathBuf::from);
            }
            "log-file-format" if is_on => self.log_format = text(),
            "human-readable" | "h" if is_on => output.readable.0 = output.readable.0.saturating_add(1),
            "human-readable" | "h" => output.readable.0 = 0,
            "8-bit-output" | "8" => output.is_eight_bit = is_on,
            "outbuf" if is_on => output.is_buffered = is_buffered(value.unwrap_or_default())?,
            "msgs2stderr" => options.all_to_errors = Some(is_on),
            "stderr" if is_on => options.all_to_errors = to_errors(value.unwrap_or_default())?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `--json`.
    pub(super) const fn for_programs(&mut self) {
        self.output.is_json = true;
    }

    /// What only all options together say (`parse_arguments` in options.c).
    pub(super) fn finish(self, options: &mut Options, is_pull: bool) -> Output {
        let mut output = self.output;
        let said = &mut options.output;
        said.imply_verbosity(options.verbose);
        if options.statistics {
            said.imply_info("STATS2");
        }
        if let Some(format) = &self.format {
            let format = Format::parse(format);
            output.itemized = if format.has("i") { self.itemize | 1 } else { 0 };
            output.is_line_first = !format.has("bcC");
            output.format = Some(format);
        } else if self.itemize > 0 {
            output.itemized = self.itemize;
            output.is_line_first = true;
            output.format = Some(Format::parse(ITEMIZED));
        }
        if self.progress {
            if !output.is_line_first && said.info(Info::Name) == 0 {
                said.imply_info("NAME");
            }
            said.imply_info("FLIST2,PROGRESS");
        }
        if said.info(Info::Name) > 0 && output.format.is_none() {
            output.is_line_first = true;
            output.format = Some(Format::parse(NAMED));
        }
        if output.log_file.is_some() {
            let format = self.log_format.as_deref().unwrap_or(ITEMIZED);
            output.log_format = (!format.is_empty()).then(|| Format::parse(format));
        }
        output.all_to_errors = options.all_to_errors == Some(true);
        options.itemize = output.itemized > 0;
        options.report_unchanged = output.itemized > 1 || said.info(Info::Name) > 1;
        options.server_format = match &output.format {
            Some(_) if output.itemized > 1 => Some("%i%I"),
            Some(_) if output.itemized > 0 => Some("%i"),
            Some(format) if format.has("o") => Some("%o"),
            Some(_) if options.verbose == 0 => Some("X"),
            _ => None,
        };
        output.unsaid = unsaid(options, is_pull);
        output
    }
}

fn words(set: Result<(), OutputWords>) -> Result<(), UsageError> {
    set.map_err(|error| match error {
        OutputWords::Help(text) => UsageError::Help(text),
        OutputWords::Unknown(text) => UsageError::OutputWord(text),
    })
}

fn is_buffered(mode: &str) -> Result<bool, UsageError> {
    match mode.bytes().next().map(|letter| letter.to_ascii_uppercase()) {
        Some(b'N' | b'U' | b'L') => Ok(false),
        Some(b'B' | b'F') => Ok(true),
        _ => Err(UsageError::Buffer),
    }
}

/// `--stderr`; the beginning of a mode's name is enough.
fn to_errors(mode: &str) -> Result<Option<bool>, UsageError> {
    let modes = [("errors", None), ("all", Some(true)), ("client", Some(false))];
    let meant = modes
        .iter()
        .find(|(name, _)| !mode.is_empty() && name.starts_with(mode));
    let unknown = || UsageError::ErrorsMode(mode.to_owned());
    meant.map(|&(_, meant)| meant).ok_or_else(unknown)
}

/// What rsync says on this side and we do not, if the user asks for it by name.
fn unsaid(options: &Options, is_pull: bool) -> Vec<String> {
    let mut unsaid = Vec::new();
    if options.output.info(Info::Stats) > 2 {
        unsaid.push("--info=STATS3".to_owned());
    }
    let role = if is_pull {
        Speaker::RECEIVER
    } else {
        Speaker::SENDER
    };
    for (word, level) in options.output.asked_debug(Speaker::CLIENT.and(role)) {
        let most = match word {
            // Only daemons bind without being told.
            "BIND" => u8::MAX,
            "ACL" if !options.acls => u8::MAX,
            "BACKUP" if !options.backs_up => u8::MAX,
            "FUZZY" if options.receiving.fuzzy == 0 => u8::MAX,
            "HLINK" if !options.hard_links => u8::MAX,
            "CMD" | "CONNECT" | "DEL" | "DELTASUM" | "FILTER" | "FLIST" | "ICONV" => 1,
            _ => 0,
        };
        if level > most {
            let level = if level > 1 {
                level.to_string()
            } else {
                String::new()
            };
            unsaid.push(format!("--debug={word}{level}"));
        }
    }
    unsaid
}

#[cfg(test)]
mod tests {
    use super::{OutputChoices, UsageError};
    use crate::{rsync::transfer::Options, terms::Info};

    fn chosen(words: &[(&str, &str)], is_pull: bool) -> Result<(Options, super::Output), UsageError> {
        let (mut choices, mut options) = (OutputChoices::default(), Options::default());
        for (name, value) in words {
            assert!(choices.option(&mut options, name, true, Some(value))?, "{name}");
        }
        let output = choices.finish(&mut options, is_pull);
        Ok((options, output))
    }

    #[test]
    fn progress_names_files_unless_a_line_does() {
        let name = |words: &[(&str, &str)]| {
            let (options, output) = chosen(words, true).expect("options");
            (options.output.info(Info::Name), output.format.is_some())
        };
        assert_eq!(name(&[("progress", "")]), (1, true));
        assert_eq!(name(&[("progress", ""), ("out-format", "%n")]), (0, true));
        assert_eq!(name(&[("progress", ""), ("out-format", "%b")]), (1, true));
        assert_eq!(name(&[("progress", ""), ("info", "name0")]), (0, false));
        assert_eq!(name(&[("info", "progress2")]), (0, false));
    }

    #[test]
    fn what_is_not_said_is_known_by_name() {
        let unsaid = |word: &str, is_pull| chosen(&[("debug", word)], is_pull).expect("options").1.unsaid;
        assert_eq!(unsaid("recv", true), ["--debug=RECV"]);
        assert!(unsaid("recv", false).is_empty());
        assert_eq!(unsaid("flist2,recv", true), ["--debug=FLIST2", "--debug=RECV"]);
        assert!(unsaid("flist,fuzzy2,bind4", true).is_empty());
    }
}
