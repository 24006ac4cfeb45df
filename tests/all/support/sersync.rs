use std::process::{Command, Output, Stdio};

use rsyncctl::{
    model::sersync::{Configuration, Setting, SwitchedValue},
    syntax::sersync::parse,
};

use crate::support::stage::Machine;

/// Runs the rsync that sersync would start to push the whole tree to the first target, through a shell as sersync
/// does; a port of the file is taken for the daemon's. It ends within half a minute.
pub(crate) fn push(file: &[u8], machine: &Machine, port: u16) -> Output {
    let configuration = Configuration::read(&parse(file), file);
    let command = machine.text(command_line(&configuration, port).as_bytes());
    // A session of its own has no terminal to ask for a password.
    Command::new("setsid")
        .args(["--wait", "timeout", "--signal=KILL", "30", "sh", "-c"])
        .arg(String::from_utf8(command).expect("an example in UTF-8"))
        .env("LC_ALL", "C")
        .env_remove("RSYNC_PASSWORD")
        .stdin(Stdio::null())
        .output()
        .expect("setsid, timeout and sh run")
}

fn command_line(configuration: &Configuration, daemon: u16) -> String {
    let path = configuration.localpath().expect("a localpath");
    let remote = path.remotes.first().expect("a remote");
    let is_on = |switch: &&SwitchedValue| switch.start.as_ref().is_some_and(Setting::is_on);
    let mut command = format!("cd {} && rsync {} -R", text(&path.watch), params(configuration));
    let port = configuration
        .active_port()
        .map(|port| text(&port.value))
        .filter(|port| port.parse::<u16>().is_err());
    let colons = match configuration.active_ssh() {
        Some(_) => {
            command += " -e ssh";
            ":"
        }
        None => "::",
    };
    command += &format!(" --port={}", port.unwrap_or_else(|| daemon.to_string()));
    if let Some(timeout) = configuration.timeout().filter(is_on) {
        command += &format!(" --timeout={}", text(&timeout.value));
    }
    let auth = configuration.active_auth();
    let user = auth.map_or_else(String::new, |auth| format!("{}@", text(&auth.users)));
    command += &format!(" ./ {user}{}{colons}{}", text(&remote.ip), text(&remote.name));
    if let Some(auth) = auth {
        command += &format!(" --password-file={}", text(&auth.passwordfile));
    }
    command
}

fn params(configuration: &Configuration) -> String {
    let params = configuration.params().map(|params| params.value.display());
    params.expect("params").into_owned()
}

fn text(setting: &Option<Setting>) -> String {
    let setting = setting.as_ref().expect("an attribute that the example needs");
    setting.value.display().into_owned()
}
