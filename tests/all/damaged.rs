//! Texts of a daemon's configuration in which one line is damaged, as copying and typing damages lines.

/// Lines that one may find in a module or above it.
const LINES: [&str; 42] = [
    "path = /srv/m",
    "read only = no",
    "read only = yes",
    "write only = no",
    "uid = root",
    "gid = root",
    "uid = nobody",
    "use chroot = no",
    "strict modes = no",
    "munge symlinks = no",
    "hosts allow = *",
    "hosts allow = 127.0.0.1, 192.0.2.7",
    "hosts allow = 192.0.2.0/24",
    "hosts allow = 0.0.0.0/1 128.0.0.0/1",
    "hosts deny = *",
    "hosts deny = 192.0.2.7",
    "hosts deny = 192.0.2.7, 198.51.100.8",
    "hosts deny = 192.0.2.1/24",
    "hosts deny = none.invalid",
    "auth users = joe, ann",
    "auth users = *:rw",
    "refuse options = * !recursive, !times, !dirs, !perms",
    "refuse options = delete, checksum",
    "refuse options = * !delete !recursive",
    "exclude = *.bak, *.tmp",
    "include = one, two",
    "filter = - secret, + open",
    "exclude from = /srv/filter",
    "incoming chmod = Du=rwx,go=rx",
    "max connections = 4",
    "max connections = -1",
    "lock file = /srv/lock",
    "temp dir = /tmp",
    "charset = utf-8",
    "forward lookup = no",
    "reverse lookup = no",
    "list = no",
    "timeout = 600",
    "comment = our files",
    "daemon chroot = /",
    "[m]",
    "ignore errors",
];

/// What the rest of the module says.
const RESTS: [&str; 7] = [
    "",
    "read only = no\n",
    "read only = no\nhosts deny = 192.0.2.99\n",
    "read only = no\nhosts allow = 192.0.2.99\n",
    "read only = no\nhosts deny = none of these\n",
    "read only = no\nauth users = joe\nsecrets file = /srv/secrets\n",
    "hosts allow = 192.0.2.99\nhosts deny = *\n",
];

/// Every line damaged in every way, in every module, with a name for each text.
pub(crate) fn damaged() -> Vec<(String, Vec<u8>)> {
    let mut texts = Vec::new();
    for line in LINES {
        for damaged in ways(line) {
            for rest in RESTS {
                let path = if line.starts_with("path") {
                    ""
                } else {
                    "path = /srv/m\n"
                };
                let text = match line {
                    "[m]" => format!("{damaged}\n{path}{rest}"),
                    _ => format!("[m]\n{path}{rest}{damaged}\n"),
                };
                texts.push((format!("`{line}`"), text.into_bytes()));
                if line != "[m]" && rest.is_empty() {
                    let text = format!("{damaged}\nread only = no\n[m]\n{path}");
                    texts.push((format!("`{line}` above"), text.into_bytes()));
                }
            }
        }
    }
    texts
}

/// A line as web pages, word processors and people of other programs write it.
fn ways(line: &str) -> Vec<String> {
    let (name, value) = line.split_once(" = ").unwrap_or((line, ""));
    let listed = value.replace(", ", "，");
    let enumerated = value.replace(", ", "、");
    let words: Vec<&str> = value.split(' ').collect();
    let quoted = |open: &str, close: &str| {
        let words = words.iter().map(|word| format!("{open}{word}{close}"));
        words.collect::<Vec<_>>().join(" ")
    };
    let mut ways = vec![
        line.to_owned(),
        line.replace(' ', "\u{a0}"),
        line.replacen(' ', "\u{a0}", 1),
        line.replace(" = ", " ＝ "),
        line.replace(" = ", " =\u{a0}"),
        line.replace(" = ", " = \u{200b}"),
        line.replace(" = ", " "),
        format!("\u{feff}{line}"),
        format!("\u{3000}{line}"),
        format!("{line}\u{a0}"),
        line.replace('[', "［").replace(']', "］"),
        line.replace('[', "[\u{200b}"),
        format!("{name} = \"{value}\""),
        format!("{name} = “{value}”"),
        format!("{name} = {listed}"),
        format!("{name} = {enumerated}"),
        format!("{name} = {}", quoted("\"", "\"")),
        format!("{name} = {}", quoted("“", "”")),
        format!("{name} = {}", quoted("--", "")),
        format!("{line} # a note of ours"),
        format!("{line} \\"),
        format!("a note of ours \\\n{line}"),
        format!("{} = {value}", name.replace(' ', "_")),
        format!("{} = {value}", name.replace(' ', "-")),
        format!("{name} = {}", value.replace(", ", ",")),
        format!("{name} = {}", value.replace(' ', ", ")),
    ];
    ways.sort();
    ways.dedup();
    ways
}
