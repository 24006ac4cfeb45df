//! A command line of somebody's that is carried out, or the one that stands in a file.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    catalog::Language,
    cli::{
        Failure,
        environment::Variables,
        input::{read, unreadable},
        output::tell,
        popt::aliases,
        probe::{
            Arguments,
            fault::Fault,
            folder::{MOVES, UNKNOWN_FOLDER, is_open, needs_folder},
            notices::{behind_sudo, left_out, not_handed_on, typographic, with_windows_ends},
            place,
            plain::Surroundings,
            slip::Slip,
            task::{Task, dry_task, task},
            variables::{CONNECT_PROGRAM, PASSWORD},
            written::{self, Written},
        },
    },
    probe::Slip as Shown,
    syntax::{Invocation, Lookalike},
};

/// What stands around a command and decides nothing about it where each word was followed: what is asked for is there, and
/// the mask is ours.
const FOLLOWED: [&str; 6] = ["[", "exit", "if", "mkdir", "test", "umask"];

/// How the input that cron cuts off a command is named.
pub(super) const INPUT_OF_CRON: &str = "cron's input behind %";

/// What stands around a command line.
#[derive(Default)]
pub(super) struct Surrounding {
    /// What a script or the command line sets.
    pub(super) variables: Variables,
    /// Whether it has no password, and runs where nobody can be asked for one.
    pub(super) has_nobody_to_ask: bool,
    /// The file that the command line stands in.
    pub(super) script: Option<PathBuf>,
    /// What is not carried out.
    pub(super) left_out: Vec<String>,
    /// What is read otherwise than it is meant.
    pub(super) slips: Vec<Shown>,
    /// The folder that it is carried out in, if that is not the one in which we are.
    pub(super) folder: Option<PathBuf>,
}

impl Arguments {
    /// The carrying out of the command line, or of the one that stands in the file, and what is around it.
    pub(super) fn reproduction(&self, line: &str) -> Result<(Task, Surrounding), Failure> {
        let place = place::place(line)?;
        let mut written = match &place {
            Some((file, line)) => {
                let bytes =
                    read(&self.server.hosts()?, file).map_err(|reason| unreadable(file, &reason, ""))?;
                written::command_line(file, bytes, *line)?
            }
            None => written::typed(line)?,
        };
        let file = place.as_ref().map_or_else(|| Path::new(""), |(file, _)| file);
        let language = self.output.style().language;
        let here = env::current_dir()?;
        let folder = written.enter(&here)?;
        if written.reads_password_from_pipe() {
            return Err("`--password-file=-` reads what rsync is handed as input, which is not carried out: give the password with RSYNC_PASSWORD or in a file: --reproduce 'rsync ... --password-file=FILE ...'".into());
        }
        let aliases = aliases(written.home.as_deref());
        for alias in &aliases {
            if self.really || alias.defines_unknown(&written.words) {
                return Err(alias.refusal().into());
            }
            tell(&alias.told(language))?;
        }
        let script = written.started.as_ref().map_or(file, |(script, _)| script);
        let slips = written.all_slips(self.really);
        let outer = written.outer_slips.iter().map(|slip| slip.shown(file, language));
        let own = slips.iter().map(|slip| slip.shown(script, language));
        let slips: Vec<_> = outer.chain(own).collect();
        for slip in &slips {
            tell(&slip.text)?;
        }
        if place.is_some() && written.has_returns {
            tell(&with_windows_ends(file, language))?;
        }
        // A dry run starts no program of the user's.
        if !self.really && written.variables.remove(CONNECT_PROGRAM).flatten().is_some() {
            written.around.push(format!("{CONNECT_PROGRAM}="));
        }
        // Who sets it here knows it.
        if env::var_os(PASSWORD).is_some() {
            written
                .around
                .retain(|name| name.strip_suffix('=') != Some(PASSWORD));
        }
        let has_password = written.variables.get(PASSWORD).is_none_or(Option::is_some);
        if written.is_detached && !has_password && env::var_os(PASSWORD).is_some() {
            tell(not_handed_on(language))?;
        }
        if let Some(lookalike) = written.words.iter().find_map(|word| Lookalike::in_word(word)) {
            tell(typographic(lookalike, language))?;
        }
        if !written.kept_back.is_empty() {
            tell(&behind_sudo(&written.kept_back, language))?;
        }
        let later = written.later(&here);
        let has_own_password = env::var_os(PASSWORD).is_some();
        later.leave_out(&mut written.around, has_own_password);
        if !later.names.is_empty() {
            tell(&later.told(language))?;
        }
        if let Some(told) = later.told_of_password(language).filter(|_| !has_own_password) {
            tell(&told)?;
        }
        if written.surroundings == Surroundings::Plain {
            written.around.retain(|name| !FOLLOWED.contains(&&**name));
        }
        if !written.around.is_empty() {
            let names = written.around.iter().map(|name| format!("`{name}`"));
            let names = names.collect::<Vec<_>>().join(", ");
            if self.really {
                return Err(format!(
                    "{names} around the rsync command is not carried out with it, so --really could change other files than the command does; do that part by hand, then give the rsync command alone: --reproduce 'rsync ...'"
                ).into());
            }
            tell(&left_out(&names, language))?;
        }
        if self.really && Invocation::parse(&written.words).option("log-file").is_some() {
            return Err("`--log-file` is not written here, so --really would leave no log: run rsync itself, or give the command without it: --reproduce 'rsync ...' --really".into());
        }
        if self.really {
            written.check(place.is_some(), &here)?;
        }
        if let Some(folder) = &folder {
            tell(&match language {
                Language::English => format!("carried out in {}, as the command is", folder.display()),
                Language::Chinese => format!("在 {} 中执行，与该命令一样", folder.display()),
            })?;
        }
        let task = match self.really {
            true => task(&written.words, true),
            false => dry_task(&written.words, &later.words(&written.words)),
        };
        let surrounding = Surrounding {
            has_nobody_to_ask: written.is_detached && !has_password,
            variables: Variables(written.variables),
            script: place.map(|(file, _)| file),
            left_out: written.around,
            slips,
            folder,
        };
        Ok((task, surrounding))
    }
}

impl Written {
    /// Whether the command may be carried out for real without what stands around it.
    ///
    /// # Errors
    ///
    /// Something else may decide whether it runs, how, or where.
    fn check(&self, is_of_file: bool, here: &Path) -> Result<(), String> {
        let alone = "so --really could change other files than it does: run the whole itself, or give the rsync command alone, in the folder that it is meant for: --reproduce 'rsync ...' --really";
        match &self.surroundings {
            Surroundings::Plain => {}
            Surroundings::Line(_, sign) if !is_of_file => {
                return Err(format!(
                    "`{sign}` in the command line may decide whether and how rsync runs, and is not followed, {alone}"
                ));
            }
            Surroundings::Line(line, sign) => {
                return Err(format!(
                    "`{sign}` on line {line} may decide whether and how rsync runs, and is not followed, {alone}"
                ));
            }
            Surroundings::Unknown => {
                return Err(format!(
                    "what starts the rsync command may decide about it as well, {alone}"
                ));
            }
        }
        let Some(folder) = &self.folder else {
            return Err(UNKNOWN_FOLDER.to_owned());
        };
        if !folder.as_os_str().is_empty()
            && (folder.is_absolute() || !is_of_file)
            && !is_open(&here.join(folder))
        {
            return Err(format!(
                "the folder `{}`, which it goes to first, cannot be entered, {alone}",
                folder.display()
            ));
        }
        let goes_from_there = !folder.as_os_str().is_empty() || needs_folder(&self.words);
        if is_of_file && !folder.is_absolute() && goes_from_there {
            return Err(format!(
                "the command names files from the folder on that the script is started in, {alone}"
            ));
        }
        Ok(())
    }

    /// Whether its password comes from a command in front of it, or from a file that is its input.
    fn reads_password_from_pipe(&self) -> bool {
        let invocation = Invocation::parse(&self.words);
        let file = invocation
            .option("password-file")
            .and_then(|given| given.value.as_deref());
        let mut around = self.around.iter();
        file == Some("-") && around.any(|name| name.ends_with(" |") || name == "<" || name == INPUT_OF_CRON)
    }

    /// The folder that the command is to be carried out in, from the one on in which we are; none if it is that one, or does not
    /// matter. What goes there is not left out then.
    ///
    /// # Errors
    ///
    /// It is not there, or only a run can tell which one it is: in another one the command would be about other files.
    fn enter(&mut self, here: &Path) -> Result<Option<PathBuf>, String> {
        let needs_folder = needs_folder(&self.words);
        let Some(own) = &self.folder else {
            return match needs_folder {
                true => Err(UNKNOWN_FOLDER.to_owned()),
                false => Ok(None),
            };
        };
        let folder = here.join(own);
        if own.as_os_str().is_empty() {
            return Ok(None);
        }
        if folder == here {
            self.around.retain(|name| !MOVES.contains(&&**name));
            return Ok(None);
        }
        if !is_open(&folder) && !needs_folder && !self.is_folder_made(&folder) {
            let name = folder.display().to_string();
            let fault = match self.is_bound {
                true => Fault::NoFolder(name),
                false => Fault::Stays(name),
            };
            self.slips.insert(0, Slip::Around(fault));
        }
        if !is_open(&folder) && needs_folder {
            if self.is_folder_made(&folder) {
                return Err(UNKNOWN_FOLDER.to_owned());
            }
            let stays_in = self.stays_in.as_ref().filter(|_| !self.is_bound);
            let Some(stays_in) = stays_in
                .map(|stays_in| here.join(stays_in).components().collect::<PathBuf>())
                .filter(|stays_in| is_open(stays_in))
            else {
                return Err(format!(
                    "there is no folder `{}`, where the command is to run, so nothing was carried out: make it, or name the right one",
                    folder.display()
                ));
            };
            // The dangerous case: it is about whatever lies there.
            let place = stays_in.display().to_string();
            let fault = Fault::RunsIn(folder.display().to_string(), place);
            self.slips.insert(0, Slip::Around(fault));
            self.around.retain(|name| !MOVES.contains(&&**name));
            return Ok(Some(stays_in).filter(|stays_in| stays_in != here));
        }
        self.around.retain(|name| !MOVES.contains(&&**name));
        Ok(Some(folder).filter(|_| needs_folder))
    }
}
