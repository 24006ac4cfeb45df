use proptest::prelude::*;

use super::{credentials, without_passwords};

fn blotted(text: &str) -> String {
    let mut told = String::new();
    let mut at = 0;
    for one in credentials(text) {
        told += &text[at..one.range.start];
        told += "****";
        at = one.range.end;
    }
    told += &text[at..];
    told
}

#[test]
fn passwords_are_found_where_they_stand() {
    for line in [
        "rsync -a rsync://joe:hush-1@host/data/ /srv/",
        "rsync -a joe:hush-1@host::data /srv/",
        "RSYNC_PASSWORD=hush-1 rsync -a a b",
        "export RSYNC_PASSWORD='hush-1 of two words'; rsync",
        "Environment=RSYNC_PASSWORD=hush-1",
        "Environment=A=b \"RSYNC_PASSWORD=hush-1 x\" C=d",
        "SetCredential=rsync:hush-1",
        "pre-xfer exec = /bin/note --password hush-1 --to root",
        "pre-xfer exec = /bin/note --token=hush-1",
        "curl -u joe:hush-1 https://host/",
        "curl -H 'Authorization: Bearer hush-1' https://host/",
        "curl https://hush-1@host/",
        "mysqldump -phush-1 all",
        "rsync -e 'sshpass -p hush-1 ssh' a b",
        "sshpass -phush-1 ssh host",
        "echo hush-1 | rsync --password-file=- a b",
        "rsync --password-file=<(echo hush-1) a b",
        "<auth users=\"joe\" passwordfile=\"hush-1\"/>",
        "<password>hush-1</password>",
        "{\"db_password\": \"hush-1\", \"a\": 1}",
        "2026/11/22 10:00:00 [7] exec: db password: hush-1",
        "# 密码：hush-1",
        "PGPASSWORD=\"hush-1\\\"more\" pg_dump",
        "rsync -a -e 'plink -pw hush-1' a b:c",
        "rsync -e 'plink -l joe -pw  hush-1 -batch' a b:c",
        "rsync -a --password hush-1 joe@h::m x",
        "rsync -a '--passwrod=hush-1' joe@h::m x",
        "rsync -a --pasword hush-1 joe@h::m x",
        "rsync --daemon --dparam=pw=hush-1",
        "; pw: hush-1",
        "PW=hush-1",
        "export KEY=hush-1",
        "pre-xfer exec = prog --user bot:hush-1",
        "pre-xfer exec = prog --user=bot:hush-1",
        "# mot de passe : hush-1",
        "# pwd hush-1",
        "; the pass is hush-1",
        "# joe:hush-1",
        "  #joe:hush-1",
        "comment = login joe password hush-1",
        "curl --api_key hush-1 https://h/",
        "pre-xfer exec = /usr/bin/notify -phush-1",
        "rsync: -phush-1: unknown option",
        "Description=copy as joe:hush-1@",
        "Kennwort: hush-1",
        "path = /srv/www # password of joe: hush-1",
        "read only = no # joe's pw is hush-1",
        "list = yes ; passwd hush-1",
        "it fails, my password is hush-1.",
        "我的密码是hush-1",
        "unknown module 'joe:hush-1@www' tried from h (192.0.2.7)",
        "@ERROR: Unknown module 'joe:hush-1@www'",
        "auth failed on module a from b (192.0.2.7) for joe:hush-1: no matching rule",
    ] {
        let told = blotted(line);
        assert!(
            told.contains("****") && !told.contains("hush-1"),
            "{line}: {told}"
        );
    }
}

#[test]
fn what_is_none_is_left() {
    for line in [
        "secrets file = /etc/rsyncd.secrets",
        "rsync -a --password-file=/etc/rsync.pass joe@host::data/a:b@c .",
        "rsync://joe@host:873/a@b",
        "/etc/rsyncd.secrets: mode 600, owner 0",
        "auth failed on module a from b (192.0.2.7) for joe: password mismatch",
        "<auth users=\"joe\" passwordfile=\"/etc/rsync.pas\"/>",
        "ERROR: password file must not be other-accessible",
        "listens on 0.0.0.0:873, [::]:873",
        "auth users = joe:deny, @staff:ro",
        "key: value, a key = of none of us"
            .split(',')
            .next()
            .unwrap_or_default(),
        "SSH_KEY=/root/.ssh/id_ed25519",
        "path = /srv/pass",
        "# /etc/rsyncd.conf: configuration of the backup",
        "# see http://rsync.samba.org/",
        "# vim:ft=conf",
        "# host:873",
        "path = /srv/www # the folder of the site",
        "the password is wrong; pass is not set; a pass was made",
        "unknown module 'www' tried from h (192.0.2.7)",
        "# the password file is /etc/rsyncd.secrets",
        "docker run --user 1000:1000 image",
        "docker run --user nobody:nogroup image",
        "pre-xfer exec = /bin/mkdir -pv /srv/a; find /srv -path /srv/b -prune",
        "pre-xfer exec = nc -p8730 host",
        "rsync: -p: unknown option",
        "mailto:joe@example.net",
        "passing=1 passed: 3 passive=no",
        "",
    ] {
        assert_eq!(blotted(line), line);
    }
}

#[test]
fn reports_show_what_is_only_a_name() {
    for line in [
        "rsync --password-file=pw joe@h::m .",
        "RSYNC_PASSWORD=$PW rsync joe@h::m .",
        "RSYNC_PASSWORD=${PW} rsync joe@h::m .",
        "RSYNC_PASSWORD=\"$(cat /etc/pw)\" rsync joe@h::m .",
    ] {
        assert_eq!(without_passwords(line), line);
    }
    for line in [
        "RSYNC_PASSWORD=$(echo hush) rsync joe@h::m .",
        "RSYNC_PASSWORD=${PW:-hush} rsync joe@h::m .",
        "rsync --password-file=<(echo hush) joe@h::m .",
        "post-xfer exec = curl https://u:hush@h/",
    ] {
        let told = without_passwords(line);
        assert!(told.contains("****") && !told.contains("hush"), "{told}");
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_apart(text in "(\\PC|[ =:'\"@/\\\\-]|password|://|\n|echo |curl -u ){0,40}") {
        let mut last = 0;
        for one in credentials(&text) {
            prop_assert!(last <= one.range.start && one.range.start < one.range.end);
            prop_assert!(text.get(one.range.clone()).is_some());
            last = one.range.end;
        }
    }
}
