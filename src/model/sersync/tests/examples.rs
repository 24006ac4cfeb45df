//! The example files, and what is said of them.

use super::super::*;
use crate::syntax::sersync::{Trouble, parse};

pub(super) fn read(file: &str) -> Configuration {
    Configuration::read(&parse(file.as_bytes()), file.as_bytes())
}

/// What is absent, as `element/child` or `element/@attribute`.
pub(super) fn missing(configuration: &Configuration) -> Vec<String> {
    let missing = configuration.missing.iter();
    missing
        .map(|missing| {
            let at = match missing.part {
                Part::Element => "",
                Part::Attribute => "@",
            };
            format!("{}/{at}{}", missing.within.name.display(), missing.name)
        })
        .collect()
}

pub(super) fn ignored<'a>(configuration: &Configuration, file: &'a str) -> Vec<(Reason, &'a str)> {
    let ignored = configuration.ignored.iter();
    ignored
        .map(|ignored| (ignored.reason, &file[ignored.range.clone()]))
        .collect()
}

fn values(settings: &[&Option<Setting>]) -> Vec<String> {
    settings
        .iter()
        .map(|setting| {
            setting
                .as_ref()
                .map_or_else(|| "none".to_owned(), |s| s.value.display().into_owned())
        })
        .collect()
}

pub(super) const CORRECT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<head version="2.5">
    <host hostip="localhost" port="8008"/>
    <debug start="false"/>
    <fileSystem xfs="false"/>
    <filter start="true">
        <exclude expression="(^|.*/)\.git(/.*)?"/>
        <exclude expression="(.*)\.tmp"/>
    </filter>
    <inotify>
        <delete start="true"/>
        <createFolder start="true"/>
        <createFile start="true"/>
        <closeWrite start="true"/>
        <moveFrom start="true"/>
        <moveTo start="true"/>
        <attrib start="false"/>
        <modify start="false"/>
    </inotify>
    <sersync>
        <localpath watch="/srv/www/site">
            <remote ip="192.0.2.21" name="site"/>
            <!--<remote ip="192.0.2.22" name="site"/>-->
        </localpath>
        <rsync>
            <commonParams params="-az --contimeout=10"/>
            <auth start="true" users="push" passwordfile="/etc/sersync/push.pass"/>
            <userDefinedPort start="false" port="873"/>
            <timeout start="true" time="60"/>
            <ssh start="false"/>
        </rsync>
        <failLog path="/var/lib/sersync/rsync_fail_log.sh" timeToExecute="5"/>
        <crontab start="true" schedule="360">
            <crontabfilter start="true">
                <exclude expression=".git/"/>
                <exclude expression="*.tmp"/>
            </crontabfilter>
        </crontab>
        <plugin start="false" name="command"/>
    </sersync>
    <plugin name="command">
        <param prefix="/bin/sh" suffix="" ignoreError="true"/>
        <filter start="false"><include expression="(.*)\.php"/></filter>
    </plugin>
    <plugin name="socket">
        <localpath watch="/srv/www"><deshost ip="192.0.2.30" port="8009"/></localpath>
    </plugin>
    <plugin name="refreshCDN">
        <localpath watch="/srv/cdn">
            <cdninfo domainname="cdn.example" port="80" username="user" passwd="not-a-password"/>
            <sendurl base="http://www.example/"/>
            <regexurl regex="false" match="site([/a-z]*)"/>
        </localpath>
    </plugin>
</head>
"#;

#[test]
fn every_setting_of_a_correct_file_is_read() {
    let document = parse(CORRECT.as_bytes());
    assert_eq!(document.problems, []);
    let configuration = Configuration::read(&document, CORRECT.as_bytes());
    assert_eq!(missing(&configuration), [""; 0]);
    assert_eq!(ignored(&configuration, CORRECT), []);

    let host = configuration.host.unwrap();
    assert_eq!(
        values(&[&configuration.version, &host.hostip, &host.port]),
        ["2.5", "localhost", "8008"]
    );
    assert!(!configuration.debug.unwrap().is_on());
    assert!(!configuration.file_system.unwrap().is_on());
    let filter = configuration.filter.unwrap();
    let expressions = |filter: &Filter| {
        let settings: Vec<_> = filter.expressions.iter().map(|e| &e.setting).collect();
        values(&settings)
    };
    assert!(filter.start.as_ref().unwrap().is_on());
    assert_eq!(expressions(&filter), [r"(^|.*/)\.git(/.*)?", r"(.*)\.tmp"]);
    let inotify = configuration.inotify.unwrap();
    let switches = [
        inotify.delete,
        inotify.create_folder,
        inotify.create_file,
        inotify.close_write,
        inotify.move_from,
        inotify.move_to,
        inotify.attrib,
        inotify.modify,
    ];
    let on: Vec<_> = switches.iter().flatten().map(Entry::is_on).collect();
    assert_eq!(on, [true, true, true, true, true, true, false, false]);

    let sersync = configuration.sersync.unwrap();
    let [localpath] = sersync.localpaths.as_slice() else {
        panic!("{:?}", sersync.localpaths);
    };
    let (remote, inactive) = (&localpath.remotes[0], &localpath.commented_out[0]);
    assert_eq!((localpath.remotes.len(), localpath.commented_out.len()), (1, 1));
    assert_eq!(
        values(&[&localpath.watch, &remote.ip, &remote.name, &inactive.ip]),
        ["/srv/www/site", "192.0.2.21", "site", "192.0.2.22"]
    );
    assert_eq!(
        &CORRECT[inactive.place.range.clone()],
        r#"<remote ip="192.0.2.22" name="site"/>"#
    );
    let rsync = sersync.rsync.unwrap();
    let (auth, port, timeout) = (
        rsync.auth.unwrap(),
        rsync.user_defined_port.unwrap(),
        rsync.timeout.unwrap(),
    );
    assert_eq!(
        values(&[
            &rsync.common_params.unwrap().setting,
            &auth.start,
            &auth.users,
            &auth.passwordfile
        ]),
        ["-az --contimeout=10", "true", "push", "/etc/sersync/push.pass"]
    );
    assert_eq!(
        values(&[&port.start, &port.value, &timeout.start, &timeout.value]),
        ["false", "873", "true", "60"]
    );
    assert!(!rsync.ssh.unwrap().is_on());
    let (log, crontab, plugin) = (
        sersync.fail_log.unwrap(),
        sersync.crontab.unwrap(),
        sersync.plugin.unwrap(),
    );
    assert_eq!(
        values(&[&log.path, &log.time_to_execute, &crontab.start, &crontab.schedule]),
        ["/var/lib/sersync/rsync_fail_log.sh", "5", "true", "360"]
    );
    assert_eq!(expressions(&crontab.filter.unwrap()), [".git/", "*.tmp"]);
    assert_eq!(values(&[&plugin.start, &plugin.name]), ["false", "command"]);

    let [command, socket, cdn] = configuration.plugins.as_slice() else {
        panic!("{:?}", configuration.plugins);
    };
    assert_eq!(
        values(&[&command.name, &socket.name, &cdn.name]),
        ["command", "socket", "refreshCDN"]
    );
    let param = command.command.as_ref().unwrap();
    assert_eq!(
        values(&[&param.prefix, &param.suffix, &param.ignore_error]),
        ["/bin/sh", "", "true"]
    );
    assert_eq!(expressions(command.filter.as_ref().unwrap()), [r"(.*)\.php"]);
    let socket = socket.localpath.as_ref().unwrap();
    let destination = socket.destination.as_ref().unwrap();
    assert_eq!(
        values(&[&socket.watch, &destination.ip, &destination.port]),
        ["/srv/www", "192.0.2.30", "8009"]
    );
    let cdn = cdn.localpath.as_ref().unwrap();
    let (info, url) = (cdn.cdn_info.as_ref().unwrap(), cdn.regex_url.as_ref().unwrap());
    assert_eq!(
        values(&[&cdn.watch, &info.domainname, &info.port, &info.username]),
        ["/srv/cdn", "cdn.example", "80", "user"]
    );
    assert_eq!(&CORRECT[info.passwd.clone().unwrap()], "not-a-password");
    assert_eq!(
        values(&[&cdn.send_url.as_ref().unwrap().setting, &url.regex, &url.pattern]),
        ["http://www.example/", "false", "site([/a-z]*)"]
    );
}

#[test]
fn a_file_that_looks_fine_keeps_what_is_wrong_with_it() {
    let file = r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<head version="2.5">
    <host hostip="localhost" port="8008"></host>
    <debug start="false"/>
    <fileSystem xfs="false"/>
    <filter start="True">
        <exclude expression="*.log"></exclude>
    </filter>
    <inotify>
        <delete start="true"/>
        <createFolder start="false"/>
        <createFile start="false"/>
        <closeWrite start="true"/>
        <moveFrom start="true"/>
        <moveTo start="true"/>
        <attrib start="true"/>
        <modify start="false"/>
    </inotify>
    <sersync>
        <localpath watch="/data/web/">
            <remote ip="10.0.0.11" name="web"/>
        </localpath>
        <localpath watch="/data/img">
            <remote ip="10.0.0.12" name="web"/>
        </localpath>
        <rsync>
            <commonParams params="-artuz"/>
            <auth start="true" users="rsync_backup" passwordfile="/etc/rsyncd.secrets"/>
            <userDefinedPort start="false" port="874"/>
            <timeout start="false" time="100"/>
            <ssh start="true"/>
        </rsync>
        <failLog path="/tmp/rsync_fail_log.sh" timeToExecute="3600"/>
        <crontab start="true" schedule="600">
            <crontabfilter start="false"></crontabfilter>
        </crontab>
        <plugin start="false" name="command"/>
    </sersync>
</head>
"#;
    let document = parse(file.as_bytes());
    assert_eq!(document.problems, []);
    let configuration = Configuration::read(&document, file.as_bytes());
    assert_eq!(missing(&configuration), [""; 0]);
    assert_eq!(ignored(&configuration, file), []);
    let start = configuration.filter.unwrap().start.unwrap();
    assert!(!start.is_on());
    assert_eq!(&file[start.range], "True");
    assert_eq!(&file[start.name], "start");
    let inotify = configuration.inotify.unwrap();
    assert!(!inotify.create_folder.unwrap().is_on());
    assert!(inotify.attrib.unwrap().is_on());
    let sersync = configuration.sersync.unwrap();
    let watched: Vec<_> = sersync.localpaths.iter().map(|path| &path.watch).collect();
    assert_eq!(values(&watched), ["/data/web/", "/data/img"]);
    let rsync = sersync.rsync.unwrap();
    assert!(rsync.ssh.unwrap().is_on() && rsync.auth.unwrap().start.unwrap().is_on());
}

#[test]
fn a_file_that_does_not_start_says_what_it_lacks() {
    let file = r#"<head version="2.5">
    <host hostip="localhost" port="8008"></host>
    <debug start="false"/>
    <filter start="false"></filter>
    <inotify>
        <delete start="true"/>
        <createFolder start="true"/>
        <createFile start="false"/>
        <closeWrite start="true"/>
        <moveFrom start="true"/>
        <moveTo start="true"/>
    </inotify>
    <sersync>
        <localpath watch="/srv/R&D">
            <!-- <remote ip="10.0.0.11" name="rd"/> -->
        </localpath>
        <rsync>
            <commonParams params="-artuz"/>
            <auth start="true" users="rd"/>
            <userDefinedPort start="true" port="87x3"/>
            <timeout start="false" time="100"/>
            <ssh start="false"/>
        </rsync>
        <failLog path="/var/log/fail log.sh" timeToExecute=""/>
        <plugin start="true" name="http"/>
    </sersync>
</head>
"#;
    let document = parse(file.as_bytes());
    let [problem] = document.problems.as_slice() else {
        panic!("{:?}", document.problems);
    };
    assert_eq!(problem.trouble, Trouble::AmpersandInValue);
    assert_eq!(&file[problem.range.start..][..2], "&D");
    let configuration = Configuration::read(&document, file.as_bytes());
    assert_eq!(
        missing(&configuration),
        [
            "head/fileSystem",
            "inotify/attrib",
            "inotify/modify",
            "auth/@passwordfile",
            "sersync/crontab"
        ]
    );
    let auth = &configuration.missing[3].within;
    assert_eq!(&file[auth.tag.clone()], r#"<auth start="true" users="rd"/>"#);
    let sersync = configuration.sersync.unwrap();
    let localpath = &sersync.localpaths[0];
    assert_eq!((localpath.remotes.len(), localpath.commented_out.len()), (0, 1));
    assert_eq!(
        values(&[&localpath.watch, &sersync.plugin.unwrap().name]),
        ["/srv/R&D", "http"]
    );
    assert_eq!(values(&[&sersync.fail_log.unwrap().time_to_execute]), [""]);
}
