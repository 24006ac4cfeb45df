//! What counts while sersync runs: the first tree, and what its switches turn on.

use super::{
    Auth, Configuration, Crontab, Entry, FailLog, Filter, Inotify, LocalPath, Plugin, PluginBlock, Rsync,
    Setting, SwitchedValue,
};

/// Whether the value of a switch is `true`, or was plainly to mean it: sersync takes `True`, `yes`, `on` and `1` for
/// off (observed with 2.5.4).
pub fn is_meant_on(value: &[u8]) -> bool {
    let word = value.trim_ascii().to_ascii_lowercase();
    matches!(&word[..], b"true" | b"yes" | b"on" | b"1")
}

impl Setting {
    /// Whether a switch is on, or was plainly to be on.
    pub fn is_meant_on(&self) -> bool {
        is_meant_on(self.value.bytes())
    }
}

impl Filter {
    /// Whether it is there to filter: its switch is on, or was plainly to be on.
    pub fn is_meant_on(&self) -> bool {
        self.start.as_ref().is_some_and(Setting::is_meant_on)
    }

    /// Its expressions.
    pub fn values(&self) -> impl Iterator<Item = &Setting> {
        self.expressions.iter().filter_map(|entry| entry.setting.as_ref())
    }
}

impl Configuration {
    /// The tree that is watched: the first (observed with 2.5.4).
    pub fn localpath(&self) -> Option<&LocalPath> {
        self.sersync.as_ref()?.localpaths.first()
    }

    /// `inotify`.
    pub fn inotify(&self) -> Option<&Inotify> {
        self.inotify.as_ref()
    }

    /// `rsync`.
    pub fn rsync(&self) -> Option<&Rsync> {
        self.sersync.as_ref()?.rsync.as_ref()
    }

    /// `rsync/commonParams/@params`.
    pub fn params(&self) -> Option<&Setting> {
        self.rsync()?.common_params.as_ref()?.setting.as_ref()
    }

    /// `rsync/auth`, on or off.
    pub fn auth(&self) -> Option<&Auth> {
        self.rsync()?.auth.as_ref()
    }

    /// `rsync/auth`, if it is on.
    pub fn active_auth(&self) -> Option<&Auth> {
        self.auth().filter(|auth| super::is_on(&auth.start))
    }

    /// `rsync/userDefinedPort`, if it is on.
    pub fn active_port(&self) -> Option<&SwitchedValue> {
        let port = self.rsync()?.user_defined_port.as_ref()?;
        super::is_on(&port.start).then_some(port)
    }

    /// `rsync/timeout`, on or off.
    pub fn timeout(&self) -> Option<&SwitchedValue> {
        self.rsync()?.timeout.as_ref()
    }

    /// The switch of `rsync/ssh`, if it is on.
    pub fn active_ssh(&self) -> Option<&Setting> {
        let ssh = self.rsync()?.ssh.as_ref()?.setting.as_ref()?;
        ssh.is_on().then_some(ssh)
    }

    /// `failLog`.
    pub fn fail_log(&self) -> Option<&FailLog> {
        self.sersync.as_ref()?.fail_log.as_ref()
    }

    /// `crontab`, if it is on.
    pub fn active_crontab(&self) -> Option<&Crontab> {
        let crontab = self.sersync.as_ref()?.crontab.as_ref()?;
        super::is_on(&crontab.start).then_some(crontab)
    }

    /// `sersync/plugin`, if it is on.
    pub fn active_plugin(&self) -> Option<&Plugin> {
        let plugin = self.sersync.as_ref()?.plugin.as_ref()?;
        super::is_on(&plugin.start).then_some(plugin)
    }

    /// What the plugin that is on does: the first block of its name.
    pub fn plugin_block(&self) -> Option<&PluginBlock> {
        let name = self.active_plugin()?.name.as_ref()?;
        self.plugins.iter().find(|block| {
            let own = block.name.as_ref();
            own.is_some_and(|own| own.value.bytes() == name.value.bytes())
        })
    }

    /// Whether something is removed from the target at all.
    pub fn deletes(&self) -> bool {
        let delete = self.inotify().and_then(|inotify| inotify.delete.as_ref());
        delete.is_some_and(Entry::is_on)
    }
}
