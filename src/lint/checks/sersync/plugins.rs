//! `plugin`: what runs after each push.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::Setting,
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY932", plugin_replaces_watch),
    Check::sersync("RSY933", plugin_runs_shell),
    Check::sersync("RSY934", unknown_plugin),
];

/// RSY932: `socket` and `refreshCDN` bring a tree of their own.
fn plugin_replaces_watch(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let is_one = |name: &[u8]| name == b"socket" || name == b"refreshCDN";
    let Some(plugin) = active(subject).filter(|name| is_one(name.value.bytes())) else {
        return;
    };
    let block = subject.configuration.plugin_block();
    let own = block.and_then(|block| block.localpath.as_ref()?.watch.as_ref());
    let watch = subject
        .configuration
        .localpath()
        .and_then(|path| path.watch.as_ref());
    if let (Some(own), Some(watch)) = (own, watch)
        && tree(own) != tree(watch)
    {
        out.report(
            Case::at(subject.value(own))
                .also(subject.value(watch), "watch")
                .with("plugin", plugin.value.display())
                .with("own", own.value.display())
                .with("watch", watch.value.display()),
        );
    }
}

/// RSY933: the path stands in a shell's command line as it is.
fn plugin_runs_shell(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if let Some(plugin) = active(subject).filter(|name| name.value.bytes() == b"command") {
        let block = subject.configuration.plugin_block();
        let prefix = block.and_then(|block| block.command.as_ref()?.prefix.as_ref());
        let prefix = prefix.map(|prefix| prefix.value.display().into_owned());
        out.report(Case::at(subject.value(plugin)).with("prefix", prefix.unwrap_or_default()));
    }
}

/// RSY934: sersync ends where it does not know the plugin.
fn unknown_plugin(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let is_known = |name: &[u8]| matches!(name, b"command" | b"socket" | b"refreshCDN");
    if let Some(plugin) = active(subject).filter(|name| !is_known(name.value.bytes())) {
        out.report(Case::at(subject.value(plugin)).with("plugin", plugin.value.display()));
    }
}

/// The name of the plugin that is on.
fn active<'a>(subject: &SersyncSubject<'a>) -> Option<&'a Setting> {
    subject.configuration.active_plugin()?.name.as_ref()
}

/// sersync cuts one slash off a tree.
fn tree(watch: &Setting) -> &[u8] {
    let bytes = watch.value.bytes();
    bytes.strip_suffix(b"/").unwrap_or(bytes)
}
