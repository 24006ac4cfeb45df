use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Output},
};

use jsonschema::Validator;
use nix::unistd::{User, geteuid};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let files = files.iter().map(|(name, text)| (*name, text.as_bytes()));
    folder_of_bytes(&files.collect::<Vec<_>>())
}

/// A folder with files that need not be text.
pub(crate) fn folder_of_bytes(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    folder
}

/// Runs the program in a folder.
pub(crate) fn rsyncctl(folder: impl AsRef<Path>, arguments: &[&str]) -> Output {
    program(folder, arguments).output().expect("the program runs")
}

/// Runs the program in a folder as somebody for whom the system's permissions count: ourselves, or nobody for root.
pub(crate) fn unprivileged(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = program(folder, arguments);
    if geteuid().is_root() {
        let nobody = User::from_name("nobody").expect("users").expect("nobody");
        // Nobody may enter the folder that we build in.
        let bin = tempfile::tempdir().expect("a folder");
        let copy = bin.path().join("rsyncctl");
        // Not by ourselves: a process that another test starts meanwhile would hold the copy open, and keep it busy.
        let mut cp = Command::new("cp");
        let status = cp.arg(command.get_program()).arg(&copy).status();
        assert!(status.expect("cp runs").success());
        for folder in [folder.path(), bin.path()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        let mut copied = Command::new(copy);
        copied
            .args(arguments)
            .current_dir(folder)
            .env("LC_ALL", "C.UTF-8")
            .uid(nobody.uid.as_raw())
            .gid(nobody.gid.as_raw());
        return copied.output().expect("the program runs");
    }
    command.output().expect("the program runs")
}

/// The number of a core that we may run on, for `taskset --cpu-list`.
pub(crate) fn one_core() -> String {
    let status = fs::read_to_string("/proc/self/status").expect("our status");
    let cores = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let cores = cores.expect("the cores").trim_start();
    cores.chars().take_while(char::is_ascii_digit).collect()
}

/// What a program complained about.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program, about to run in a folder, in an environment without wishes.
pub(crate) fn program(folder: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_rsyncctl")));
    command
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS");
    command
}

/// What a program wrote for its reader.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

/// A JSON Schema of this repository.
pub(crate) fn schema(path: &str) -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(path).expect("the schema");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("JSON")).expect("a schema")
}

/// Fails with every place at which a value breaks a schema.
pub(crate) fn keeps_to(schema: &Validator, value: &Value) {
    let errors: Vec<_> = schema
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}\n{value:#}", errors.join("\n"));
}
