//! What stands there twice.

use std::collections::{BTreeSet, HashMap};

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Effect, Module, Parameter, Scope, parameter::Kind},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY207", duplicate_parameter),
    Check::configuration("RSY208", repeated_section),
    Check::configuration("RSY210", module_name_spelling),
];

/// RSY207: in one section the last line wins, for lists too. What a merged file sets may be set anew on purpose.
fn duplicate_parameter(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut last = HashMap::new();
    for setting in &subject.configuration.settings {
        if !matches!(setting.effect, Effect::Set(_) | Effect::Environment) {
            continue;
        }
        let key = (setting.source, setting.block, setting.parameter);
        let Some(earlier) = last.insert(key, setting) else {
            continue;
        };
        let variant = if earlier.bytes() == setting.bytes() {
            "same"
        } else if is_list(setting.parameter) {
            "list"
        } else {
            "other"
        };
        out.report(
            Case::at(earlier.span())
                .variant(variant)
                .also(setting.span(), "wins")
                .with("parameter", setting.parameter.name())
                .with("lost", earlier.text.display())
                .with("value", setting.text.display()),
        );
    }
}

fn is_list(parameter: Parameter) -> bool {
    use Parameter as P;
    matches!(
        parameter,
        P::AuthUsers
            | P::DontCompress
            | P::Exclude
            | P::Filter
            | P::HostsAllow
            | P::HostsDeny
            | P::Include
            | P::RefuseOptions
    ) && parameter.facts().kind == Kind::String
}

/// RSY208: the second block is the first module again, and what it sets wins.
fn repeated_section(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    each_repeated(subject, |module, header, settings| {
        if spelling(subject, header) == spelling(subject, module.header()) {
            out.report(continued(module, header, settings));
        }
    });
}

/// RSY210: two headers that differ by case or blanks are one module, which has the first spelling only.
fn module_name_spelling(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    each_repeated(subject, |module, header, settings| {
        let name = spelling(subject, header);
        if name != spelling(subject, module.header()) {
            out.report(continued(module, header, settings).with("name", name));
        }
    });
}

fn continued(module: &Module, header: Span, settings: String) -> Case {
    Case::at(header)
        .variant(if settings.is_empty() {
            "continued"
        } else {
            "changed"
        })
        .also(module.header(), "first")
        .with("module", module.name.display())
        .with("settings", settings)
}

/// Every header that continues a module, with the names of the parameters that it sets anew.
fn each_repeated(subject: &ConfigurationSubject<'_>, mut report: impl FnMut(&Module, Span, String)) {
    let configuration = subject.configuration;
    if configuration
        .modules
        .iter()
        .all(|module| module.headers.len() < 2)
    {
        return;
    }
    let mut blocks: HashMap<Span, BTreeSet<Parameter>> = HashMap::new();
    for setting in &configuration.settings {
        let block = &configuration.blocks[setting.block];
        if let (Scope::Module(_), Some(header)) = (block.scope, block.header) {
            blocks.entry(header).or_default().insert(setting.parameter);
        }
    }
    for module in &configuration.modules {
        let mut seen = BTreeSet::new();
        for (index, header) in module.headers.iter().enumerate() {
            let own = blocks.remove(header).unwrap_or_default();
            if index > 0 {
                let anew: Vec<_> = own
                    .intersection(&seen)
                    .map(|parameter| format!("`{}`", parameter.name()))
                    .collect();
                report(module, *header, anew.join(", "));
            }
            seen.extend(own);
        }
    }
}

/// The name in a header as a client would write it.
fn spelling(subject: &ConfigurationSubject<'_>, header: Span) -> String {
    let text = subject.sources.text(header);
    let words: Vec<_> = text.trim_matches(['[', ']']).split_whitespace().collect();
    words.join(" ")
}
