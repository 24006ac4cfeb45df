//! What a session tells about the server besides whether it works.

use std::{net::IpAddr, ops::RangeInclusive};

use crate::{
    catalog::{self, Advisory, Attacker, Language, Page, Severity, advisories},
    probe::{
        Report,
        stage::{Fact, Skip, State, Step},
    },
    terms::Release,
};

/// So many holes are named; the others are counted.
const NAMED: usize = 3;

/// Something about the server that its keeper should know, whether a client fails or not.
#[derive(Debug)]
pub struct Remark {
    /// What it is.
    pub page: &'static Page,
    /// How bad it is.
    pub severity: Severity,
    arguments: Vec<(&'static str, [String; 2])>,
}

impl Remark {
    fn new(rule: &str) -> Self {
        let page = catalog::page(rule).expect("every remark has a page; the tests see each");
        Self {
            page,
            severity: page.severity,
            arguments: Vec::new(),
        }
    }

    /// The same where it keeps nobody out.
    const fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.arguments.push((key, [value.clone(), value]));
        self
    }

    fn in_words(mut self, key: &'static str, value: impl Fn(Language) -> String) -> Self {
        let both = [Language::English, Language::Chinese].map(value);
        self.arguments.push((key, both));
        self
    }

    /// What fills the placeholders of the page's texts.
    pub fn arguments(&self, language: Language) -> Vec<(&'static str, String)> {
        let own = |(key, value): &(&'static str, [String; 2])| (*key, value[language as usize].clone());
        self.arguments.iter().map(own).collect()
    }
}

/// What a probe of a module, or of a daemon, noticed.
pub(super) fn audit(report: &Report, module: Option<&str>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    remarks.extend(releases(report).and_then(|releases| holes(&releases)));
    remarks.extend(
        public_address(report).map(|address| Remark::new("RSY515").with("address", address.to_string())),
    );
    let place = module;
    let module = place.map(|path| path.split('/').next().unwrap_or_default());
    remarks.extend(weak_digest(report, module));
    let (Some(place), Some(module)) = (place, module) else {
        return remarks;
    };
    let facts = |step| report.stage(step).facts.iter();
    let refused = facts(Step::Setup).filter_map(|fact| match fact {
        Fact::Refused(option) => Some(*option),
        _ => None,
    });
    let refused: Vec<_> = refused.collect();
    if !refused.is_empty() {
        // The page has the hyphens of the first, and its quotes.
        let options = refused.join("`, `--");
        remarks.push(Remark::new("RSY887").with("option", options).warning());
    }
    let state = report.stage(Step::Authentication).state;
    let is_listed = facts(Step::Modules).any(|fact| matches!(fact, Fact::Module(name, _) if name == module));
    if digest(report).is_some() && is_listed {
        remarks.push(Remark::new("RSY518").with("module", module));
    }
    if state == State::Skipped(Skip::Anonymous) {
        let is_written = report.stage(Step::Push).state.is_passed();
        let rule = if is_written { "RSY517" } else { "RSY516" };
        remarks.push(Remark::new(rule).with("module", module));
    }
    let list = report.stage(Step::List);
    // Who writes there does not ask what there is.
    let is_written = report.stage(Step::Push).state.is_passed();
    if !is_written
        && list.state.is_passed()
        && list.facts.iter().any(|fact| matches!(fact, Fact::Files(0, _)))
    {
        remarks.push(Remark::new("RSY523").with("place", place));
    }
    remarks
}

/// The digest that a login was asked for in.
fn digest(report: &Report) -> Option<&'static str> {
    let facts = &report.stage(Step::Authentication).facts;
    facts.iter().find_map(|fact| match fact {
        Fact::Digest(digest) => Some(*digest),
        _ => None,
    })
}

/// The digests that whoever listens can guess passwords of, the better one first.
const WEAK: [&str; 2] = ["md5", "md4"];

/// A digest that is too weak: that of a login, or else the best that the daemon names in its greeting. Where it names none
/// that a client has, nobody logs in, and no password travels at all.
fn weak_digest(report: &Report, module: Option<&str>) -> Option<Remark> {
    let remark = |digest| Remark::new("RSY514").with("digest", digest);
    if let (Some(digest), Some(module)) = (digest(report), module) {
        let whose = |language| match language {
            Language::English => format!("the password of module `{module}`"),
            Language::Chinese => format!("模块 `{module}` 的密码"),
        };
        return WEAK
            .contains(&digest)
            .then(|| remark(digest).in_words("whose", whose));
    }
    let named = report
        .stage(Step::Version)
        .facts
        .iter()
        .find_map(|fact| match fact {
            Fact::Digests(names) => Some(names),
            _ => None,
        })?;
    // What is unknown here may be strong.
    let is_weak = |name: &String| WEAK.contains(&name.as_str()) || name == "none";
    let best = WEAK
        .into_iter()
        .find(|weak| named.iter().any(|name| name == weak))?;
    let whose = |language| match language {
        Language::English => "any password that this daemon asks for".to_owned(),
        Language::Chinese => "该守护进程要求的密码".to_owned(),
    };
    named
        .iter()
        .all(is_weak)
        .then(|| remark(best).in_words("whose", whose))
}

/// The releases that the server may be of, as far as it told.
fn releases(report: &Report) -> Option<RangeInclusive<Release>> {
    let facts = report.stage(Step::Version).facts.iter();
    let mut told = facts.filter_map(|fact| match fact {
        Fact::Releases(releases) => Some(releases),
        _ => None,
    });
    told.next().cloned()
}

/// The holes that clients can use in all of some releases.
fn holes(releases: &RangeInclusive<Release>) -> Option<Remark> {
    let is_open = |one: &&Advisory| {
        one.by == Attacker::Client && one.concerns(*releases.start()) && one.concerns(*releases.end())
    };
    let open: Vec<_> = advisories().iter().filter(is_open).collect();
    if open.is_empty() {
        return None;
    }
    let (oldest, newest) = (releases.start(), releases.end());
    let named = |language| {
        let holes = open.iter().take(NAMED);
        let holes: Vec<_> = holes
            .map(|one| format!("{}: {}", one.id, one.text(language)))
            .collect();
        holes.join(match language {
            Language::English => "; ",
            Language::Chinese => "；",
        })
    };
    let remark = Remark::new("RSY513")
        .with("count", open.len().to_string())
        .in_words("holes", named);
    Some(remark.in_words("releases", |language| match language {
        _ if oldest == newest => oldest.to_string(),
        Language::English => format!("{oldest} to {newest}"),
        Language::Chinese => format!("{oldest} 至 {newest}"),
    }))
}

/// The address that took the connection, if everybody may reach it.
fn public_address(report: &Report) -> Option<IpAddr> {
    let facts = report.stage(Step::Connect).facts.iter();
    let mut addresses = facts.filter_map(|fact| match fact {
        Fact::Address(address) => Some(address.ip().to_canonical()),
        _ => None,
    });
    addresses.next().filter(|address| is_public(*address))
}

/// Whether an address is one of the whole network (IANA's special-purpose registries, as far as hosts are found there).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation()
                || address.is_broadcast()
                || address.is_multicast()
                || first == 0
                || (first == 100 && second & 0xc0 == 64)
                || (first == 198 && second & 0xfe == 18))
        }
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            first & 0xe000 == 0x2000 && !(first == 0x2001 && second == 0xdb8)
        }
    }
}

/// The release that a server names where it says how it ends (`log_exit` in log.c): `[Receiver=3.4.1]`.
pub(super) fn named_release(said: &[u8]) -> Option<Release> {
    let text = String::from_utf8_lossy(said);
    let ends = text.lines().filter(|line| line.starts_with("rsync error: "));
    ends.filter_map(|line| line.strip_suffix(']')?.rsplit_once('=')?.1.parse().ok())
        .next()
}

#[cfg(test)]
mod tests {
    use super::{audit, holes, is_public, named_release};
    use crate::{
        catalog::Language,
        probe::{
            Report,
            stage::{Fact, Skip, Step},
        },
        terms::Release,
    };

    #[test]
    fn a_public_address_is_one_that_all_reach() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("2a00:1450::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("100.64.0.1", false),
            ("169.254.0.1", false),
            ("192.0.2.1", false),
            ("::1", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(
                is_public(address.parse().expect("an address")),
                expected,
                "{address}"
            );
        }
    }

    #[test]
    fn a_release_is_read_where_the_server_names_it() {
        let end = b"ERROR: module is read only\nrsync error: syntax or usage error (code 1) at main.c(1185) [Receiver=3.4.1]\n";
        assert_eq!(named_release(end), Some(Release::new(3, 4, 1)));
        let own = b"rsync error: some files could not be transferred (code 23) [sender=rsyncctl 0.1.0]\n";
        assert_eq!(named_release(own), None);
    }

    #[test]
    fn the_holes_of_all_releases_are_told() {
        let release = |major, minor, patch| Release::new(major, minor, patch);
        let told = holes(&(release(3, 2, 7)..=release(3, 3, 0))).expect("holes");
        let words = told.arguments(Language::English);
        assert!(
            words
                .iter()
                .any(|(_, words)| words.starts_with("CVE-2024-12084: ")),
            "{words:?}"
        );
        let old = holes(&(release(3, 0, 0)..=release(3, 0, 9))).expect("holes");
        let words = old.arguments(Language::English);
        assert!(
            !words.iter().any(|(_, words)| words.contains("CVE-2024-12084")),
            "{words:?}"
        );
        assert!(holes(&(release(3, 4, 0)..=release(3, 5, 0))).is_none());
        assert!(holes(&(release(3, 4, 1)..=release(3, 4, 1))).is_some());
    }

    #[test]
    fn what_a_session_shows_is_noticed() {
        let mut report = Report::new("host::data/sub".to_owned());
        let rules = |report: &Report| -> Vec<&str> {
            audit(report, Some("data/sub"))
                .iter()
                .map(|remark| remark.page.id)
                .collect()
        };
        report.note(
            Step::Connect,
            Fact::Address("8.8.8.8:873".parse().expect("an address")),
        );
        report.note(Step::Authentication, Fact::Digest("md5"));
        report.note(Step::Modules, Fact::Module("data".to_owned(), String::new()));
        assert_eq!(rules(&report), ["RSY515", "RSY514", "RSY518"]);
        // That of the login counts, not what was named.
        let digests = |names: &[&str]| Fact::Digests(names.iter().map(|&name| name.to_owned()).collect());
        report.note(Step::Version, digests(&["md4"]));
        assert_eq!(rules(&report), ["RSY515", "RSY514", "RSY518"]);
        for (names, best) in [
            (&["md5", "md4"][..], Some("md5")),
            (&["md4"], Some("md4")),
            (&["none", "md4"], Some("md4")),
            (&["none"], None),
            (&["sha1", "md5"], None),
            (&["sha512", "sha256", "sha1", "md5", "md4"], None),
            (&["blake3", "md5"], None),
        ] {
            let mut report = Report::new("host::".to_owned());
            report.note(Step::Version, digests(names));
            let remarks = audit(&report, None);
            let told = remarks.first().map(|remark| remark.arguments(Language::English));
            let expected = best.map(|best| {
                vec![
                    ("digest", best.to_owned()),
                    ("whose", "any password that this daemon asks for".to_owned()),
                ]
            });
            assert_eq!(told, expected, "{names:?}");
        }
        let mut report = Report::new("host::data/sub".to_owned());
        report.skip(Step::Authentication, Skip::Anonymous);
        assert_eq!(rules(&report), ["RSY516"]);
        report.pass(Step::Push, std::time::Duration::ZERO);
        assert_eq!(rules(&report), ["RSY517"]);
    }
}
