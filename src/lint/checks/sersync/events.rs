//! `inotify` and `fileSystem`: which changes are seen.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::{Entry, Inotify, Setting},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY911", create_folder_off),
    Check::sersync("RSY912", attribute_events_on),
    Check::sersync("RSY913", create_file_off),
    Check::sersync("RSY914", write_or_move_events_off),
    Check::sersync("RSY915", move_and_delete_disagree),
    Check::sersync("RSY916", modify_events_on),
    Check::sersync("RSY931", follows_links),
    Check::sersync("RSY939", hidden_files_never_pushed),
];

/// RSY911: the event of a new folder is dropped before the folder is watched.
fn create_folder_off(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if let Some(off) = off(subject, |inotify| &inotify.create_folder) {
        out.report(Case::at(subject.value(off)));
    }
}

/// RSY912: a folder whose attributes change is taken for a deleted one.
fn attribute_events_on(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if let Some(on) = on(subject, |inotify| &inotify.attrib) {
        out.report(Case::at(subject.value(on)));
    }
}

/// RSY913: what is new and never written to gives no other event.
fn create_file_off(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if let Some(off) = off(subject, |inotify| &inotify.create_file) {
        out.report(Case::at(subject.value(off)));
    }
}

/// RSY914: without these events the ordinary ways to save a file are not seen.
fn write_or_move_events_off(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let modifies = on(subject, |inotify| &inotify.modify).is_some();
    if let Some(off) = off(subject, |inotify| &inotify.close_write).filter(|_| !modifies) {
        out.report(Case::at(subject.value(off)).variant("write"));
    }
    if let Some(off) = off(subject, |inotify| &inotify.move_to) {
        out.report(Case::at(subject.value(off)).variant("move"));
    }
}

/// RSY915: a rename is a deletion of the old name; one switch without the other leaves that name on the target.
fn move_and_delete_disagree(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some((place, from)) = switch(subject, |inotify| &inotify.move_from) else {
        return;
    };
    let Some((other, delete)) = switch(subject, |inotify| &inotify.delete) else {
        return;
    };
    let case = Case::at(place).also(other, "delete");
    match (from.is_meant_on(), delete.is_meant_on()) {
        (true, false) => out.report(case.variant("move-only")),
        (false, true) => out.report(case.variant("delete-only")),
        _ => {}
    }
}

/// RSY916: each single `write` is an event.
fn modify_events_on(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if let Some(on) = on(subject, |inotify| &inotify.modify) {
        out.report(Case::at(subject.value(on)));
    }
}

/// RSY931: folders are looked for with `stat`, which goes through links.
fn follows_links(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let setting = subject.configuration.file_system.as_ref();
    if let Some(xfs) = setting.and_then(|entry| entry.setting.as_ref())
        && xfs.is_on()
    {
        out.report(Case::at(subject.value(xfs)));
    }
}

/// RSY939: no event of a hidden file is pushed, whatever the switches say; only a full push
/// brings them. Once a file.
fn hidden_files_never_pushed(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if subject.configuration.active_crontab().is_some() {
        return;
    }
    let path = subject.configuration.localpath();
    if let Some(watch) = path.and_then(|path| path.watch.as_ref()) {
        out.report(Case::at(subject.value(watch)).with("watch", watch.value.display()));
    }
}

fn switch<'a>(
    subject: &SersyncSubject<'a>,
    event: impl FnOnce(&'a Inotify) -> &'a Option<Entry>,
) -> Option<(Span, &'a Setting)> {
    let setting = event(subject.configuration.inotify()?)
        .as_ref()?
        .setting
        .as_ref()?;
    Some((subject.value(setting), setting))
}

/// The switch of an event, if it is on.
fn on<'a>(
    subject: &SersyncSubject<'a>,
    event: impl FnOnce(&'a Inotify) -> &'a Option<Entry>,
) -> Option<&'a Setting> {
    switch(subject, event)
        .map(|(_, setting)| setting)
        .filter(|setting| setting.is_on())
}

/// The switch of an event, if it is off. One that was plainly to be on has a rule of its own.
fn off<'a>(
    subject: &SersyncSubject<'a>,
    event: impl FnOnce(&'a Inotify) -> &'a Option<Entry>,
) -> Option<&'a Setting> {
    switch(subject, event)
        .map(|(_, setting)| setting)
        .filter(|setting| !setting.is_meant_on())
}
