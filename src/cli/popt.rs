//! What somebody has made of rsync's options in files of popt's, its reader of options: rsync 3.5.0 reads `.popt` in the
//! folder of `HOME`, `/etc/popt` and the files in `/etc/popt.d` (popt(3), and seen), which rsyncctl does not.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use crate::{catalog::Language, model::wildmatch::wildmatch, syntax::Invocation, terms::RsyncOption};

/// The longest file that is read, in bytes: none is longer.
const LONGEST: u64 = 1 << 20;

/// A line that changes what rsync makes of its words.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Alias {
    file: PathBuf,
    /// The first one is 1.
    line: usize,
    /// The option that it defines, with its hyphens.
    option: String,
}

/// All such lines; `home`: what `HOME` holds where rsync runs.
pub(super) fn aliases(home: Option<&[u8]>) -> Vec<Alias> {
    let mut files = vec![PathBuf::from("/etc/popt")];
    let parts = fs::read_dir("/etc/popt.d").into_iter().flatten().flatten();
    files.extend(parts.map(|part| part.path()));
    files.extend(home.map(|home| OsString::from_vec([home, b"/.popt"].concat()).into()));
    let read = files.iter().flat_map(|file| match fs::metadata(file) {
        Ok(found) if found.is_file() && found.len() <= LONGEST => {
            of_text(file, &fs::read(file).unwrap_or_default())
        }
        _ => Vec::new(),
    });
    read.collect()
}

/// Those of a text. A backslash at its end lets a line go on, and the name of the program may be a pattern.
fn of_text(file: &Path, text: &[u8]) -> Vec<Alias> {
    let mut found = Vec::new();
    let mut whole = Vec::new();
    let mut first = 1;
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        if let Some(begun) = line.strip_suffix(b"\\") {
            whole.extend_from_slice(begun);
            continue;
        }
        whole.extend_from_slice(line);
        let mut words = whole
            .split(|byte| byte.is_ascii_whitespace() || *byte == 0x0b)
            .filter(|word| !word.is_empty());
        let program = words.next().unwrap_or_default();
        // One with parentheses may have more to it than is read here.
        let is_rsyncs =
            !program.starts_with(b"#") && (program.contains(&b'(') || wildmatch(program, b"rsync"));
        if is_rsyncs {
            let option = words.nth(1).unwrap_or_default();
            found.push(Alias {
                file: file.to_owned(),
                line: first,
                option: String::from_utf8_lossy(option).into_owned(),
            });
        }
        whole.clear();
        first = index + 2;
    }
    found
}

impl Alias {
    /// Whether it defines an option of a command line which rsync has not by itself.
    pub(super) fn defines_unknown(&self, words: &[String]) -> bool {
        let options = Invocation::parse(words).options.into_iter();
        let mut unknown = options.filter(|option| !option.is_known);
        unknown.any(|option| {
            let name = self.option.trim_start_matches('-');
            name == option.name && !name.is_empty()
        })
    }

    /// Whether it defines an option of a command line, by its name or its letter.
    pub(super) fn defines_one_of(&self, words: &[String]) -> bool {
        let name = self.option.trim_start_matches('-');
        let name = match name.as_bytes() {
            [letter] => RsyncOption::of_letter(*letter)
                .and_then(|option| option.long)
                .unwrap_or(name),
            _ => name,
        };
        let options = Invocation::parse(words).options;
        options.iter().any(|option| option.name == name)
    }

    /// Why nothing is carried out.
    pub(super) fn refusal(&self) -> String {
        format!(
            "line {} of `{}` may change what rsync makes of `{}`, and is not followed: write what it stands for into the command, and run that without the file",
            self.line,
            self.file.display(),
            self.option
        )
    }

    /// What is said of it where nothing is changed.
    pub(super) fn told(&self, language: Language) -> String {
        let (line, file, option) = (self.line, self.file.display(), &self.option);
        match language {
            Language::English => format!(
                "line {line} of {file} may change what rsync makes of `{option}`: rsync reads this file, and here it is not followed"
            ),
            Language::Chinese => {
                format!(
                    "{file} 第 {line} 行可能改变 rsync 对 `{option}` 的解释：rsync 会读取该文件，这里不采用它"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::of_text;

    #[test]
    fn lines_of_rsyncs_are_seen() {
        for (text, expected) in [
            ("rsync alias --mine -a --delete\n", Some((1, "--mine"))),
            ("# rsync alias x y\n\n \trsync\texec -q x\n", Some((3, "-q"))),
            ("rpm alias --x --y\nrsy* alias -z --z\n", Some((2, "-z"))),
            (
                "# all \\\nrsync alias a b\nrs\\\nync alias -a -v",
                Some((3, "-a")),
            ),
            ("rsyncd alias --x --y\nrsync-ssl alias --x --y\n", None),
            ("", None),
        ] {
            let found = of_text(Path::new("/etc/popt"), text.as_bytes());
            let found = found.first().map(|alias| (alias.line, &*alias.option));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn an_option_of_somebodys_own_is_seen() {
        let text = b"rsync alias --mirror -a --delete\nrsync alias -Q -q\n";
        let found = of_text(Path::new("/etc/popt"), text);
        for (line, expected) in [
            ("--mirror h::m d", true),
            ("-aQ h::m d", true),
            ("--mirrors h::m d", false),
            ("-a h::m d", false),
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let is_defined = found.iter().any(|alias| alias.defines_unknown(&words));
            assert_eq!(is_defined, expected, "{line}");
        }
    }
}
