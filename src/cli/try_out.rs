use std::{
    env,
    ffi::OsString,
    io::{self, Write as _},
    net::IpAddr,
    os::unix::process::CommandExt as _,
    path::{self, Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use nix::{
    sys::{
        prctl::{set_child_subreaper, set_pdeathsig},
        signal::Signal,
    },
    unistd::{User, geteuid, getppid},
};
use tokio::runtime;

use crate::{
    catalog::Language,
    cli::{
        Failure,
        environment::{environment_of, surroundings},
        exit,
        input::unreadable,
        interrupt::Interrupt,
        known::of_configuration,
        output::{LineFormat, Output, complain, stdout, unless_closed},
        resolved::scope_of,
    },
    explain::Known,
    host::{Host as _, Live, Unknown},
    lint::{HostFiles, Options},
    model::{Configuration, Files, NotOpened, Opened, Scope},
    probe::tryout::{self, Leash, NoDaemon, Program, Setup, Trial, TrialError, Why},
    render,
    terms::Exit,
};

/// Start a throw-away daemon with a configuration, and see what it does: the config test that rsync lacks
///
/// A real rsync serves the file to this program alone, with a log file of its own and without a pid file: no port is open
/// for others. Each module is probed with each user of its secrets file, and what happens is compared with what the file
/// foretells. Files are taken out of modules; a push is a dry run, and nothing is written. Ends with 0 if all is as the
/// file says, 1 if something fails or the daemon ignores a line, 2 for wrong usage, 3 if something that was asked for could not be tried.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The daemon's configuration file
    #[arg(value_name = "FILE", default_value = "/etc/rsyncd.conf")]
    file: PathBuf,
    /// Only this module; may be given more than once
    #[arg(long, value_name = "NAME")]
    module: Vec<String>,
    /// The address that clients come from, for the daemon; by default one that the module's host lists admit
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// Run the commands of the file too: `early exec`, `pre-xfer exec`, `post-xfer exec`, `name converter`. What they leave
    /// running is ended ten seconds after the last transfer, and told; what has left the daemon's process group is told only
    #[arg(long)]
    hooks: bool,
    /// The rsync that serves
    #[arg(long, value_name = "PROGRAM", default_value = "rsync")]
    rsync: OsString,
    /// The folder that the daemon is started in, where relative paths begin
    #[arg(long, value_name = "DIR", default_value = "/")]
    directory: PathBuf,
    #[command(flatten)]
    output: Output<LineFormat>,
}

/// The daemon of a trial, which does not outlive it
#[derive(Args, Debug)]
pub(super) struct Serving {
    /// The process that tries
    parent: i32,
    /// The rsync, and what it is told
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Longer than any trial.
const LONG: Duration = Duration::from_secs(1 << 20);

/// Becomes the daemon. Whatever ends the trial, the system then ends the daemon too.
pub(super) fn serve(serving: &Serving) -> Result<u8, Failure> {
    set_pdeathsig(Signal::SIGKILL)?;
    // It may have ended before.
    if getppid().as_raw() != serving.parent {
        return Err("the trial is over".into());
    }
    let (program, words) = serving.words.split_first().ok_or("no program")?;
    Err(Command::new(program).args(words).exec().into())
}

/// Tries the file, and tells what came of it.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let program = match Program::find(arguments.rsync.clone()) {
        Ok(program) => program,
        Err(none) => {
            complain(&none.to_string())?;
            return Ok(exit::UNCHECKED);
        }
    };
    let directory = path::absolute(&arguments.directory)?;
    if !directory.is_dir() {
        return Err(format!("`{}` is not a folder to start a daemon in", directory.display()).into());
    }
    let known = arguments.known(&program, &directory)?;
    let configuration = configuration(&known);
    let modules = arguments.modules(configuration)?;
    let leash = Arc::new(Leash::default());
    if arguments.hooks {
        // So whatever a command of the file starts, and leaves behind, is found.
        set_child_subreaper(true)?;
    }
    let interrupt = Interrupt::watch()?;
    let setup = Setup {
        name: arguments.file.display().to_string(),
        file: path::absolute(&arguments.file)?,
        program,
        directory,
        folder: env::temp_dir(),
        modules,
        from: arguments.from.map(|from| from.to_canonical()),
        with_hooks: arguments.hooks,
        known: known.into(),
        host: &Live,
        environment: environment_of,
        surroundings,
        connections: interrupt.connections().clone(),
        leash: leash.clone(),
        own: env::current_exe()?,
        account: account(),
    };
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        // The system ends a daemon of a trial with the thread that started it.
        .thread_keep_alive(LONG)
        .enable_all()
        .build()?;
    let style = arguments.output.style();
    let language = style.language;
    let tried = interrupt.run(
        || runtime.block_on(tryout::run(&setup)),
        || {
            // Nobody reads it any more if it cannot be written.
            let _ = tell_stayed(&leash, language);
            Exit::Signal.code()
        },
    );
    let trial = match tried {
        Ok(trial) => trial,
        Err(TrialError::Interrupted) => {
            tell_stayed(&leash, language)?;
            return Ok(Exit::Signal.code());
        }
        Err(error @ TrialError::Daemon(NoDaemon::Name(_))) => return Err(error.into()),
        Err(error) => {
            complain(&error.to_string())?;
            return Ok(exit::UNCHECKED);
        }
    };
    let mut text = Vec::new();
    let format = arguments.output.format();
    render::trial(format, &trial, style, &mut text)?;
    let mut out = stdout();
    unless_closed(out.write_all(&text).and_then(|()| out.flush()))?;
    Ok(arguments.code(&trial))
}

/// What commands of the file had left running when the trial was interrupted.
fn tell_stayed(leash: &Leash, language: Language) -> io::Result<()> {
    for stayed in leash.end() {
        complain(&render::stayed(&stayed, language))?;
    }
    Ok(())
}

impl Arguments {
    /// What the file says, and what is found in it.
    fn known(&self, program: &Program, directory: &Path) -> Result<Known, Failure> {
        let missing = || Unknown::Failed("No such file or directory".to_owned());
        let read = Live.read(&self.file).and_then(|bytes| bytes.ok_or_else(missing));
        let bytes = read.map_err(|reason| unreadable(&self.file, &reason, ""))?;
        let mut options = Options::of_release(program.release, jiff::Zoned::now().date());
        options.circumstances.daemon_uid = geteuid().as_raw();
        let files = StartedIn(directory);
        Ok(of_configuration(&self.file, bytes, &Live, &files, &options))
    }

    fn modules(&self, configuration: &Configuration) -> Result<Vec<Scope>, String> {
        if self.module.is_empty() {
            return Ok(configuration.module_scopes().map(|(scope, _)| scope).collect());
        }
        let named = self.module.iter().map(|name| scope_of(configuration, name));
        named.collect()
    }

    /// How the command ends.
    fn code(&self, trial: &Trial) -> u8 {
        let not_tried = || trial.modules.iter().flat_map(|module| &module.not_tried);
        let is_closed = || not_tried().any(|not_tried| not_tried.why == Why::Secrets);
        let is_left_out = || !self.module.is_empty() && not_tried().next().is_some();
        if trial.is_bad() {
            exit::FINDINGS
        } else if trial.start.serves.is_none() || is_closed() || is_left_out() {
            // What was not read may hold modules, and users, that nobody tried.
            exit::UNCHECKED
        } else {
            exit::CLEAN
        }
    }
}

fn configuration(known: &Known) -> &Configuration {
    let server = known.server.as_ref().expect("the file was read");
    &server.configuration
}

/// Who we are, if not root.
fn account() -> Option<String> {
    let uid = geteuid();
    let name = || User::from_uid(uid).ok().flatten().map(|user| user.name);
    (!uid.is_root()).then(|| name().unwrap_or_else(|| uid.to_string()))
}

/// The files of a daemon that is started in a folder.
struct StartedIn<'d>(&'d Path);

impl Files for StartedIn<'_> {
    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        match path.as_os_str().is_empty() {
            true => HostFiles(&Live).open(path),
            false => HostFiles(&Live).open(&self.0.join(path)),
        }
    }
}
