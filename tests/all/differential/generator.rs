use std::fmt;

use crate::differential::words::{
    BOOLEANS, BROKEN_HEADERS, BYTES, COMMENTS, FATAL_LINES, FILES, GLOBALS, IDENTITIES, MISPLACED, MODULES,
    NUMBERS, OTHER_LINES, PATHS, PREFIX, TARGETS, UNKNOWN, USERS,
};

/// Numbers that a seed decides (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Seeds that follow each other must not give shifted copies of one sequence.
        Self(Self(seed).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A configuration with the files that it includes.
#[derive(Clone)]
pub(crate) struct Case {
    /// Lines with their newlines.
    pub(crate) main: Vec<Vec<u8>>,
    pub(crate) files: Vec<(&'static str, Vec<Vec<u8>>)>,
}

impl Case {
    pub(crate) fn generate(random: &mut Random) -> Self {
        let mut main = text(random, 24);
        let mut files = Vec::new();
        if random.chance(30) {
            for _ in 0..=random.below(4) {
                let name = random.pick(&FILES);
                if files.iter().all(|(other, _)| *other != name) {
                    files.push((name, text(random, 8)));
                }
            }
            // Whoever has files includes some.
            let lines = lines(&main);
            let mut with_include = Vec::new();
            let at = random.below(lines.len() + 1);
            for (index, line) in lines.iter().enumerate() {
                if index == at {
                    with_include.extend(directive(random).as_bytes());
                    with_include.push(b'\n');
                }
                with_include.extend(line);
            }
            main = with_include;
        }
        if random.chance(35) {
            for _ in 0..=random.below(4) {
                match files.len() {
                    count if count > 0 && random.chance(40) => {
                        let file = random.below(count);
                        mutate(random, &mut files[file].1);
                    }
                    _ => mutate(random, &mut main),
                }
            }
        }
        let mut whole = Vec::new();
        if random.chance(3) {
            whole.extend(b"\xef\xbb\xbflist = no\n");
        }
        whole.extend(PREFIX.as_bytes());
        whole.extend(main);
        Self {
            main: lines(&whole),
            files: files
                .into_iter()
                .map(|(name, bytes)| (name, lines(&bytes)))
                .collect(),
        }
    }

    /// The same with an `&include` somewhere.
    pub(crate) fn with_include(mut self, random: &mut Random) -> Self {
        let at = PREFIX.lines().count() + random.below(self.main.len());
        let target = if random.chance(70) {
            "base.conf"
        } else {
            random.pick(&TARGETS)
        };
        let line = format!("&include {target}\n");
        self.main.insert(at.min(self.main.len()), line.into_bytes());
        self
    }

    /// One file alone.
    pub(crate) fn of(main: &[u8]) -> Self {
        Self {
            main: lines(main),
            files: Vec::new(),
        }
    }

    /// How many lines it has.
    pub(crate) fn len(&self) -> usize {
        self.main.len() + self.files.iter().map(|(_, lines)| lines.len()).sum::<usize>()
    }

    /// The same without one line; none if that line keeps the daemon on loopback.
    pub(crate) fn without(&self, mut index: usize) -> Option<Self> {
        let mut smaller = self.clone();
        if index < self.main.len() {
            let line = smaller.main.remove(index);
            let is_kept = PREFIX
                .lines()
                .any(|kept| line.strip_suffix(b"\n") == Some(kept.as_bytes()));
            return (!is_kept).then_some(smaller);
        }
        index -= self.main.len();
        for (_, lines) in &mut smaller.files {
            if index < lines.len() {
                lines.remove(index);
                return Some(smaller);
            }
            index -= lines.len();
        }
        None
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, lines: &[Vec<u8>]| -> fmt::Result {
            writeln!(f, "--- {name}")?;
            for line in lines {
                writeln!(f, "{}", line.escape_ascii())?;
            }
            Ok(())
        };
        show("rsyncd.conf", &self.main)?;
        let files = self.files.iter().filter(|(_, lines)| !lines.is_empty());
        files.into_iter().try_for_each(|(name, lines)| show(name, lines))
    }
}

/// Some lines: parameters, headers, and what else a file can hold.
fn text(random: &mut Random, most: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let newline = if random.chance(8) { "\r\n" } else { "\n" };
    for _ in 0..=random.below(most) {
        let line = match random.below(100) {
            0..22 => header(random),
            22..84 => parameter(random),
            84..92 => random.pick(&OTHER_LINES).to_owned(),
            92 if random.chance(30) => random.pick(&FATAL_LINES).to_owned(),
            92..95 => random.pick(&MISPLACED).to_owned(),
            95..99 => format!("{} = {}", random.pick(&UNKNOWN), random.pick(&COMMENTS)),
            _ => directive(random),
        };
        text.extend(line.replace('\n', newline).as_bytes());
        text.extend(newline.as_bytes());
    }
    if random.chance(5) {
        text.truncate(text.len() - newline.len());
    }
    text
}

fn header(random: &mut Random) -> String {
    match random.below(100) {
        0..40 => format!("[{}]\npath = {}", random.pick(&MODULES), random.pick(&PATHS)),
        40..84 => format!("[{}]", random.pick(&MODULES)),
        84..93 => format!("[{}] # note", random.pick(&GLOBALS)),
        93..99 => format!(" [ {} ]trailing", random.pick(&MODULES)),
        _ => random.pick(&BROKEN_HEADERS).to_owned(),
    }
}

fn directive(random: &mut Random) -> String {
    let name = random.pick(&["&include", "&include", "&merge", "&merge", "&INCLUDE", "&Merge"]);
    let separator = random.pick(&[" ", " ", "\t", " = ", "=", "  "]);
    format!("{name}{separator}{}", random.pick(&TARGETS))
}

fn parameter(random: &mut Random) -> String {
    let (name, value) = match random.below(100) {
        0..20 => ("path", random.pick(&PATHS).to_owned()),
        20..28 => ("comment", random.pick(&COMMENTS).to_owned()),
        28..40 => ("list", random.pick(&BOOLEANS).to_owned()),
        40..57 => ("read only", random.pick(&BOOLEANS).to_owned()),
        57..64 => ("write only", random.pick(&BOOLEANS).to_owned()),
        64..74 => ("hosts allow", hosts(random)),
        74..82 => ("hosts deny", hosts(random)),
        82..86 => ("auth users", random.pick(&USERS).to_owned()),
        86..89 => ("max connections", random.pick(&NUMBERS).to_owned()),
        89..92 => (
            "lock file",
            random.pick(&["lock", "missing/lock", "", "d1"]).to_owned(),
        ),
        92..95 => ("name", random.pick(&MODULES).to_owned()),
        95 => ("uid", random.pick(&IDENTITIES).to_owned()),
        96 => ("gid", random.pick(&IDENTITIES).to_owned()),
        _ => ("use chroot", random.pick(&["no", "off", "0", "maybe"]).to_owned()),
    };
    let separator = random.pick(&[" = ", " = ", "=", " =", "= ", "\t=\t", "  = \t ", " == "]);
    let mut line = format!("{}{separator}{value}", spelled(random, name));
    if random.chance(3) {
        let at = random.below(line.len());
        if line.is_char_boundary(at) {
            line.insert_str(at, "\\\n");
        }
    }
    line += random.pick(&["", "", "", " ", "\t", " \\\n"]);
    line
}

/// A name as people may write it.
fn spelled(random: &mut Random, name: &str) -> String {
    match random.below(12) {
        0 => name.replace(' ', ""),
        1 => name.to_uppercase(),
        2 => name.replace(' ', "\t "),
        3 => format!("  {name}"),
        4 => name.chars().flat_map(|letter| [letter, ' ']).collect(),
        5 if random.chance(20) => name.replace(' ', "_"),
        _ => name.to_owned(),
    }
}

/// A list of words, near to the addresses that clients have.
pub(crate) fn hosts(random: &mut Random) -> String {
    let mut list = String::new();
    for _ in 0..random.below(4) {
        list += &host(random);
        list += random.pick(&[" ", " ", ",", ", ", "\t"]);
    }
    if random.chance(4) {
        list += "%NET%";
    }
    list
}

fn host(random: &mut Random) -> String {
    const ADDRESSES: [&str; 22] = [
        "127.0.0.1",
        "127.0.0.2",
        "127.1.2.3",
        "127.0.0.0",
        "0.0.0.0",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "2130706433",
        "10.0.0.1",
        "127.0.0.01",
        "256.0.0.1",
        "127.",
        "127.0.0",
        "",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "fe80::1",
        "::1%lo",
        "1:2",
        "0:0:0:0:0:0:0:1",
    ];
    const MASKS: [&str; 18] = [
        "8",
        "16",
        "24",
        "31",
        "32",
        "0",
        "33",
        "-1",
        "+8",
        "x",
        "",
        "128",
        "127",
        "255.0.0.0",
        "255.255.255.0",
        "255.0.0.255",
        "ffff::",
        "::",
    ];
    const NAMES: [&str; 12] = [
        "*",
        "**",
        "UNDETERMINED",
        "undet*",
        "?NDETERMINED",
        "[t-v]ndetermine[!a]",
        "ALL",
        "EXCEPT",
        "localhost",
        "127.0.*",
        "*/8",
        "a;b",
    ];
    match random.below(10) {
        0..4 => random.pick(&ADDRESSES).to_owned(),
        4..8 => format!("{}/{}", random.pick(&ADDRESSES), random.pick(&MASKS)),
        _ => random.pick(&NAMES).to_owned(),
    }
}

fn mutate(random: &mut Random, text: &mut Vec<u8>) {
    let at = random.below(text.len() + 1);
    let end = text.len().min(at + 1 + random.below(12));
    match random.below(8) {
        0..3 => drop(text.splice(at..at, random.pick(&BYTES).iter().copied())),
        3 => drop(text.drain(at..text.len().min(at + 1))),
        4 => drop(text.drain(at..end)),
        5 => drop(text.splice(at..at, text[at..end].to_vec())),
        6 => drop(text.splice(at..text.len().min(at + 1), random.pick(&BYTES).iter().copied())),
        _ => {
            let mut lines = lines(text);
            if !lines.is_empty() {
                let line = lines[random.below(lines.len())].clone();
                lines.insert(random.below(lines.len() + 1), line);
            }
            *text = lines.concat();
        }
    }
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}
