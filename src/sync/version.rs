use serde_json::{Map, Value, json};

use crate::rsync::{
    delta::Checksum,
    proto::{Compression, Digest, OLDEST_PROTOCOL, PROTOCOL},
};

/// What this client can do, in at least one direction, under the names that rsync has for it (`print_info_flags` in
/// usage.c).
const CAPABILITIES: [(&str, bool); 18] = [
    ("socketpairs", false),
    ("symlinks", true),
    ("symtimes", true),
    ("hardlinks", true),
    ("hardlink_specials", true),
    ("hardlink_symlinks", true),
    ("IPv6", true),
    ("atimes", true),
    ("batchfiles", false),
    ("inplace", true),
    ("append", true),
    ("ACLs", true),
    ("xattrs", true),
    ("secluded_args", true),
    ("iconv", false),
    ("prealloc", true),
    ("stop_at", true),
    ("crtimes", false),
];

/// The release of rsync whose options are read.
const RSYNC: &str = "3.5.0";

/// What `--version` says; under the name `rsync` with the first line that scripts look for, which tell by it what options
/// there are (`print_rsync_version` in usage.c).
pub fn version(is_rsync: bool) -> String {
    let named = match is_rsync {
        true => format!("rsync  version {RSYNC}  protocol version {PROTOCOL}\nThis is "),
        false => String::new(),
    };
    let capabilities: Vec<_> = CAPABILITIES
        .iter()
        .map(|&(name, is_there)| {
            let name = name.replace('_', "-");
            match (is_there, &*name) {
                (true, "secluded-args") => format!("optional {name}"),
                (true, _) => name,
                (false, _) => format!("no {name}"),
            }
        })
        .collect();
    let list = |names: Vec<&str>| names.join(" ");
    let capabilities = textwrap::fill(&capabilities.join(", "), 71).replace('\n', "\n    ");
    format!(
        "{named}rsyncctl  version {}  protocol version {PROTOCOL}\n\
         Speaks with daemons of protocol {OLDEST_PROTOCOL} and newer.\n\
         Capabilities:\n    64-bit files, 64-bit inums, 64-bit timestamps, 64-bit long ints,\n    {capabilities}\n\
         Checksum list:\n    {}\n\
         Compress list:\n    {}\n\
         Daemon auth list:\n    {}\n",
        env!("CARGO_PKG_VERSION"),
        list(checksums()),
        list(compressions()),
        list(digests()),
    )
}

/// What `-VV` says: the same for programs, with rsync's keys (`print_rsync_version` in usage.c).
pub fn version_for_programs(is_rsync: bool) -> String {
    let mut capabilities = Map::new();
    for bits in ["file_bits", "inum_bits", "timestamp_bits", "long_int_bits"] {
        capabilities.insert(bits.to_owned(), json!(64));
    }
    for (name, is_there) in CAPABILITIES {
        let value = match name {
            "secluded_args" => json!("optional"),
            _ => json!(is_there),
        };
        capabilities.insert(name.to_owned(), value);
    }
    let own = env!("CARGO_PKG_VERSION");
    let (program, version) = if is_rsync {
        ("rsync", RSYNC)
    } else {
        ("rsyncctl", own)
    };
    let mut version = json!({
        "program": program,
        "version": version,
        "protocol": format!("{PROTOCOL}.0"),
        "capabilities": Value::Object(capabilities),
        "checksum_list": checksums(),
        "compress_list": compressions(),
        "daemon_auth_list": digests(),
        "license": env!("CARGO_PKG_LICENSE"),
    });
    if is_rsync {
        version["rsyncctl"] = json!(own);
    }
    format!("{version:#}\n")
}

/// Those that are offered, and those that are used if the user says so.
fn checksums() -> Vec<&'static str> {
    let offered = Checksum::OFFERED.map(Checksum::name);
    offered
        .into_iter()
        .chain([Checksum::Md4.name(), Checksum::None.name()])
        .collect()
}

fn compressions() -> Vec<&'static str> {
    let offered = Compression::OFFERED.map(Compression::name);
    offered.into_iter().chain([Compression::None.name()]).collect()
}

fn digests() -> Vec<&'static str> {
    Digest::ALL.map(Digest::name).to_vec()
}
