use std::{ffi::OsString, os::unix::ffi::OsStrExt as _, path::PathBuf, time::Duration};

use crate::{
    rsync::{
        delta::Checksum,
        net::{Address, Family},
        proto::{ChecksumChoice, Compression, CompressionChoice, PROTOCOL},
        transfer::{FilesFrom, Options, shown},
    },
    sync::{
        argument::Argument,
        choices::{Choices, Surroundings},
        names::ListPlace,
        output::{Output, OutputChoices},
        place::{self, Daemon, Place},
        usage::{FIRST_PROTOCOL, UsageError, dashed},
        values::{integer, protocol, seconds, size},
    },
    syntax::Invocation,
    terms::RsyncOption,
};

/// The longest block that a peer takes, in bytes, and one of protocol 29.
const LARGEST_BLOCK: u64 = 131_072;
const LARGEST_OLD_BLOCK: u64 = 1 << 29;

/// The port that daemons listen on.
const PORT: u16 = 873;

/// What a command line asks for.
#[derive(Debug)]
pub enum Command {
    /// `--help`.
    Help,
    /// `--version`; twice, for programs.
    Version {
        /// Whether a program reads it.
        is_for_programs: bool,
    },
    /// A transfer, or a listing.
    Transfer(Box<Plan>),
}

/// A session with a daemon.
#[derive(Debug)]
pub struct Plan {
    /// The daemon.
    pub daemon: Daemon,
    /// What is wanted of it.
    pub place: Place,
    /// How.
    pub options: Options,
    /// The newest protocol that is spoken.
    pub protocol: u8,
    /// What is printed.
    pub output: Output,
    /// `--no-motd`.
    pub no_message_of_the_day: bool,
    /// `--contimeout`; zero where it is over at once.
    pub connect_limit: Option<Duration>,
    /// `--password-file`.
    pub password_file: Option<PathBuf>,
    /// `--early-input`.
    pub early_input: Option<PathBuf>,
    /// `--sockopts`.
    pub socket_options: Option<String>,
    /// Whether the daemon is asked behind its greeting only: a wait more, and how it hangs up is seen as rsync sees it.
    pub hears_greeting_first: bool,
}

impl Command {
    /// Reads the words behind the program's name.
    ///
    /// # Errors
    ///
    /// What cannot be carried out is refused by name.
    pub fn parse(words: &[OsString], surroundings: Surroundings<'_>) -> Result<Self, UsageError> {
        let invocation = Invocation::parse(words.iter().map(|word| word.to_string_lossy()));
        let mut reading = Reading::default();
        let read_list = surroundings.read_list;
        reading.iconv.clone_from(&surroundings.iconv);
        let mut versions = 0;
        let mut choices = Choices::new(surroundings);
        for given in &invocation.options {
            if given.name == "json" && given.value.is_none() {
                reading.said.for_programs();
                continue;
            }
            let shown = |word: usize| shown(words[word].as_bytes());
            let word = shown(given.word);
            if !given.is_known {
                // A letter that has no value ends in front of `=`.
                let ends_letter = given.name == "=" && !word.starts_with("-=");
                let error = match ends_letter {
                    true => UsageError::TakesNone,
                    false => UsageError::Unknown,
                };
                return Err(error(word));
            }
            if let Some(option) = RsyncOption::of_name(&given.name) {
                match &given.value {
                    None if option.takes_value => return Err(UsageError::MissingValue(dashed(&given.name))),
                    Some(_) if !option.takes_value => {
                        return Err(UsageError::TakesNone(word));
                    }
                    _ => {}
                }
            }
            let is_text = |word: usize| words[word].to_str().is_some();
            if !is_text(given.word) || !given.value_word.is_none_or(is_text) {
                return Err(UsageError::NotText(dashed(&given.name)));
            }
            match (&*given.name, given.value.as_deref()) {
                // Only the first of all letters asks for help.
                ("help", _) => return Ok(Self::Help),
                ("version" | "V", _) => versions += 1,
                ("human-readable", _) if words.len() == 1 => return Ok(Self::Help),
                (name, value) => {
                    let read = reading.option(&mut choices, name, value);
                    read.map_err(|error| error.of_word(&shown(given.value_word.unwrap_or(given.word))))?;
                }
            }
        }
        if versions > 0 {
            let is_for_programs = versions > 1;
            return Ok(Self::Version { is_for_programs });
        }
        let is_pull = invocation.is_push() != Some(true);
        let count = invocation.targets.len();
        reading.list = choices.finish(&mut reading.options, is_pull, count)?;
        let said = std::mem::take(&mut reading.said);
        let output = said.finish(&mut reading.options, is_pull);
        let raw = invocation.target_words.iter().map(|&word| words[word].as_bytes());
        let arguments = invocation.targets.iter().zip(raw);
        let arguments: Vec<_> = arguments
            .map(|(target, word)| Argument { target, word })
            .collect();
        let list = reading.list.here.take();
        let mut plan = reading.plan(&arguments, output)?;
        if let Some(path) = list {
            let names = read_list(&path).map_err(|error| UsageError::no_list(&path, &error))?;
            plan.options.files_from = Some(FilesFrom::Here(names.into()));
        }
        Ok(Self::Transfer(Box::new(plan)))
    }
}

#[derive(Default)]
struct Reading {
    options: Options,
    said: OutputChoices,
    no_message_of_the_day: bool,
    connect_limit: Option<Duration>,
    password_file: Option<PathBuf>,
    early_input: Option<PathBuf>,
    socket_options: Option<String>,
    list: ListPlace,
    local: Option<String>,
    port: Option<i32>,
    family: Family,
    protocol: Option<u8>,
    /// `--iconv`, or what the environment has for it.
    iconv: Option<String>,
    /// `--checksum-choice`, as it is written.
    checksum_choice: Option<String>,
    /// `--compress-choice`, as it is written.
    compress_choice: Option<String>,
    /// How often `--compress` is given.
    compress: u8,
}

impl Reading {
    fn option(
        &mut self,
        choices: &mut Choices<'_>,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), UsageError> {
        let (is_on, plain) = match name.strip_prefix("no-") {
            Some(plain) if plain != "motd" => (false, plain),
            _ => (true, name),
        };
        let options = &mut self.options;
        match plain {
            "archive" | "a" if is_on => {
                options.recursive = true;
                options.links = true;
                options.permissions = true;
                options.times = true;
                options.group = true;
                options.owner = true;
                options.devices = true;
                options.specials = true;
            }
            "inc-recursive" | "i-r" => options.whole_lists = Some(!is_on),
            "links" | "l" => options.links = is_on,
            "perms" | "p" => options.permissions = is_on,
            "times" | "t" => options.times = is_on,
            "group" | "g" => options.group = is_on,
            "owner" | "o" => options.owner = is_on,
            "D" => (options.devices, options.specials) = (is_on, is_on),
            "devices" => options.devices = is_on,
            "specials" => options.specials = is_on,
            "drop-D" => options.drop_devices = is_on,
            // It is of remote shells.
            "blocking-io" => {}
            "copy-devices" if is_on => options.copy_devices = true,
            "atimes" | "U" if is_on => {
                options.atimes = options.atimes.saturating_add(1);
                options.open_noatime |= options.atimes > 1;
            }
            "atimes" | "U" => options.atimes = 0,
            "open-noatime" => options.open_noatime = is_on,
            "crtimes" | "N" if is_on => return Err(UsageError::CreationTimes),
            "crtimes" | "N" => {}
            "executability" | "E" if is_on => options.executability = true,
            "sparse" | "S" => options.sparse = is_on,
            "omit-link-times" | "J" => options.omit_link_times = is_on,
            "acls" | "A" => {
                options.acls = is_on;
                // They hold the permissions too.
                options.permissions |= is_on;
            }
            "xattrs" | "X" => {
                options.private_xattrs = is_on && options.xattrs;
                options.xattrs = is_on;
            }
            "numeric-ids" => options.numeric_ids = is_on,
            "omit-dir-times" | "O" => options.omit_directory_times = is_on,
            "checksum" | "c" => options.checksum = is_on,
            "ignore-times" | "I" => options.ignore_times = is_on,
            "size-only" => options.size_only = is_on,
            "update" | "u" => options.update = is_on,
            "existing" | "ignore-non-existing" if is_on => options.existing = true,
            "ignore-existing" if is_on => options.ignore_existing = true,
            "whole-file" | "W" => options.whole_file = is_on,
            "dry-run" | "n" if is_on => options.dry_run = true,
            "list-only" if is_on => (options.list_only, options.list_only_is_said) = (true, true),
            "no-motd" => self.no_message_of_the_day = true,
            "ipv4" => self.family = Family::V4,
            "ipv6" => self.family = Family::V6,
            "block-size" | "B" => {
                // A protocol that is chosen later does not count.
                let largest = match self.protocol {
                    Some(..30) => LARGEST_OLD_BLOCK,
                    _ => LARGEST_BLOCK,
                };
                let size = size(name, value, 0, 0..=largest, false)?;
                options.block_size = u32::try_from(size).ok().filter(|&size| size > 0);
            }
            // Less than none is none (`set_io_timeout` in io.c).
            "timeout" if is_on && integer(name, value).is_ok_and(i32::is_negative) => options.timeout = None,
            "timeout" if is_on => options.timeout = seconds(name, value)?,
            "timeout" => options.timeout = None,
            "contimeout" if is_on => self.connect_limit = seconds(name, value)?,
            "contimeout" => self.connect_limit = None,
            // Zero is the usual one.
            "port" => self.port = Some(integer(name, value)?).filter(|port| *port != 0),
            "protocol" => self.protocol = Some(protocol(value)?),
            "compress" | "z" if is_on => self.compress = self.compress.saturating_add(1),
            "compress" | "z" => (self.compress, self.compress_choice) = (0, None),
            "compress-choice" | "zc" => self.compress_choice = value.map(str::to_owned),
            "new-compress" => self.compress_choice = Some(Compression::Zlibx.name().to_owned()),
            "old-compress" => self.compress_choice = Some(Compression::Zlib.name().to_owned()),
            "compress-level" | "zl" => {
                // The least of all is rsync's word for none at all.
                options.algorithms.level = Some(integer(name, value)?).filter(|level| *level > i32::MIN);
            }
            // It speeds up a sender.
            "compress-threads" | "zt" => drop(integer(name, value)?),
            "skip-compress" => options.skip_compress = value.map(str::to_owned),
            "checksum-choice" | "cc" => self.checksum_choice = value.map(str::to_owned),
            "checksum-seed" => options.checksum_seed = integer(name, value)?,
            // It may only be said that names stay as they are.
            "iconv" if is_on && value != Some("-") => return Err(UsageError::Unsupported(dashed(name))),
            "iconv" => self.iconv = None,
            "early-input" => self.early_input = value.map(PathBuf::from),
            "sockopts" => self.socket_options = value.map(str::to_owned),
            "address" => self.local = value.map(str::to_owned),
            "password-file" => self.password_file = value.map(PathBuf::from),
            "P" if is_on => {
                self.said.option(options, "progress", true, None)?;
                choices.option(options, "partial", true, None)?;
            }
            plain if self.said.option(options, plain, is_on, value)? => {}
            plain if choices.option(options, plain, is_on, value)? => {}
            _ => return Err(UsageError::Unsupported(dashed(name))),
        }
        Ok(())
    }

    /// What rsync says where no daemon is asked: first, that some options are for daemons alone.
    fn without_daemon(&self, error: UsageError, role: &'static str) -> UsageError {
        let is_elsewhere = matches!(error, UsageError::NotYet(_) | UsageError::Shell { .. });
        let (option, what) = match (&self.password_file, self.connect_limit) {
            (Some(_), _) if is_elsewhere => ("password-file", "accessing"),
            (None, Some(_)) if is_elsewhere => ("contimeout", "connecting to"),
            _ => return error,
        };
        UsageError::DaemonOnly { option, what, role }
    }

    /// Which algorithms the options ask for together (`parse_arguments` in options.c).
    fn choose(&mut self) -> Result<(), UsageError> {
        let unknown = |what| move |name| UsageError::UnknownAlgorithm { what, name };
        let algorithms = &mut self.options.algorithms;
        if let Some(text) = &self.checksum_choice {
            algorithms.checksum = ChecksumChoice::parse(text).map_err(unknown("checksum"))?;
            let transfer = algorithms.checksum.as_ref().and_then(|choice| choice.transfer);
            // Without it no block can be recognised.
            self.options.whole_file |= transfer == Some(Checksum::None);
            if self.options.whole_file && self.options.receiving.append > 0 {
                return Err(UsageError::Together("--append", "--whole-file"));
            }
        }
        if self.compress_choice.is_none() && self.compress > 1 {
            self.compress_choice = Some(Compression::Zlibx.name().to_owned());
        }
        let choice = self.compress_choice.as_deref().map(CompressionChoice::parse);
        algorithms.compression = choice.transpose().map_err(unknown("compress"))?.flatten();
        algorithms.compress = self.compress > 0;
        Ok(())
    }

    fn plan(mut self, arguments: &[Argument<'_>], output: Output) -> Result<Plan, UsageError> {
        let (sources, destination) = match arguments {
            [] => return Err(UsageError::NoSource),
            [source] => (std::slice::from_ref(source), None),
            [sources @ .., destination] => (sources, Some(destination)),
        };
        let is_pull = sources
            .iter()
            .take(1)
            .any(|source| source.target.remote().is_some());
        let found = match destination {
            Some(to) if !is_pull => place::push(sources, to),
            // What is listed goes nowhere.
            to => {
                let to = to.filter(|to| !(self.options.list_only && to.word.is_empty()));
                place::pull(self.port, sources, to)
            }
        };
        let role = if is_pull { "Receiver" } else { "sender" };
        let (first, place) = found.map_err(|error| self.without_daemon(error, role))?;
        let given = |port: i32| u16::try_from(port).map_err(|_| UsageError::NoPort(port));
        let port = match first.port {
            Some(port) => port,
            None => self.port.map(given).transpose()?.unwrap_or(PORT),
        };
        if self.protocol.is_some_and(|protocol| protocol < FIRST_PROTOCOL) {
            return Err(UsageError::OldProtocol { role: place.role() });
        }
        self.options.list_only |= matches!(
            &place,
            Place::Files {
                destination: None,
                ..
            }
        );
        let is_converted = self.iconv.as_ref().is_some_and(|iconv| iconv != "-");
        if is_converted && !matches!(place, Place::Modules) {
            return Err(UsageError::NotYet(
                "the conversion of names by RSYNC_ICONV, which --no-iconv turns off,",
            ));
        }
        self.choose()?;
        self.list.check(&first.host, self.password_file.as_deref())?;
        if self.options.list_only && !self.options.recursive {
            self.options.directories = true;
        }
        Ok(Plan {
            daemon: Daemon {
                address: Address {
                    host: first.host.clone(),
                    port,
                    family: self.family,
                    local: self.local,
                },
                user: first.user.clone(),
            },
            place,
            options: self.options,
            hears_greeting_first: false,
            protocol: self.protocol.unwrap_or(PROTOCOL),
            output,
            no_message_of_the_day: self.no_message_of_the_day,
            connect_limit: self.connect_limit,
            password_file: self.password_file,
            early_input: self.early_input,
            socket_options: self.socket_options,
        })
    }
}

#[cfg(test)]
mod tests;
