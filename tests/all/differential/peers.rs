use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::differential::generator::Random;

/// Names that no resolver is asked for: a label of no letters is refused before any packet is sent.
const NEVER_ASKED: [&str; 3] = ["a;b..c", "x!..", "all;..deny"];

const WORDS: [&str; 26] = [
    "*",
    "**",
    "?",
    "*d",
    "u*d",
    "undetermined",
    "UNDETERMINED",
    "U[a-n]DETERMINED",
    "[!v]*",
    "[^u]*",
    "[z-u]*",
    "*[]d]",
    "[[:alpha:]]*",
    "[[:upper:]]*",
    "[[:nope:]]*",
    "[u",
    "\\undetermined",
    "*\\d",
    "u\\",
    "ALL",
    "/8",
    "*/0",
    "localhost",
    "a@b",
    "@",
    "\x0b",
];

const MASKS: [&str; 24] = [
    "0",
    "1",
    "7",
    "8",
    "15",
    "24",
    "31",
    "32",
    "33",
    "64",
    "127",
    "128",
    "129",
    "-1",
    "-0",
    "+16",
    "08",
    "x",
    "",
    "8/8",
    "0x8",
    "\x0b8",
    "99999999999999999999",
    "1e1",
];

/// A peer, and lines with the two lists that it meets.
pub(crate) fn lists(random: &mut Random) -> (IpAddr, String) {
    let peer = address(random);
    let asks = random.chance(15);
    let mut lines = String::new();
    if asks {
        lines += "forward lookup = yes\n";
    }
    if random.chance(25) {
        lines += "list = no\n";
    }
    for name in ["hosts allow", "hosts deny"] {
        if random.chance(70) {
            let mut list = String::new();
            for _ in 0..random.below(4) {
                list += &word(random, peer, asks);
                list += random.pick(&[" ", ",", ", ", "\t", " ,"]);
            }
            lines += &format!("{name} = {list}\n");
        }
    }
    (peer, lines)
}

/// What a proxy says of the peer that it speaks for.
pub(crate) fn introduction(peer: IpAddr) -> String {
    match peer {
        IpAddr::V4(_) => format!("PROXY TCP4 {peer} 127.0.0.1 1 1\r\n"),
        IpAddr::V6(_) => format!("PROXY TCP6 {peer} ::1 1 1\r\n"),
    }
}

/// A user's name, and rules that may match it.
pub(crate) fn users(random: &mut Random) -> (String, String) {
    const LETTERS: [&str; 14] = [
        "a", "b", "c", "d", "A", "-", "]", "[", "/", "\\", ".", "!", "^", "*",
    ];
    const PIECES: [&str; 24] = [
        "*", "*", "**", "?", "?", "[", "]", "!", "^", "-", "\\", "a", "b", "c", "d", "/", "[a-c]", "[!a]",
        "[d-a]", "[]a]", "[a-\\c]", "[--b]", ".", "A",
    ];
    const SEPARATORS: [&str; 7] = [" ", ",", ", ", "\t", ",,", " :", "\x0b"];
    const SUFFIXES: [&str; 9] = ["", "", "", ":deny", ":ro", ":d", ":D", ":", ":x:deny"];
    let joined = |random: &mut Random, pieces: &[&str], most| -> String {
        (0..random.below(most)).map(|_| random.pick(pieces)).collect()
    };
    let user = joined(random, &LETTERS, 5);
    let mut rules = random.pick(&["", "", "", ",", ", "]).to_owned();
    for _ in 0..=random.below(3) {
        let pattern = match random.below(3) {
            0 => user.clone(),
            _ => joined(random, &PIECES, 6),
        };
        rules += &pattern;
        rules += random.pick(&SUFFIXES);
        rules += random.pick(&SEPARATORS);
    }
    // A backslash at the end of the line would join the next one, and a `@` names a group of the system.
    (user, rules.trim().trim_end_matches('\\').replace('@', ""))
}

fn address(random: &mut Random) -> IpAddr {
    const V4: [[u8; 4]; 5] = [
        [10, 0, 0, 1],
        [127, 0, 0, 1],
        [192, 168, 2, 77],
        [255, 255, 255, 255],
        [8, 0, 0, 1],
    ];
    const V6: [&str; 5] = ["::1", "2001:db8::5", "2001:db8:1::5", "::", "64:ff9b::a00:1"];
    if random.chance(70) {
        return Ipv4Addr::from(random.pick(&V4)).into();
    }
    random.pick(&V6).parse().expect("an address")
}

/// A word near to the peer.
fn word(random: &mut Random, peer: IpAddr, asks: bool) -> String {
    if asks && random.chance(50) {
        return random.pick(&NEVER_ASKED).to_owned();
    }
    let other = if random.chance(15) { address(random) } else { peer };
    let text = match other {
        IpAddr::V4(other) => v4(random, other),
        IpAddr::V6(other) => v6(random, other),
    };
    match random.below(10) {
        0..3 => text,
        3..6 => format!("{text}/{}", random.pick(&MASKS)),
        6 => {
            let mask = u32::MAX.checked_shl(random.below(33) as u32).unwrap_or(0) ^ random.below(2) as u32;
            format!("{text}/{}", Ipv4Addr::from(mask))
        }
        7 => {
            let mask = u128::MAX.checked_shl(random.below(129) as u32).unwrap_or(0);
            format!("{text}/{}", Ipv6Addr::from(mask))
        }
        // Words that a resolver could be asked for stand only where it is not.
        _ if asks => random.pick(&NEVER_ASKED).to_owned(),
        _ => random.pick(&WORDS).to_owned(),
    }
}

fn v4(random: &mut Random, address: Ipv4Addr) -> String {
    let bits = if random.chance(40) {
        address.to_bits() ^ 1 << random.below(32)
    } else {
        address.to_bits()
    };
    let [a, b, c, d] = bits.to_be_bytes();
    match random.below(14) {
        0 => bits.to_string(),
        1 => format!("{a}.{}", bits & 0xff_ffff),
        2 => format!("{a}.{b}.{}", bits & 0xffff),
        3 => format!("0{a:o}.{b}.{c}.0{d:o}"),
        4 => format!("00{a}.{b}.{c}.{d}"),
        5 => format!("{a}.{b}.{c}."),
        6 => format!("{a}.{b}.{c}.{d}.{d}"),
        7 => format!("{a}..{c}.{d}"),
        8 => format!("{a}.{b}.{c}.{d}5"),
        9 => format!("::ffff:{a}.{b}.{c}.{d}"),
        10 => format!("{a}.{b}.{c}.0{d}"),
        _ => format!("{a}.{b}.{c}.{d}"),
    }
}

fn v6(random: &mut Random, address: Ipv6Addr) -> String {
    let bits = if random.chance(40) {
        address.to_bits() ^ 1 << random.below(128)
    } else {
        address.to_bits()
    };
    let address = Ipv6Addr::from(bits);
    let groups = address.segments().map(|group| format!("{group:x}"));
    match random.below(12) {
        0 => groups.join(":"),
        1 => groups.join(":").to_uppercase(),
        2 => format!("{}:", groups.join(":")),
        3 => groups[1..].join(":"),
        4 => format!("[{address}]"),
        5 => format!("{address}%0"),
        6 => format!("{address}%lo"),
        7 => groups.map(|group| format!("{group:0>4}")).join(":"),
        8 => groups.map(|group| format!("0{group:0>4}")).join(":"),
        _ => address.to_string(),
    }
}
