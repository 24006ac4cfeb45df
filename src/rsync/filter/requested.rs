use crate::rsync::filter::rule::{Prefix, Rule};

/// The names that a sender may send: what was asked for, and what is below it (`add_implied_include` in exclude.c).
#[derive(Debug, Default)]
pub struct Requested(Vec<Rule>);

impl Requested {
    /// The arguments as the daemon gets them, the module's name in front; whether folders are sent with all below them, or
    /// with what they hold.
    pub fn new(arguments: &[Vec<u8>], is_recursive: bool, has_folders: bool) -> Self {
        let mut rules = Vec::new();
        for argument in arguments {
            let path = argument.iter().position(|&byte| byte == b'/');
            let path = path.map_or(&b""[..], |slash| &argument[slash + 1..]);
            let last = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
            let name = if last == b"." { b"" } else { last };
            let is_wild = name.iter().any(|byte| matches!(byte, b'*' | b'[' | b'?'));
            let pattern = match name {
                b"" => Vec::new(),
                name if is_wild => [b"/", &*escaped(name)].concat(),
                name => [b"/", name].concat(),
            };
            if !name.is_empty() {
                add(&mut rules, &pattern, is_wild);
            }
            if is_recursive || has_folders {
                // With a wildcard behind it, no backslash of the name is literal any more.
                let folder = match is_wild || name.is_empty() {
                    true => pattern,
                    false => [b"/", &*doubled(name)].concat(),
                };
                let all: &[u8] = if is_recursive { b"/**" } else { b"/*" };
                add(&mut rules, &[&*folder, all].concat(), is_wild);
            }
        }
        Self(rules)
    }

    /// Whether a name was asked for; without any argument that names something, all was.
    pub fn contains(&self, name: &[u8], is_directory: bool) -> bool {
        self.0.is_empty() || self.0.iter().any(|rule| rule.speaks_of(name, is_directory, b""))
    }
}

fn add(rules: &mut Vec<Rule>, pattern: &[u8], is_wild: bool) {
    rules.push(Rule::new(Prefix::default(), pattern, None));
    // A class that matches nothing is taken literally at the sender.
    if is_wild && pattern.contains(&b'[') {
        rules.push(Rule::new(Prefix::default(), &literal_brackets(pattern), None));
    }
}

/// Backslashes that escape no wildcard are meant literally.
fn escaped(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = name;
    while let [first, behind @ ..] = rest {
        rest = behind;
        text.push(*first);
        if *first == b'\\' {
            match behind.first() {
                Some(next @ (b'*' | b'[' | b'?' | b']')) => {
                    text.push(*next);
                    rest = &behind[1..];
                }
                _ => text.push(b'\\'),
            }
        }
    }
    text
}

fn doubled(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in name {
        text.extend(std::iter::repeat_n(byte, 1 + usize::from(byte == b'\\')));
    }
    text
}

fn literal_brackets(pattern: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut is_escaped = false;
    for &byte in pattern {
        if byte == b'[' && !is_escaped {
            text.push(b'\\');
        }
        is_escaped = byte == b'\\' && !is_escaped;
        text.push(byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Requested;

    #[test]
    fn only_what_was_asked_for_is_there() {
        let requested = |argument: &str, is_recursive| {
            Requested::new(&[argument.as_bytes().to_vec()], is_recursive, is_recursive)
        };
        for (argument, is_recursive, name, expected) in [
            ("m/a", false, "a", true),
            ("m/a", false, "b", false),
            ("m/a", false, "a/x", false),
            ("m/d/a", true, "a/x/y", true),
            ("m/d/a", true, "ab", false),
            ("m/d/", true, "x/y", true),
            ("m/", true, "x/y", true),
            ("m", true, "x", true),
            ("m/*.c", false, "x.c", true),
            ("m/*.c", false, "x.h", false),
            ("m/x[1]", false, "x[1]", true),
            ("m/x[1]", false, "x1", true),
            ("m/x[1]", false, "x2", false),
            ("m/a\\b", true, "a\\b/c", true),
        ] {
            let found = requested(argument, is_recursive).contains(name.as_bytes(), false);
            assert_eq!(found, expected, "{argument} {name}");
        }
    }
}
