//! Names of parameters and modules.

use std::collections::{BTreeSet, HashMap};

use crate::{
    catalog::{Harm, Safety},
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, loosens},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Parameter, ProblemKind, Scope, Value,
        parameter::{Kind, fold},
    },
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY101", unknown_parameter),
    Check::configuration("RSY114", hash_in_module_name),
    Check::configuration("RSY115", parameter_too_new),
    Check::configuration("RSY219", renamed_module),
    Check::configuration("RSY228", bracket_in_module_name),
];

/// RSY101: rsyncd logs a name that it does not know and carries on, so a typo in `hosts allow` leaves the module
/// open to everyone.
fn unknown_parameter(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    // The same name may stand in every module.
    let mut known = HashMap::new();
    for problem in &subject.configuration.problems {
        let ProblemKind::UnknownParameter(name, value) = &problem.kind else {
            continue;
        };
        let case = Case::at(problem.span).with("name", name.display());
        if is_opposite_of_read_only(name.bytes()) {
            out.report(
                case.variant("opposite")
                    .harms(of_opposite(subject, problem.block, value.bytes()))
                    .with("nearest", Parameter::ReadOnly.name()),
            );
            continue;
        }
        if let Some((parameter, letter)) = lookalike(&name.display()) {
            out.report(
                case.variant("letter")
                    .harms(harm::of_loss(subject, problem.block, parameter, value.bytes()))
                    .with("letter", letter.to_string())
                    .with("code", format!("U+{:04X}", u32::from(letter)))
                    .with("nearest", parameter.name())
                    .fix(Safety::Unsafe, [Edit::replace(problem.span, parameter.name())]),
            );
            continue;
        }
        let meant = known.entry(name.bytes()).or_insert_with(|| meant(name.bytes()));
        let Some((parameter, variant)) = *meant else {
            out.report(case.variant("other"));
            continue;
        };
        let scope = subject.configuration.blocks[problem.block].scope;
        let is_guard = loosens::guards(subject.configuration, scope, parameter, value.bytes());
        let safety = match variant {
            "separator" => loosens::safety(parameter, value.bytes()),
            _ => Safety::Unsafe,
        };
        out.report(
            case.variant(match (variant, is_guard) {
                ("separator", true) => "separator-guard",
                ("wrong", true) => "wrong-guard",
                ("near", true) => "near-guard",
                _ => variant,
            })
            .harms(harm::of_loss(subject, problem.block, parameter, value.bytes()))
            .with("nearest", parameter.name())
            .fix(safety, [Edit::replace(problem.span, parameter.name())]),
        );
    }
}

/// Names of other programs, of which `yes` is what `read only = no` is here.
fn is_opposite_of_read_only(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [b"writable", b"writeable", b"writeok", b"readwrite"];
    NAMES.iter().any(|known| fold(name).eq(fold(known)))
}

/// What `writable = yes` was to be, `read only = no` is.
fn of_opposite(subject: &ConfigurationSubject<'_>, block: usize, value: &[u8]) -> BTreeSet<Harm> {
    match Value::read(Kind::Boolean, value) {
        Some(Value::Boolean(true)) => harm::of_loss(subject, block, Parameter::ReadOnly, b"no"),
        _ => BTreeSet::new(),
    }
}

/// The parameter that a name looks like, but for letters of another alphabet, and the first such letter.
fn lookalike(name: &str) -> Option<(Parameter, char)> {
    let letter = name.chars().find(|letter| !letter.is_ascii())?;
    let foreign = name.chars().filter(|letter| !letter.is_ascii()).count();
    let length = name.chars().count();
    let is_like = |parameter: &Parameter| {
        let known = parameter.name();
        known.len() == length
            && known
                .chars()
                .zip(name.chars())
                .all(|(known, letter)| !letter.is_ascii() || known == letter.to_ascii_lowercase())
    };
    let parameter = Parameter::all().find(is_like)?;
    (letter.is_alphabetic() && 2 * foreign <= length).then_some((parameter, letter))
}

/// The parameter that is most likely meant, and how the name differs: blanks written as `_` or `-`, a name that
/// people often write, or one that is a few letters away.
fn meant(name: &[u8]) -> Option<(Parameter, &'static str)> {
    let as_blanks = String::from_utf8_lossy(name)
        .to_lowercase()
        .replace(['_', '-'], " ");
    if let Some(parameter) = with_other_separators(&as_blanks) {
        return Some((parameter, "separator"));
    }
    if let Some(parameter) = Parameter::meant_by(name) {
        return Some((parameter, "wrong"));
    }
    let length = as_blanks.chars().count();
    // Texts are at least as far apart as their lengths are.
    Parameter::all()
        .filter(|parameter| parameter.name().len().abs_diff(length) <= farthest(*parameter))
        .map(|parameter| {
            (
                strsim::damerau_levenshtein(parameter.name(), &as_blanks),
                parameter,
            )
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, parameter)| *distance <= farthest(*parameter))
        .map(|(_, parameter)| (parameter, "near"))
}

/// The parameter that is spelled so, but for what parts its words.
fn with_other_separators(name: &str) -> Option<Parameter> {
    let plain = |name: &str| name.replace(['-', ' '], "");
    let spelled = plain(name);
    Parameter::all().find(|parameter| plain(parameter.name()) == spelled)
}

/// The parameter that a name means without a doubt, whether rsync knows the name or not.
pub(super) fn spelled(name: &[u8]) -> Option<Parameter> {
    let (parameter, variant) = meant(name)?;
    (variant != "near").then_some(parameter)
}

/// RSY114: what a client sends with a `#` in front is a command, so the module can be listed and never used.
fn hash_in_module_name(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let name = module.name();
        if name.starts_with('#') {
            out.report(Case::at(module.header()).with("module", name));
        }
    }
}

/// RSY228: the name of a header ends at the first `]`, and everything in front of it belongs to it.
fn bracket_in_module_name(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let name = module.name();
        if let Some(inner) = name.strip_prefix('[').filter(|inner| !inner.is_empty()) {
            let inner = inner.trim_start_matches('[').to_owned();
            out.report(
                Case::at(module.header())
                    .with("module", name)
                    .with("inner", inner),
            );
        }
    }
}

/// RSY115: to an older rsync the parameter is one more unknown name.
fn parameter_too_new(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for problem in &subject.configuration.problems {
        if let ProblemKind::TooNew(parameter) = &problem.kind {
            out.report(
                Case::at(problem.span)
                    .with("parameter", parameter.name())
                    .with("since", parameter.facts().since.to_string())
                    .with("release", subject.configuration.release.to_string()),
            );
        }
    }
}

/// RSY219: `name` is in no manual; it changes what a client must ask for.
fn renamed_module(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let blocks = &subject.configuration.blocks;
    for setting in subject.settings(&[Parameter::Name]) {
        let block = &blocks[setting.block];
        let (Scope::Module(_), Some(header)) = (block.scope, block.header) else {
            continue;
        };
        let old = subject.sources.text(header);
        let old = old.trim_matches(['[', ']']).trim().to_owned();
        if old == setting.text.display() {
            continue;
        }
        out.report(
            Case::at(setting.span())
                .also(header, "header")
                .with("module", old)
                .with("name", setting.text.display()),
        );
    }
}

/// How many letters may be wrong in the name of a parameter that is meant.
fn farthest(parameter: Parameter) -> usize {
    parameter.name().len() / 4
}
