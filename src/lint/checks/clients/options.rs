//! What a client asks for, and the daemon refuses.

use crate::{
    lint::{
        checks::{
            Check,
            clients::target::{Asked, asked},
            sersync::Module,
        },
        clients::ClientsSubject,
        report::Reporter,
    },
    model::{Parameter, Setting},
};

pub(super) const CHECKS: &[Check] = &[Check::clients("RSY974", option_refused)];

/// What `-a` stands for, as far as the server is told.
const ARCHIVE: &[&str] = &["recursive", "links", "perms", "times", "group", "owner"];
/// The options that a pushing client passes on under their own names.
const PASSED_ON: &[&str] = &[
    "recursive",
    "links",
    "perms",
    "times",
    "group",
    "owner",
    "compress",
    "checksum",
    "acls",
    "xattrs",
    "hard-links",
    "inplace",
    "backup",
    "sparse",
    "remove-source-files",
];

/// RSY974: `refuse options` names what the client asks for.
fn option_refused(subject: &ClientsSubject<'_>, out: &mut Reporter<'_>) {
    for one in asked(subject) {
        let Some(is_push) = one.client.is_push() else {
            continue;
        };
        let refused = one.in_all(|module| refused(module, &one, is_push).is_some());
        let Some((setting, word, option)) = refused.and_then(|module| refused_by(module, &one, is_push))
        else {
            continue;
        };
        let place = one
            .client
            .call
            .arguments()
            .get(option.1)
            .map(|word| one.client.span(&word.range));
        let case = one.case().with("option", option.0).with("word", word);
        let case = match place {
            Some(place) => case.also(place, "option"),
            None => case,
        };
        out.report(case.also(setting.span(), "refused"));
    }
}

fn refused(module: &Module<'_>, one: &Asked<'_>, is_push: bool) -> Option<String> {
    refused_by(*module, one, is_push).map(|(_, word, _)| word)
}

/// The line, the word of it, and the option with its place, of what a module refuses. A list with patterns or exceptions is
/// left to the daemon.
fn refused_by<'a>(
    module: Module<'a>,
    one: &Asked<'_>,
    is_push: bool,
) -> Option<(&'a Setting, String, (String, usize))> {
    let list = module.daemon.text(module.scope, Parameter::RefuseOptions);
    let setting = list.origin.setting()?;
    if list.value.iter().any(|byte| b"*?[!\\,".contains(byte)) {
        return None;
    }
    let words = list
        .value
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    words
        .filter_map(|word| std::str::from_utf8(word).ok())
        .find_map(|word| {
            let option = asked_for(word, one, is_push)?;
            Some((setting, word.to_owned(), option))
        })
}

/// The option of a client that a word of `refuse options` refuses, as rsync 3.5.0 was seen to do it: `delete` stands for all
/// ways to delete, which a pulling client does itself.
fn asked_for(word: &str, one: &Asked<'_>, is_push: bool) -> Option<(String, usize)> {
    let invocation = &one.client.invocation;
    let given = |name: &str| {
        let given = invocation.option(name)?;
        Some((format!("--{name}"), given.word))
    };
    let name = match word {
        "z" => "compress",
        "c" => "checksum",
        word => word,
    };
    if word == "delete" {
        let mut options = invocation.options.iter();
        let deleting = options.find(|given| match is_push {
            true => given.name == "del" || given.name.starts_with("delete"),
            false => given.name == "remove-source-files",
        });
        return deleting.map(|given| (format!("--{}", given.name), given.word));
    }
    let is_told =
        PASSED_ON.contains(&name) && (is_push || matches!(name, "compress" | "remove-source-files"));
    if !is_told || invocation.option(&format!("no-{name}")).is_some() {
        return None;
    }
    // `--no-o` and its like switch a part of `-a` off again.
    let has_exceptions = invocation
        .options
        .iter()
        .any(|given| given.name.starts_with("no-"));
    let archive = || {
        let given = invocation
            .option("archive")
            .filter(|_| ARCHIVE.contains(&name) && !has_exceptions)?;
        Some((format!("-a, which means --{name}"), given.word))
    };
    given(name).or_else(archive)
}
