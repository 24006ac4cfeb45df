//! Lines of units that systemd does not read as they are meant.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::ServicesSubject,
    },
    model::service::{Setting, Unit, home_of, is_directive, nearest_directive},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY728", directive_out_of_place),
    Check::services("RSY729", note_behind_directive),
];

/// Texts for people, in which `#` may stand.
const PROSE: [&[u8]; 4] = [b"Description", b"Documentation", b"Environment", b"Alias"];

/// RSY728: a name that the section does not have is logged and ignored.
fn directive_out_of_place(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for setting in settings(subject) {
        let name = setting.name.display().into_owned();
        let section = String::from_utf8_lossy(&setting.section).into_owned();
        let is_ours = matches!(&*section, "" | "Unit" | "Service" | "Socket" | "Install");
        if !is_ours || name.starts_with("X-") || is_directive(&section, &name) {
            continue;
        }
        let span = Span::new(setting.source, setting.name.range());
        let case = || {
            Case::at(span)
                .with("name", name.clone())
                .with("section", section.clone())
        };
        if section.is_empty() {
            out.report(case().variant("outside"));
        } else if let Some(home) = home_of(&name) {
            out.report(case().variant("section").with("home", home));
        } else if let Some(like) = nearest_directive(&section, &name) {
            out.report(case().with("like", like));
        }
    }
}

/// RSY729: a comment stands on a line of its own.
fn note_behind_directive(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for setting in settings(subject) {
        let value = setting.value.bytes();
        if PROSE.contains(&setting.name.bytes()) {
            continue;
        }
        let Some(note) = value
            .windows(2)
            .position(|pair| pair[0].is_ascii_whitespace() && pair[1] == b'#')
        else {
            continue;
        };
        let is_command = setting.name.bytes().starts_with(b"Exec");
        let place = setting.value.range_of(note + 1..value.len());
        let case = Case::at(Span::new(setting.source, place))
            .with("name", setting.name.display())
            .with("value", String::from_utf8_lossy(value[..note].trim_ascii_end()));
        out.report(if is_command { case.variant("command") } else { case });
    }
}

fn settings<'a>(subject: &ServicesSubject<'a>) -> impl Iterator<Item = &'a Setting> + use<'a> {
    let units = subject.services.units.iter().map(|unit| &unit.unit);
    units.flat_map(|unit: &Unit| &unit.settings)
}
