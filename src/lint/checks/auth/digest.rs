//! What a password is worth on its way and at rest: `auth digest` and `strict modes`.

use std::collections::HashSet;

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::Parameter,
    terms::Release,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY331", unknown_digest),
    Check::configuration("RSY332", weak_digest),
    Check::configuration("RSY333", strict_modes_off),
];

/// `valid_auth_checksums_items` in checksum.c, the strongest first.
const DIGESTS: [&str; 5] = ["sha512", "sha256", "sha1", "md5", "md4"];

/// RSY331: a name that rsync does not know locks everybody out (`auth_server` in authenticate.c).
fn unknown_digest(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let digest = module.text(Parameter::AuthDigest);
        let is_known = DIGESTS
            .iter()
            .any(|known| digest.value.eq_ignore_ascii_case(known.as_bytes()));
        if let Some(setting) = digest.origin.setting()
            && !is_known
            && !digest.value.is_empty()
            && module.has(Parameter::AuthUsers)
            && seen.insert(setting.span())
        {
            out.report(
                Case::at(setting.value_span())
                    .with("value", setting.text.display())
                    .with("module", module.name()),
            );
        }
    }
}

/// RSY332: a client may choose md5 or md4, by its age or by its will.
fn weak_digest(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if subject.circumstances.release < Release::new(3, 5, 0) {
        return;
    }
    let mut seen = HashSet::new();
    let mut absent = None;
    for module in subject.modules() {
        let users = module.text(Parameter::AuthUsers);
        let Some(asking) = users.origin.setting().filter(|_| !users.value.is_empty()) else {
            continue;
        };
        let digest = module.text(Parameter::AuthDigest);
        match digest.origin.setting().filter(|_| !digest.value.is_empty()) {
            None => absent = absent.or(Some(asking)),
            Some(setting) => {
                let is_weak = ["md5", "md4"]
                    .iter()
                    .any(|weak| digest.value.eq_ignore_ascii_case(weak.as_bytes()));
                if is_weak && seen.insert(setting.span()) {
                    out.report(
                        Case::at(setting.value_span())
                            .variant("weak")
                            .with("value", setting.text.display()),
                    );
                }
            }
        }
    }
    // It is the same everywhere: the first place tells enough.
    if let Some(asking) = absent {
        out.report(Case::at(asking.span()).variant("absent"));
    }
}

/// RSY333: the daemon no longer looks who may read the passwords.
fn strict_modes_off(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let strict = module.boolean(Parameter::StrictModes);
        if let Some(setting) = strict.origin.setting()
            && strict.value == Some(false)
            && module.has(Parameter::AuthUsers)
            && seen.insert(setting.span())
        {
            out.report(Case::at(setting.span()));
        }
    }
}
