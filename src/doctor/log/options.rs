//! Whether a module refuses an option still that it once refused.

use crate::model::{Configuration, Parameter, Scope};

/// What daemons refuse without being told to (`set_refuse_options` in options.c).
const OFTEN_REFUSED: [&str; 4] = ["copy-devices", "write-devices", "log-file", "iconv"];

/// What `a` and `archive` refuse, which is no option that a client sends (`parse_one_refuse_match` in options.c).
const ARCHIVE: [&str; 10] = [
    "archive",
    "recursive",
    "dirs",
    "links",
    "perms",
    "times",
    "group",
    "owner",
    "devices",
    "specials",
];
const LETTERS_OF_ARCHIVE: &str = "ardlptgoD";

/// Whether it surely does not: an option as the daemon names it, `--delete`, `--links (-l)`, `--(null) (-D)` or `-z`.
pub(super) fn takes(configuration: &Configuration, scope: Scope, option: &str) -> bool {
    let list = configuration.text(scope, Parameter::RefuseOptions).value;
    let (name, letter) = match option
        .strip_suffix(')')
        .and_then(|option| option.rsplit_once(" (-"))
    {
        Some((name, letter)) => (name, letter),
        None => (option, ""),
    };
    let name = name.trim_start_matches('-');
    let (name, letter) = match name.len() {
        1 => ("", name),
        _ => (name, letter),
    };
    let is_unnamed = name.is_empty() || name == "(null)";
    let is_plain = !list.iter().any(|byte| b"*?[!\\,".contains(byte));
    let is_of_archive =
        ARCHIVE.contains(&name) || (!letter.is_empty() && LETTERS_OF_ARCHIVE.contains(letter));
    let may_mean = |word: &[u8]| match word {
        b"a" | b"archive" => is_of_archive,
        // A letter may be that of any option.
        [_] if letter.is_empty() => true,
        [_] => word == letter.as_bytes(),
        b"delete" => name.starts_with("del"),
        word => word == name.as_bytes() || is_unnamed,
    };
    let mut words = list.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let is_free = !OFTEN_REFUSED.iter().any(|refused| name.starts_with(refused));
    is_plain && is_free && !words.any(may_mean)
}

#[cfg(test)]
mod tests {
    use super::takes;
    use crate::{
        host::Live,
        lint::HostFiles,
        model::{Scope, resolve},
        terms::{Release, Source, Sources},
    };

    #[test]
    fn options_that_are_no_longer_refused_are_known() {
        for (list, option, expected) in [
            ("", "--delete", true),
            ("", "-z", true),
            ("", "--write-devices", false),
            ("checksum", "--delete", true),
            ("delete", "--delete", false),
            ("delete", "--delete-after", false),
            ("checksum c", "--delete", false),
            ("compress", "-z", false),
            ("compress", "--compress (-z)", false),
            ("z", "--compress (-z)", false),
            ("checksum c", "--compress (-z)", true),
            ("archive", "--links (-l)", false),
            ("checksum archive", "--recursive (-r)", false),
            ("a", "--times (-t)", false),
            ("archive", "--(null) (-D)", false),
            ("archive", "-l", false),
            ("archive", "--delete", true),
            ("archive", "--compress (-z)", true),
            ("links", "--links (-l)", false),
            ("links", "--perms (-p)", true),
            ("* !a", "--delete", false),
        ] {
            let mut sources = Sources::default();
            let text = format!("[m]\npath = /srv\nrefuse options = {list}\n");
            let source = sources.add(Source::new("rsyncd.conf".to_owned(), text.into_bytes()));
            let configuration = resolve(&mut sources, source, Release::CURRENT, &HostFiles(&Live));
            let scope = Scope::Module(configuration.module(b"m").expect("the module"));
            assert_eq!(takes(&configuration, scope, option), expected, "{list} {option}");
        }
    }
}
