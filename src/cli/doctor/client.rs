//! `--client`: the other side.

use std::{collections::BTreeMap, env, fs, io, path::PathBuf, sync::Arc};

use tokio::runtime;

use super::{
    Arguments, check, choice, code, conclude, files, fix,
    here::{self, Here},
    input, settings, tell,
};
use crate::{
    cli::{
        Failure,
        environment::{Variables, environment_with, environment_without_login, surroundings_with},
        interrupt::Interrupt,
        known::{judge, of_password_file},
        output::unless_closed,
        probe::{
            folder::{UNKNOWN_FOLDER, needs_folder},
            place,
            unread::Unread,
            variables::CONNECT_PROGRAM,
            written::{self, Written},
        },
    },
    doctor::{self, ClientSetup, Script, Setup, UNKNOWN_PASSWORD, bundle::Client, uid_of},
    host::{Live, plain},
    model::script::Runner,
    probe::{Choice, Setting, Wire, command, tryout::Program},
    rsync::{net::Connections, tree::Identity},
    sync::Environment,
    syntax::Invocation,
    terms::{Exit, Release},
};

/// Examines a command line on the client, and tells what was found.
pub(super) fn run(line: &str, arguments: &Arguments) -> Result<u8, Failure> {
    check(arguments)?;
    let from = env::current_dir()?;
    let place = place::place(line)?;
    let script = |(file, line): &(PathBuf, usize)| Script {
        file: from.join(file),
        line: *line,
    };
    let named = place.as_ref().map(script);
    let found = match place {
        Some((file, line)) => {
            let bytes =
                fs::read(&file).map_err(|error| format!("`{}`: {}", file.display(), plain(&error)))?;
            written::command_line(&file, bytes, line)
        }
        None => Ok(written::typed(line)?),
    };
    let found = found.and_then(|written| match &written.folder {
        None if needs_folder(&written.words) => Err(Unread::Unclear(UNKNOWN_FOLDER.to_owned())),
        _ => match input::unknown(&written) {
            Some(reason) => Err(Unread::Unclear(reason)),
            None => Ok(written),
        },
    });
    let started = found.as_ref().ok().and_then(|written| written.started.as_ref());
    let (script, starter) = match started {
        Some(started) => (Some(script(started)), named),
        None => (named, None),
    };
    let has_unknown_password = found.as_ref().is_ok_and(|written| {
        let mut around = written.around.iter();
        around.any(|name| name == "RSYNC_PASSWORD=")
    });
    let (words, mut variables, folder, runner, unread) = match found {
        Ok(Written {
            words,
            variables,
            folder,
            runner,
            ..
        }) => (words, variables, folder.unwrap_or_default(), runner, None),
        // What stands around it may well be the reason.
        Err(Unread::Unclear(reason)) => {
            let (folder, runner) = (PathBuf::new(), Runner::Same);
            (Vec::new(), BTreeMap::new(), folder, runner, Some(reason))
        }
        Err(unread) => return Err(unread.into()),
    };
    let folder = from.join(folder);
    // It is carried out there. One that cannot be entered is told where its files are looked for.
    let _ = env::set_current_dir(&folder);
    let typed = variables.get("RSYNC_PASSWORD");
    let typed: Vec<_> = typed
        .and_then(Option::as_ref)
        .map(|password| String::from_utf8_lossy(password).into_owned())
        .into_iter()
        .collect();
    // An examination starts no program of the user's.
    variables.remove(CONNECT_PROGRAM);
    let variables = Variables(variables);
    let invocation = Invocation::parse(&words);
    let interrupt = Interrupt::watch()?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .enable_all()
        .build()?;
    let release = Program::find("rsync".into()).ok().map(|program| program.release);
    let here = here::find(&invocation, release.unwrap_or(Release::CURRENT), &runtime);
    let (mut known, here) = here.map_or_else(Default::default, |found| {
        let Here {
            known,
            file,
            module,
            from,
        } = found;
        (known, Some((file, module, from)))
    });
    let named = invocation
        .option("password-file")
        .and_then(|given| given.value.as_ref());
    let own = named.map(|file| of_password_file(&folder.join(file)));
    known.findings.extend(own.unwrap_or_default());
    let (format, style) = (arguments.output.format(), arguments.output.style());
    let now = jiff::Zoned::now();
    let own = env::current_exe()?;
    let setting = settings(interrupt.connections().clone());
    let here = here.map(|(file, module, from)| Setup {
        file: Some(file),
        modules: module.into_iter().collect(),
        from,
        symptom: None,
        host: &Live,
        judge,
        release,
        now: now.clone(),
        setting: &setting,
        connections: interrupt.connections().clone(),
        runtime: &runtime,
        own,
    });
    let environment = match has_unknown_password {
        true => environment_without_login(&variables, UNKNOWN_PASSWORD),
        false => environment_with(&variables),
    };
    // rsync asks who it runs as before it takes a password file.
    let is_root = uid_of(&runner, &Live) == Some(0);
    let environment = Environment {
        identity: Identity {
            is_root,
            ..environment.identity
        },
        ..environment
    };
    let setup = ClientSetup {
        line: command(&words),
        words,
        unread,
        has_unknown_password,
        script,
        starter,
        folder,
        runner,
        host: &Live,
        release,
        here,
        now: now.clone(),
        setting: Arc::new(Setting {
            // With `--contimeout` rsync would not say whether there was no answer or none in time.
            choice: Choice {
                words: Vec::new(),
                ..choice()
            },
            environment,
            surroundings: Box::new(move || surroundings_with(&variables)),
            known: known.into(),
            wire: Wire::Live,
            log: None,
            folder: env::temp_dir().into(),
            connections: interrupt.connections().clone(),
            watch: None,
        }),
        bare: bare(interrupt.connections().clone()),
        runtime: &runtime,
    };
    let work = || {
        let report = doctor::run_client(&setup, &mut |stage| tell(format, stage, style))?;
        conclude(format, &report, style)?;
        let client = Client {
            words: &setup.words,
            folder: setup.folder.clone(),
            script: setup.script.as_ref().map(|script| script.file.clone()),
        };
        let files = files(&report, &now, style, arguments, client, typed)?;
        unless_closed(fix::offer(&report, arguments, &now))?;
        Ok::<_, io::Error>((code(&report), files))
    };
    let done = interrupt.run(work, || Exit::Signal.code());
    runtime.shutdown_background();
    if interrupt.connections().are_ended() {
        return Ok(Exit::Signal.code());
    }
    let (code, files) = done?;
    env::set_current_dir(from)?;
    files.write(arguments)?;
    Ok(code)
}

/// Why another machine is not asked to let anybody in.
const NO_LOGIN: &str = "whether a daemon answers is asked without a password";

/// How a machine is asked whether a daemon answers there.
fn bare(connections: Arc<Connections>) -> Arc<Setting> {
    let mut setting = settings(connections)(Arc::default(), None);
    if let Some(setting) = Arc::get_mut(&mut setting) {
        setting.environment = environment_without_login(&Variables::default(), NO_LOGIN);
        setting.environment.proxy = None;
        setting.environment.connect_program = None;
    }
    setting
}
