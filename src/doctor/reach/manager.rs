//! What the programs that keep a firewall's rules have in their own files, and how they are asked to let a port in.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use quick_xml::{Reader, events::Event};

use crate::{
    doctor::reach::{firewall::Decider, rules::Manager},
    host::Host,
};

/// The port that the service `rsyncd` of firewalld is.
const NAMED: u16 = 873;

impl Manager {
    /// The name that people know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firewalld => "firewalld",
            Self::Ufw => "ufw",
            Self::Nft => "nft",
            Self::Iptables => "iptables",
        }
    }

    /// The command that lets clients in to a port; `is_kept` if the files let them in already, and only the rules are old.
    pub(super) fn command(self, port: u16, stopped_by: &Decider, is_kept: bool) -> String {
        match self {
            Self::Firewalld if is_kept => "firewall-cmd --reload".to_owned(),
            Self::Firewalld if port == NAMED => {
                "firewall-cmd --permanent --add-service=rsyncd && firewall-cmd --reload".to_owned()
            }
            Self::Firewalld => {
                format!("firewall-cmd --permanent --add-port={port}/tcp && firewall-cmd --reload")
            }
            Self::Ufw if is_kept => "ufw reload".to_owned(),
            Self::Ufw => format!("ufw allow {port}/tcp"),
            Self::Nft => format!("nft insert rule {} tcp dport {port} accept", stopped_by.place),
            Self::Iptables => {
                let program = stopped_by.place.split(' ').next().unwrap_or("iptables");
                let chain = stopped_by.place.split(' ').nth(2).unwrap_or("INPUT");
                format!("{program} -I {chain} -p tcp --dport {port} -j ACCEPT")
            }
        }
    }

    /// The command that lets one client in.
    pub(super) fn command_for(self, client: IpAddr, port: u16, stopped_by: &Decider) -> String {
        let (family, word) = match client {
            IpAddr::V4(_) => ("ipv4", "ip"),
            IpAddr::V6(_) => ("ipv6", "ip6"),
        };
        match self {
            Self::Firewalld => format!(
                "firewall-cmd --permanent --add-rich-rule='rule family={family} source address={client} port \
                 port={port} protocol=tcp accept' && firewall-cmd --reload"
            ),
            Self::Ufw => format!("ufw allow from {client} to any port {port} proto tcp"),
            Self::Nft => format!(
                "nft insert rule {} {word} saddr {client} tcp dport {port} accept",
                stopped_by.place
            ),
            Self::Iptables => {
                let program = stopped_by.place.split(' ').next().unwrap_or("iptables");
                let chain = stopped_by.place.split(' ').nth(2).unwrap_or("INPUT");
                format!("{program} -I {chain} -s {client} -p tcp --dport {port} -j ACCEPT")
            }
        }
    }

    /// Whether its own files let everybody in to a port; nothing if it has none, or they may not be read.
    pub(super) fn keeps(self, host: &dyn Host, port: u16) -> Option<bool> {
        match self {
            Self::Firewalld => firewalld(host, port),
            Self::Ufw => ufw(host, port),
            Self::Nft | Self::Iptables => None,
        }
    }
}

fn text(host: &dyn Host, path: &Path) -> Option<String> {
    let bytes = host.read(path).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The zone that holds where no other is named (firewalld.conf(5)), and what it lets in (firewalld.zone(5)).
fn firewalld(host: &dyn Host, port: u16) -> Option<bool> {
    let settings = text(host, Path::new("/etc/firewalld/firewalld.conf")).unwrap_or_default();
    let zone = settings
        .lines()
        .find_map(|line| line.trim().strip_prefix("DefaultZone="))
        .unwrap_or("public")
        .trim();
    let folders = ["/etc/firewalld/zones", "/usr/lib/firewalld/zones"];
    let mut files = folders
        .iter()
        .map(|folder| PathBuf::from(folder).join(format!("{zone}.xml")));
    let zone = files.find_map(|file| text(host, &file))?;
    Some(admits(&zone, port))
}

/// Whether a zone has the port, or the service that is it, without a condition.
fn admits(zone: &str, port: u16) -> bool {
    let mut reader = Reader::from_str(zone);
    let mut is_in_rule = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) if tag.name().as_ref() == "rule" => is_in_rule = true,
            Ok(Event::End(tag)) if tag.name().as_ref() == "rule" => is_in_rule = false,
            Ok(Event::Start(tag) | Event::Empty(tag)) if !is_in_rule => {
                let value = |key: &str| {
                    let attribute = tag.try_get_attribute(key).ok()??;
                    Some(attribute.value.into_owned())
                };
                let is_meant = match tag.name().as_ref() {
                    "service" => value("name").as_deref() == Some("rsyncd") && port == NAMED,
                    "port" => {
                        value("protocol").as_deref() == Some("tcp")
                            && names(&value("port").unwrap_or_default(), port)
                    }
                    _ => false,
                };
                if is_meant {
                    return true;
                }
            }
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

/// `873`, or `870-880`.
fn names(text: &str, port: u16) -> bool {
    let number = |text: &str| text.trim().parse::<u16>().ok();
    match text.split_once(['-', ':']) {
        Some((from, to)) => {
            matches!((number(from), number(to)), (Some(from), Some(to)) if (from..=to).contains(&port))
        }
        None => number(text) == Some(port),
    }
}

/// The lines that ufw writes for itself above each rule: `### tuple ### allow tcp 873 0.0.0.0/0 any 0.0.0.0/0 in`.
fn ufw(host: &dyn Host, port: u16) -> Option<bool> {
    let rules = text(host, Path::new("/etc/ufw/user.rules"))?;
    let mut tuples = rules
        .lines()
        .filter_map(|line| line.strip_prefix("### tuple ### "));
    Some(tuples.any(|tuple| {
        let words: Vec<_> = tuple.split_ascii_whitespace().collect();
        let [action, protocol, ports, "0.0.0.0/0", "any", "0.0.0.0/0", ..] = words[..] else {
            return false;
        };
        let is_meant = ports == "any" || ports.split(',').any(|one| names(one, port));
        matches!(action, "allow" | "limit") && matches!(protocol, "tcp" | "any") && is_meant
    }))
}

#[cfg(test)]
mod tests {
    use super::{admits, names};
    use crate::{doctor::reach::Manager, host::Image};

    #[test]
    fn zones_are_read() {
        let zone = r#"<?xml version="1.0" encoding="utf-8"?>
            <zone><short>Public</short><service name="ssh"/><port port="8730-8739" protocol="tcp"/>
            <rule family="ipv4"><source address="192.0.2.0/24"/><service name="rsyncd"/><accept/></rule></zone>"#;
        assert!(admits(zone, 8733) && !admits(zone, 873) && !admits(zone, 8740));
        assert!(admits("<zone><service name='rsyncd'/></zone>", 873));
        assert!(!admits("<zone><service name='rsyncd'/></zone>", 874));
        assert!(!admits("<zone", 873) && !admits("", 873));
        assert!(names("870:880", 873) && !names("x", 873));
    }

    #[test]
    fn what_the_files_keep_is_read() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        let keeps = |manager: Manager, port| manager.keeps(&Image::new(root.path()), port);
        assert_eq!(
            (keeps(Manager::Firewalld, 873), keeps(Manager::Ufw, 873)),
            (None, None)
        );
        write("etc/firewalld/firewalld.conf", "# x\nDefaultZone=inner\n");
        write(
            "usr/lib/firewalld/zones/inner.xml",
            "<zone><service name=\"ssh\"/></zone>",
        );
        assert_eq!(keeps(Manager::Firewalld, 873), Some(false));
        write(
            "etc/firewalld/zones/inner.xml",
            "<zone><service name=\"rsyncd\"/></zone>",
        );
        assert_eq!(keeps(Manager::Firewalld, 873), Some(true));
        assert_eq!(keeps(Manager::Firewalld, 8730), Some(false));
        let tuple =
            |line: &str| format!("*filter\n### tuple ### {line}\n-A ufw-user-input -p tcp -j ACCEPT\n");
        for (line, admits) in [
            ("allow tcp 873 0.0.0.0/0 any 0.0.0.0/0 in", true),
            ("allow tcp 870:880 0.0.0.0/0 any 0.0.0.0/0 in", true),
            ("allow tcp 873 0.0.0.0/0 any 192.0.2.0/24 in", false),
            ("deny tcp 873 0.0.0.0/0 any 0.0.0.0/0 in", false),
            ("allow udp 873 0.0.0.0/0 any 0.0.0.0/0 in", false),
        ] {
            write("etc/ufw/user.rules", &tuple(line));
            assert_eq!(keeps(Manager::Ufw, 873), Some(admits), "{line}");
        }
    }
}
