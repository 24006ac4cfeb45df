//! `--client`: the other side.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use tokio::runtime;

use super::{Arguments, check, choice, code, files, fix};
use crate::{
    cli::{
        Failure,
        environment::{Variables, environment_with, surroundings_with},
        interrupt::Interrupt,
        known::of_password_file,
        output::stdout,
        probe::{
            unread::Unread,
            variables::CONNECT_PROGRAM,
            written::{self, Written},
        },
    },
    doctor::{self, ClientSetup, Script, bundle::Client},
    explain::Known,
    host::{Live, plain},
    probe::{Choice, Setting, Wire, command, tryout::Program},
    render,
    syntax::Invocation,
    terms::Exit,
};

/// Examines a command line on the client, and tells what was found.
pub(super) fn run(line: &str, arguments: &Arguments) -> Result<u8, Failure> {
    check(arguments)?;
    let folder = env::current_dir()?;
    let place = written::place(line)?;
    let script = |(file, line): &(PathBuf, usize)| Script {
        file: folder.join(file),
        line: *line,
    };
    let script = place.as_ref().map(script);
    let found = match place {
        Some((file, line)) => {
            let bytes =
                fs::read(&file).map_err(|error| format!("`{}`: {}", file.display(), plain(&error)))?;
            written::command_line(&file, bytes, line)
        }
        None => Ok(written::typed(line)?),
    };
    let (words, mut variables, unread) = match found {
        Ok(Written { words, variables, .. }) => (words, variables, None),
        // What stands around it may well be the reason.
        Err(Unread::Unclear(reason)) => (Vec::new(), BTreeMap::new(), Some(reason)),
        Err(unread) => return Err(unread.into()),
    };
    let typed = variables.get("RSYNC_PASSWORD");
    let typed: Vec<_> = typed
        .and_then(Option::as_ref)
        .map(|password| String::from_utf8_lossy(password).into_owned())
        .into_iter()
        .collect();
    // An examination starts no program of the user's.
    variables.remove(CONNECT_PROGRAM);
    let variables = Variables(variables);
    let named = Invocation::parse(&words);
    let named = named
        .option("password-file")
        .and_then(|given| given.value.clone());
    let findings = named.map(|file| of_password_file(&folder.join(file)));
    let known = Known {
        findings: findings.unwrap_or_default(),
        ..Known::default()
    };
    let interrupt = Interrupt::watch()?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .enable_all()
        .build()?;
    let (format, style) = (arguments.output.format(), arguments.output.style());
    let now = jiff::Zoned::now();
    let setup = ClientSetup {
        line: command(&words),
        words,
        unread,
        script,
        folder,
        host: &Live,
        release: Program::find("rsync".into()).ok().map(|program| program.release),
        now: now.clone(),
        setting: Arc::new(Setting {
            // With `--contimeout` rsync would not say whether there was no answer or none in time.
            choice: Choice {
                words: Vec::new(),
                ..choice()
            },
            environment: environment_with(&variables),
            surroundings: Box::new(move || surroundings_with(&variables)),
            known: known.into(),
            wire: Wire::Live,
            log: None,
            folder: env::temp_dir().into(),
            connections: interrupt.connections().clone(),
            watch: None,
        }),
        runtime: &runtime,
    };
    let work = || {
        let report = doctor::run_client(&setup, &mut |stage| {
            let mut out = stdout();
            render::examined(format, stage, style, &mut out)?;
            out.flush()
        })?;
        let mut text = Vec::new();
        render::examination(format, &report, style, &mut text)?;
        stdout().write_all(&text)?;
        let client = Client {
            words: &setup.words,
            folder: setup.folder.clone(),
            script: setup.script.as_ref().map(|script| script.file.clone()),
        };
        let files = files(&report, &now, style, arguments, client, typed)?;
        fix::offer(&report, arguments, &now)?;
        Ok::<_, io::Error>((code(&report), files))
    };
    let done = interrupt.run(work, || Exit::Signal.code());
    runtime.shutdown_background();
    if interrupt.connections().are_ended() {
        return Ok(Exit::Signal.code());
    }
    let (code, files) = done?;
    files.write(arguments)?;
    Ok(code)
}
