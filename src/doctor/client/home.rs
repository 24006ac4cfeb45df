//! `~` in a word of the command line where no shell replaces it.

use std::path::Path;

use crate::doctor::{
    Cause, Check,
    client::{Client, Script},
};

/// Why there is no password file of that name, if `~` begins it: rsync got it from the shell as it was written.
pub(super) fn unreplaced(client: &Client<'_>, named: &str, path: &Path) -> Option<Cause> {
    let rest = named.strip_prefix("~/")?;
    let given = client.invocation.option("password-file")?;
    let word = format!("--password-file={named}");
    let meant = format!("--password-file=\"$HOME/{rest}\"");
    let command = match &client.setup.script {
        Some(script) => edit(client, script, &word),
        None => {
            let mut words: Vec<_> = client
                .setup
                .words
                .iter()
                .map(|word| shell_words::quote(word))
                .collect();
            words[given.word] = meant.clone().into();
            if let Some(value) = given.value_word {
                words.remove(value);
            }
            format!("rsync {}", words.join(" "))
        }
    };
    let arguments = vec![
        ("path", path.display().to_string()),
        ("word", word),
        ("meant", meant),
    ];
    let fact = format!("{} is not there", path.display());
    let cause = client.cause("RSY881", Check::PasswordFile, path, arguments, fact);
    Some(cause.of_kind("home").typing(vec![command]))
}

/// What sets a word of a script right: where it stands there as it is, what changes it.
fn edit(client: &Client<'_>, script: &Script, word: &str) -> String {
    let text = client
        .setup
        .host
        .read(&script.file)
        .ok()
        .flatten()
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut lines = text.lines().enumerate().skip(script.line - 1);
    let file = script.file.display().to_string();
    let file = shell_words::quote(&file);
    match lines.find(|(_, line)| line.contains(word)) {
        Some((index, _)) => format!("sed -i '{}s|=~/|=$HOME/|' {file}", index + 1),
        None => format!("vi +{} {file}", script.line),
    }
}
