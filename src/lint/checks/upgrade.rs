//! What another release makes of the same file: only where the user says from which release it comes.

use std::collections::BTreeSet;

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Effect, Parameter, Scope, Setting, Value,
        access::{AddressPattern, is_host_separator},
    },
    terms::{Release, Span},
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY701", changes_with_release)];

/// The release in which `use chroot` became unset by default.
const CHROOT_UNSET: Release = Release::new(3, 2, 7);

/// The release in which rules by host name are answered before `daemon chroot`.
const NAMES_BEFORE_CHROOT: Release = Release::new(3, 4, 3);

/// The release that closed many holes at once.
const HARDENED: Release = Release::new(3, 5, 0);

/// The longest time that a login may take, whatever `timeout` says.
const LONGEST_LOGIN: i32 = 60;

/// RSY701: each line of this file that the new release reads otherwise than the old one.
fn changes_with_release(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let Some(from) = subject.circumstances.from_release else {
        return;
    };
    let mut upgrade = Upgrade {
        subject,
        from,
        seen: BTreeSet::new(),
        out,
    };
    upgrade.new_parameters();
    if upgrade.crosses(CHROOT_UNSET) {
        upgrade.chroot_default();
    }
    if upgrade.crosses(NAMES_BEFORE_CHROOT) {
        upgrade.names_behind_chroot();
    }
    if upgrade.crosses(HARDENED) {
        upgrade.proxy();
        upgrade.denied_names();
        upgrade.leading_commas();
        upgrade.hook_variables();
        upgrade.name_converters();
        upgrade.short_logins();
    }
}

struct Upgrade<'s, 'a, 'o> {
    subject: &'s ConfigurationSubject<'a>,
    from: Release,
    /// The places that were reported, with the variant.
    seen: BTreeSet<(&'static str, crate::terms::SourceId, u32)>,
    out: &'s mut Reporter<'o>,
}

impl<'a> Upgrade<'_, 'a, '_> {
    /// Whether the way from the old release to the new one leads past `change`.
    fn crosses(&self, change: Release) -> bool {
        self.from < change && change <= self.subject.circumstances.release
    }

    fn report(&mut self, variant: &'static str, span: Span, words: &[(&'static str, String)]) {
        if !self.seen.insert((variant, span.source, span.start)) {
            return;
        }
        // The same line's cause without a word of the old release.
        let case = Case::at(span)
            .variant(variant)
            .explains_rules(span, &["RSY309", "RSY335"])
            .with("from", self.from.to_string())
            .with("release", self.subject.circumstances.release.to_string());
        let case = words
            .iter()
            .fold(case, |case, (key, word)| case.with(key, word.as_str()));
        self.out.report(case);
    }

    /// Lines that the old release logged as unknown and ignored.
    fn new_parameters(&mut self) {
        for setting in &self.subject.configuration.settings {
            let facts = setting.parameter.facts();
            if self.crosses(facts.since) && matches!(setting.effect, Effect::Set(_) | Effect::Environment) {
                let words = [
                    ("parameter", facts.name.to_owned()),
                    ("since", facts.since.to_string()),
                ];
                self.report("new-parameter", setting.span(), &words);
            }
        }
    }

    fn chroot_default(&mut self) {
        let mut unset = self.subject.modules().filter(|module| {
            let is_set = module.boolean(Parameter::UseChroot).origin.setting().is_some();
            !is_set && !module.text(Parameter::Path).value.is_empty()
        });
        if let Some(module) = unset.next() {
            self.report("chroot-default", module.header(), &[("module", module.name())]);
        }
    }

    fn names_behind_chroot(&mut self) {
        let chroot = self
            .subject
            .configuration
            .text(Scope::Global, Parameter::DaemonChroot);
        let Some(setting) = chroot.origin.setting().filter(|_| !chroot.value.is_empty()) else {
            return;
        };
        let lists: Vec<&Setting> = self
            .subject
            .settings(&[Parameter::HostsAllow, Parameter::HostsDeny])
            .collect();
        if lists.iter().any(|list| !host_names(list).is_empty()) {
            self.report("names-behind-chroot", setting.span(), &[]);
        }
    }

    fn proxy(&mut self) {
        let proxy = self
            .subject
            .configuration
            .boolean(Scope::Global, Parameter::ProxyProtocol);
        let hosts = self
            .subject
            .configuration
            .text(Scope::Global, Parameter::ProxyProtocolHosts)
            .value;
        if let (Some(true), Some(setting), true) = (proxy.value, proxy.origin.setting(), hosts.is_empty()) {
            self.report("proxy", setting.span(), &[]);
        }
    }

    fn denied_names(&mut self) {
        for setting in self.subject.settings(&[Parameter::HostsDeny]) {
            for (name, span) in host_names(setting) {
                // Wildcards are compared with the peer's name and never looked up.
                if name.contains(['*', '?', '[']) {
                    continue;
                }
                self.report("denied-name", span, &[("name", name)]);
            }
        }
    }

    fn leading_commas(&mut self) {
        for setting in self.subject.settings(&[Parameter::AuthUsers]) {
            let commas_only = setting.text.bytes().first() == Some(&b',');
            let has_blank = || {
                let words = setting.text.conf_tokens();
                words
                    .iter()
                    .any(|word| word.bytes.iter().any(u8::is_ascii_whitespace))
            };
            if commas_only && has_blank() {
                self.report("leading-comma", setting.value_span(), &[]);
            }
        }
    }

    fn hook_variables(&mut self) {
        let hooks = [
            Parameter::EarlyExec,
            Parameter::PreXferExec,
            Parameter::PostXferExec,
            Parameter::NameConverter,
        ];
        for setting in self.subject.settings(&hooks) {
            if let Some((variable, span)) = daemon_variable(setting) {
                let words = [
                    ("parameter", setting.parameter.name().to_owned()),
                    ("plain", variable.trim_matches('%').to_owned()),
                    ("variable", variable),
                ];
                self.report("hook-variable", span, &words);
            }
        }
    }

    fn name_converters(&mut self) {
        for setting in self.subject.settings(&[Parameter::NameConverter]) {
            if !setting.text.is_empty() {
                self.report("name-converter", setting.span(), &[]);
            }
        }
    }

    fn short_logins(&mut self) {
        for setting in self.subject.settings(&[Parameter::Timeout]) {
            if let Effect::Set(Value::Integer(seconds @ 1..LONGEST_LOGIN)) = setting.effect {
                self.report("short-login", setting.span(), &[("seconds", seconds.to_string())]);
            }
        }
    }
}

/// The words of a list that are host names, with their places.
fn host_names(setting: &Setting) -> Vec<(String, Span)> {
    let tokens = setting.text.tokens(is_host_separator);
    tokens
        .filter(|token| AddressPattern::parse(token.bytes).is_none() && token.bytes.first() != Some(&b'@'))
        .map(|token| (token.display().into_owned(), setting.part(token.part)))
        .collect()
}

/// The first variable of a command that the daemon fills itself.
fn daemon_variable(setting: &Setting) -> Option<(String, Span)> {
    const START: &[u8] = b"%RSYNC_";
    let text = setting.text.bytes();
    let start = text.windows(START.len()).position(|part| part == START)?;
    let length = text[start + 1..].iter().position(|&byte| byte == b'%')?;
    let part = start..start + length + 2;
    let variable = String::from_utf8_lossy(&text[part.clone()]).into_owned();
    Some((variable, setting.part(part)))
}
