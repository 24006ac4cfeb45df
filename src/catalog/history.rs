//! The releases of rsync, and the holes that they close: `rules/releases.toml`, compiled in.

use std::ops::RangeInclusive;

use crate::{catalog::Language, terms::Release};

include!(concat!(env!("OUT_DIR"), "/releases.rs"));

/// The first release whose daemon names the digests that it takes passwords in (`output_daemon_greeting` in
/// clientserver.c).
const NAMES_DIGESTS: Release = Release::new(3, 2, 7);

/// A release of rsync.
#[derive(Debug)]
pub struct Published {
    /// Its number.
    pub release: Release,
    /// The day, `2026-08-13`.
    pub date: &'static str,
    /// The newest protocol that it speaks.
    pub protocol: u8,
}

/// A hole that a release closes.
#[derive(Debug)]
pub struct Advisory {
    /// `CVE-2024-12084`.
    pub id: &'static str,
    /// The first release that has it, where that is known.
    pub since: Option<Release>,
    /// The first release that has it no more.
    pub fixed: Release,
    /// Who does harm by it.
    pub by: Attacker,
    text: [&'static str; 2],
}

/// Who does harm by a hole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attacker {
    /// A client of a daemon.
    Client,
    /// A server, to its clients.
    Server,
    /// A user of the machine.
    Local,
}

impl Advisory {
    /// What can be done by it.
    pub fn text(&self, language: Language) -> &'static str {
        self.text[language as usize]
    }

    /// Whether a release has it.
    pub fn concerns(&self, release: Release) -> bool {
        release < self.fixed && self.since.is_none_or(|since| since <= release)
    }
}

/// Every known hole.
pub fn advisories() -> &'static [Advisory] {
    ADVISORIES
}

/// The releases that greet so: with this as the newest protocol, and with the names of digests or without. None if no
/// known release does.
pub fn greeting_so(protocol: u32, has_digests: bool) -> Option<RangeInclusive<Release>> {
    let mut alike = RELEASES
        .iter()
        .map(|one| (one.release, one.protocol))
        .filter(|(release, newest)| {
            u32::from(*newest) == protocol && (*release >= NAMES_DIGESTS) == has_digests
        });
    let (oldest, _) = alike.next()?;
    let newest = alike.next_back().map_or(oldest, |(release, _)| release);
    Some(oldest..=newest)
}

#[cfg(test)]
mod tests {
    use super::{advisories, greeting_so};
    use crate::terms::Release;

    #[test]
    fn a_greeting_tells_the_age() {
        for (protocol, has_digests, oldest, newest) in [
            (32, true, (3, 4, 0), (3, 5, 0)),
            (31, true, (3, 2, 7), (3, 3, 0)),
            (31, false, (3, 1, 0), (3, 2, 6)),
            (30, false, (3, 0, 0), (3, 0, 9)),
            (29, false, (2, 6, 4), (2, 6, 9)),
            (27, false, (2, 6, 0), (2, 6, 0)),
        ] {
            let release = |(major, minor, patch)| Release::new(major, minor, patch);
            let expected = Some(release(oldest)..=release(newest));
            assert_eq!(greeting_so(protocol, has_digests), expected, "{protocol}");
        }
        for (protocol, has_digests) in [(32, false), (30, true), (40, true)] {
            assert_eq!(greeting_so(protocol, has_digests), None, "{protocol}");
        }
    }

    #[test]
    fn a_hole_is_there_from_its_first_release_to_the_one_that_closes_it() {
        let named = |id| {
            advisories()
                .iter()
                .find(move |one| one.id == id)
                .expect("it is there")
        };
        let checksums = named("CVE-2024-12084");
        for (release, is_there) in [
            (Release::new(3, 2, 6), false),
            (Release::new(3, 2, 7), true),
            (Release::new(3, 3, 0), true),
            (Release::new(3, 4, 0), false),
        ] {
            assert_eq!(checksums.concerns(release), is_there, "{release}");
        }
        assert!(named("CVE-2026-70464").concerns(Release::new(3, 0, 0)));
    }
}
