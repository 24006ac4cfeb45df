use super::{
    Auth, CdnInfo, Command, Configuration, Crontab, Destination, Entry, FailLog, Filter, Host, Inotify,
    LocalPath, Plugin, PluginBlock, PluginPath, RegexUrl, Remote, Rsync, Sersync, SwitchedValue,
    block::{
        Block,
        Need::{self, Mandatory, Optional},
        Reader,
    },
    is_on,
};
use crate::syntax::sersync::{Element, parse_part};

/// Reads `head`, all but what the reader finds missing or left over.
pub(super) fn head<'a>(reader: &mut Reader<'a>, head: &mut Block<'a>) -> Configuration {
    Configuration {
        head: Some(head.place()),
        version: reader.attribute(head, "version", Optional),
        host: reader.element(head, "host", Mandatory, |reader, host| Host {
            place: host.place(),
            hostip: reader.attribute(host, "hostip", Mandatory),
            port: reader.attribute(host, "port", Mandatory),
        }),
        debug: entry(reader, head, "debug", "start", Mandatory),
        file_system: entry(reader, head, "fileSystem", "xfs", Mandatory),
        filter: reader.element(head, "filter", Mandatory, |reader, block| {
            filter(reader, block, "exclude", Mandatory)
        }),
        inotify: reader.element(head, "inotify", Mandatory, inotify),
        sersync: reader.element(head, "sersync", Mandatory, sersync),
        plugins: reader.elements(head, "plugin", Optional, |reader, block, _| {
            plugin_block(reader, block)
        }),
        ..Configuration::default()
    }
}

fn inotify<'a>(reader: &mut Reader<'a>, inotify: &mut Block<'a>) -> Inotify {
    let mut switch = |name| entry(reader, inotify, name, "start", Mandatory);
    Inotify {
        delete: switch("delete"),
        create_folder: switch("createFolder"),
        create_file: switch("createFile"),
        close_write: switch("closeWrite"),
        move_from: switch("moveFrom"),
        move_to: switch("moveTo"),
        attrib: switch("attrib"),
        modify: switch("modify"),
        place: inotify.place(),
    }
}

fn sersync<'a>(reader: &mut Reader<'a>, sersync: &mut Block<'a>) -> Sersync {
    Sersync {
        place: sersync.place(),
        localpaths: reader.elements(sersync, "localpath", Mandatory, localpath),
        rsync: reader.element(sersync, "rsync", Mandatory, rsync),
        fail_log: reader.element(sersync, "failLog", Mandatory, |reader, log| FailLog {
            place: log.place(),
            path: reader.attribute(log, "path", Mandatory),
            time_to_execute: reader.attribute(log, "timeToExecute", Mandatory),
        }),
        crontab: reader.element(sersync, "crontab", Mandatory, crontab),
        plugin: reader.element(sersync, "plugin", Mandatory, |reader, plugin| {
            let start = reader.attribute(plugin, "start", Mandatory);
            let name = reader.attribute(plugin, "name", Mandatory.when(is_on(&start)));
            Plugin {
                place: plugin.place(),
                start,
                name,
            }
        }),
    }
}

fn localpath<'a>(reader: &mut Reader<'a>, localpath: &mut Block<'a>, index: usize) -> LocalPath {
    let need = Mandatory.when(index == 0);
    LocalPath {
        place: localpath.place(),
        watch: reader.attribute(localpath, "watch", need),
        remotes: reader.elements(localpath, "remote", Optional, |reader, block, _| {
            remote(reader, block, need)
        }),
        commented_out: commented_out_remotes(reader, localpath.element),
    }
}

fn remote<'a>(reader: &mut Reader<'a>, remote: &mut Block<'a>, need: Need) -> Remote {
    Remote {
        place: remote.place(),
        ip: reader.attribute(remote, "ip", need),
        name: reader.attribute(remote, "name", need),
    }
}

fn commented_out_remotes(reader: &Reader<'_>, localpath: &Element) -> Vec<Remote> {
    let mut remotes = Vec::new();
    for comment in reader.document.comments(localpath) {
        let document = parse_part(reader.file, comment);
        let mut reader = Reader::new(&document, reader.file);
        let elements = document.top_level().filter(|element| element.is("remote"));
        remotes.extend(
            elements.map(|element| reader.block(element, |reader, block| remote(reader, block, Optional))),
        );
    }
    remotes
}

fn rsync<'a>(reader: &mut Reader<'a>, rsync: &mut Block<'a>) -> Rsync {
    Rsync {
        place: rsync.place(),
        common_params: entry(reader, rsync, "commonParams", "params", Mandatory),
        auth: reader.element(rsync, "auth", Mandatory, |reader, auth| {
            let start = reader.attribute(auth, "start", Mandatory);
            let need = Mandatory.when(is_on(&start));
            Auth {
                place: auth.place(),
                start,
                users: reader.attribute(auth, "users", need),
                passwordfile: reader.attribute(auth, "passwordfile", need),
            }
        }),
        user_defined_port: switched_value(reader, rsync, "userDefinedPort", "port"),
        timeout: switched_value(reader, rsync, "timeout", "time"),
        ssh: entry(reader, rsync, "ssh", "start", Mandatory),
    }
}

fn switched_value<'a>(
    reader: &mut Reader<'a>,
    parent: &mut Block<'a>,
    name: &'static str,
    value: &'static str,
) -> Option<SwitchedValue> {
    reader.element(parent, name, Mandatory, |reader, block| {
        let start = reader.attribute(block, "start", Mandatory);
        let value = reader.attribute(block, value, Mandatory.when(is_on(&start)));
        SwitchedValue {
            place: block.place(),
            start,
            value,
        }
    })
}

fn crontab<'a>(reader: &mut Reader<'a>, crontab: &mut Block<'a>) -> Crontab {
    let start = reader.attribute(crontab, "start", Mandatory);
    let need = Mandatory.when(is_on(&start));
    Crontab {
        place: crontab.place(),
        start,
        schedule: reader.attribute(crontab, "schedule", need),
        filter: reader.element(crontab, "crontabfilter", need, |reader, block| {
            filter(reader, block, "exclude", need)
        }),
    }
}

fn plugin_block<'a>(reader: &mut Reader<'a>, plugin: &mut Block<'a>) -> PluginBlock {
    PluginBlock {
        place: plugin.place(),
        name: reader.attribute(plugin, "name", Optional),
        command: reader.element(plugin, "param", Optional, |reader, param| Command {
            place: param.place(),
            prefix: reader.attribute(param, "prefix", Optional),
            suffix: reader.attribute(param, "suffix", Optional),
            ignore_error: reader.attribute(param, "ignoreError", Optional),
        }),
        filter: reader.element(plugin, "filter", Optional, |reader, block| {
            filter(reader, block, "include", Optional)
        }),
        localpath: reader.element(plugin, "localpath", Optional, plugin_path),
    }
}

fn plugin_path<'a>(reader: &mut Reader<'a>, localpath: &mut Block<'a>) -> PluginPath {
    PluginPath {
        place: localpath.place(),
        watch: reader.attribute(localpath, "watch", Optional),
        destination: reader.element(localpath, "deshost", Optional, |reader, host| Destination {
            place: host.place(),
            ip: reader.attribute(host, "ip", Optional),
            port: reader.attribute(host, "port", Optional),
        }),
        cdn_info: reader.element(localpath, "cdninfo", Optional, |reader, info| CdnInfo {
            place: info.place(),
            domainname: reader.attribute(info, "domainname", Optional),
            port: reader.attribute(info, "port", Optional),
            username: reader.attribute(info, "username", Optional),
            passwd: reader
                .attribute(info, "passwd", Optional)
                .map(|passwd| passwd.range),
        }),
        send_url: entry(reader, localpath, "sendurl", "base", Optional),
        regex_url: reader.element(localpath, "regexurl", Optional, |reader, url| RegexUrl {
            place: url.place(),
            regex: reader.attribute(url, "regex", Optional),
            pattern: reader.attribute(url, "match", Optional),
        }),
    }
}

/// `need` is that of `@start`; the expressions are needed only if it is on.
fn filter<'a>(
    reader: &mut Reader<'a>,
    filter: &mut Block<'a>,
    expression: &'static str,
    need: Need,
) -> Filter {
    let start = reader.attribute(filter, "start", need);
    let need = need.when(is_on(&start));
    Filter {
        place: filter.place(),
        start,
        expressions: reader.elements(filter, expression, Optional, |reader, block, _| Entry {
            place: block.place(),
            setting: reader.attribute(block, "expression", need),
        }),
    }
}

/// The first element called `name`, of which sersync reads one attribute.
fn entry<'a>(
    reader: &mut Reader<'a>,
    parent: &mut Block<'a>,
    name: &'static str,
    attribute: &'static str,
    need: Need,
) -> Option<Entry> {
    reader.element(parent, name, need, |reader, block| Entry {
        place: block.place(),
        setting: reader.attribute(block, attribute, need),
    })
}
