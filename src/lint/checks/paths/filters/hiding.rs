//! Rules of a module that fit every name, and so hide all that it has.

use std::collections::BTreeSet;

use crate::{
    lint::{
        checks::paths::filters::rule::rules,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Parameter, Setting, has_variable},
    rsync::filter::{CvsIgnores, FilterList, Purpose},
    terms::Span,
};

/// RSY523: nothing is served, however full the folder is.
pub(super) fn hides_all(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let Some(place) = hiding_all(&module) else {
            continue;
        };
        if seen.insert((place.source, place.start)) {
            let name = module.name();
            out.report(
                Case::at(place)
                    .variant("hidden")
                    .with("place", &*name)
                    .with("module", &*name),
            );
        }
    }
}

/// The rule by which every name of a module is hidden; none if one is left, or if that cannot be told from here: what shows
/// some names in front of it, and files with rules (`rsync_module` in clientserver.c reads the parameters in this order).
fn hiding_all(module: &ModuleSubject<'_>) -> Option<Span> {
    let set = |parameter| {
        let text = module.text(parameter);
        let setting: Option<&Setting> = text.origin.setting();
        setting.filter(|_| !text.value.is_empty())
    };
    let mut list = FilterList::new(CvsIgnores::default());
    if let Some(setting) = set(Parameter::Filter) {
        let text = setting.text.bytes();
        if has_variable(text) {
            return None;
        }
        for rule in rules(text) {
            let rule = rule.ok()?;
            match rule.kind {
                b'!' => list = FilterList::new(CvsIgnores::default()),
                b'-' | b'H' => {
                    list.filter(&text[rule.whole.clone()], &mut |_| Ok(Vec::new()))
                        .ok()?;
                    if fits_every_name(&list) {
                        return Some(setting.part(rule.whole));
                    }
                }
                // It says what is deleted.
                b'P' | b'R' => {}
                _ => return None,
            }
        }
    }
    if [Parameter::IncludeFrom, Parameter::Include, Parameter::ExcludeFrom]
        .into_iter()
        .any(|parameter| set(parameter).is_some())
    {
        return None;
    }
    let setting = set(Parameter::Exclude)?;
    for word in setting.text.tokens(|byte| byte.is_ascii_whitespace()) {
        match word.bytes {
            // Here, too, a sign and a blank may stand in front of a pattern.
            b"+" => return None,
            b"-" => continue,
            b"!" => list = FilterList::new(CvsIgnores::default()),
            pattern => list.pattern(pattern, false, &mut |_| Ok(Vec::new())).ok()?,
        }
        if fits_every_name(&list) {
            return Some(setting.part(word.part));
        }
    }
    None
}

/// Whether rules hide every file and folder at the top: names of each single byte, and of two, leave no pattern that fits
/// them all and not every other.
fn fits_every_name(list: &FilterList) -> bool {
    let is_hidden = |name: &[u8]| {
        let hides = |is_folder| list.excludes(name, is_folder, Purpose::Sending);
        hides(false) && hides(true)
    };
    let mut letters = (1..=u8::MAX).filter(|byte| *byte != b'/');
    letters.all(|byte| is_hidden(&[byte]) && is_hidden(&[byte, byte]))
}
