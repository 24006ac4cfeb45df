use std::{fs, path::Path};

use rsyncctl::terms::Release;

use crate::support::page::{self, Page, Proof};

/// A page with its examples.
pub(crate) struct PageFile {
    pub(crate) page: Page,
    pub(crate) cases: Vec<ExampleCase>,
    /// Texts in which the cause is recognised.
    pub(crate) outputs: Vec<Vec<u8>>,
}

/// The blocks of a page that share a role: `bad`, `good`, `bad-slash`.
pub(crate) struct ExampleCase {
    pub(crate) role: String,
    pub(crate) blocks: Vec<Block>,
}

impl ExampleCase {
    pub(crate) fn is_bad(&self) -> bool {
        self.role.starts_with("bad")
    }

    pub(crate) fn block(&self, kind: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.kind == kind)
    }

    /// The local user that runs the daemon, if it is not the test's own.
    pub(crate) fn daemon<'a>(&'a self, proof: Option<&'a Proof>) -> Option<&'a str> {
        let own = self.blocks.iter().find_map(|block| block.daemon.as_deref());
        own.or_else(|| proof?.daemon.as_deref())
    }

    /// The release that the example's files come from.
    pub(crate) fn origin(&self) -> Option<Release> {
        self.blocks.iter().find_map(|block| block.from_release)
    }

    /// Whether the installed rsync can show what the case says.
    pub(crate) fn is_for(&self, installed: Release) -> bool {
        self.blocks
            .iter()
            .all(|block| block.release.is_none_or(|release| release == installed))
    }

    /// The release that the case is judged for.
    pub(crate) fn release(&self) -> Release {
        let named = self.blocks.iter().find_map(|block| block.release);
        named.unwrap_or(Release::CURRENT)
    }
}

/// One fenced block: a file.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: String,
    /// Where the file lies on the staged machine, with its mode and owner; none: it is only read.
    pub(crate) path: Option<String>,
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<String>,
    /// The local user that runs the daemon of this example, instead of the page's.
    pub(crate) daemon: Option<String>,
    /// The release that the file comes from.
    pub(crate) from_release: Option<Release>,
    /// The release that the case is judged for, if it is not the current one.
    pub(crate) release: Option<Release>,
    /// Whether the rest of the file is left out, so that nothing in it is missing.
    pub(crate) is_part: bool,
    /// The content without the marker lines.
    pub(crate) text: Vec<u8>,
    pub(crate) markers: Vec<Marker>,
}

/// A line of carets under a line of the example, with the rule that must fire there.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Marker {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) length: usize,
    pub(crate) rule: String,
}

/// The pages of causes that are seen in files, in order.
pub(crate) fn pages_of_files() -> Vec<PageFile> {
    let mut pages = pages();
    pages.retain(|page| !page.page.files.is_empty());
    pages
}

/// Every page of `rules/`, in order.
pub(crate) fn pages() -> Vec<PageFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("rules/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("a page");
            let parts = page::split(&text).expect("build.rs has checked it");
            let (outputs, cases) = cases(parts.english)
                .into_iter()
                .partition::<Vec<_>, _>(|case| case.role == "seen");
            let blocks = outputs.into_iter().flat_map(|case| case.blocks);
            PageFile {
                page: toml::from_str(parts.front).expect("build.rs has checked it"),
                cases,
                outputs: blocks.map(|block| block.text).collect(),
            }
        })
        .collect()
}

fn cases(body: &str) -> Vec<ExampleCase> {
    let mut cases: Vec<ExampleCase> = Vec::new();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else {
            continue;
        };
        let mut words = info.split_whitespace();
        let kind = words.next().unwrap_or_default().to_owned();
        let Some(role) = words.next().map(str::to_owned) else {
            // A block without a role is prose: a command, a log.
            lines.by_ref().take_while(|line| *line != "```").for_each(drop);
            continue;
        };
        let block = block(kind, words, lines.by_ref().take_while(|line| *line != "```"));
        match cases.iter_mut().find(|case| case.role == role) {
            Some(case) => case.blocks.push(block),
            None => cases.push(ExampleCase {
                role,
                blocks: vec![block],
            }),
        }
    }
    cases
}

/// Attributes: `path=/etc/x`, `mode=644`, `owner=nobody`, `daemon=nobody`, `newline=crlf|none`, `escapes` (`\xHH` stands
/// for a byte, `\xHH{N}` for N of them), `stretch=1100` (`~` stands for so many letters), `release=3.4.0`,
/// `from=3.2.7`, `part` (what a whole sersync file must have may be missing).
fn block<'a>(
    kind: String,
    words: impl Iterator<Item = &'a str>,
    lines: impl Iterator<Item = &'a str>,
) -> Block {
    let mut block = Block {
        kind,
        path: None,
        mode: None,
        owner: None,
        daemon: None,
        from_release: None,
        release: None,
        is_part: false,
        text: Vec::new(),
        markers: Vec::new(),
    };
    let mut newline: &[u8] = b"\n";
    let mut escapes = false;
    let mut stretch = None;
    for word in words {
        match word.split_once('=') {
            Some(("path", path)) => block.path = Some(path.to_owned()),
            Some(("mode", mode)) => block.mode = Some(u32::from_str_radix(mode, 8).expect("an octal mode")),
            Some(("owner", owner)) => block.owner = Some(owner.to_owned()),
            Some(("daemon", user)) => block.daemon = Some(user.to_owned()),
            Some(("from", release)) => block.from_release = Some(release.parse().expect("a release")),
            Some(("release", release)) => block.release = Some(release.parse().expect("a release")),
            Some(("newline", "crlf")) => newline = b"\r\n",
            Some(("newline", "none")) => newline = b"",
            Some(("stretch", length)) => stretch = Some("x".repeat(length.parse().expect("a number"))),
            None if word == "escapes" => escapes = true,
            None if word == "part" => block.is_part = true,
            _ => panic!("unknown attribute `{word}` of an example"),
        }
    }
    let mut number = 0;
    for line in lines {
        if let Some(marker) = marker(line, number) {
            block.markers.push(marker);
            continue;
        }
        number += 1;
        let stretched = stretch.as_ref().map(|letters| line.replace('~', letters));
        let line = stretched.as_deref().unwrap_or(line);
        if escapes {
            block.text.extend(unescape(line));
        } else {
            block.text.extend(line.as_bytes());
        }
        block.text.extend(newline);
    }
    block
}

/// `#   ^^^^ RSY101` or `<!-- ^^^^ RSY901 -->`. Carets in the second column begin in the first: the `#` is in
/// their way. A `|` in place of carets marks the place in front of a character.
fn marker(line: &str, above: usize) -> Option<Marker> {
    let inner = line
        .trim_start()
        .strip_prefix('#')
        .or_else(|| line.trim_start().strip_prefix("<!--"))?;
    let carets = inner.trim_start();
    if let Some(rule) = carets.strip_prefix("| ") {
        let column = line.chars().position(|c| c == '|')? + 1;
        return Some(Marker {
            line: above,
            column: if column == 2 { 1 } else { column },
            length: 0,
            rule: rule.to_owned(),
        });
    }
    if !carets.starts_with('^') {
        return None;
    }
    let length = carets.chars().take_while(|&c| c == '^').count();
    let column = line.chars().position(|c| c == '^')? + 1;
    let rule = carets.split_whitespace().nth(1)?.to_owned();
    let start = if column == 2 { 1 } else { column };
    Some(Marker {
        line: above,
        column: start,
        length: length + column - start,
        rule,
    })
}

/// The bytes of a line in which `\xHH` stands for one.
pub(crate) fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.as_bytes());
        let byte = u8::from_str_radix(&after[..2], 16).expect("two hexadecimal digits");
        let (count, behind) = repetition(&after[2..]);
        bytes.extend(std::iter::repeat_n(byte, count));
        rest = behind;
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// `{N}` behind an escaped byte: it stands there that many times.
fn repetition(behind: &str) -> (usize, &str) {
    let counted = behind.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    match counted {
        Some((count, rest)) => (count.parse().expect("a number"), rest),
        None => (1, behind),
    }
}
