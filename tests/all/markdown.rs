//! Configuration that documentation shows.

use std::{fs, path::Path};

use rsyncctl::catalog::FileKind;

use crate::support::{
    program::{folder, rsyncctl, stdout},
    report::{check, listed},
};

#[test]
fn what_a_tutorial_shows_is_judged_where_it_stands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/markdown/tutorial.md");
    let report = check(&fs::read(path).expect("the fixture"), FileKind::Markdown);
    insta::assert_snapshot!(listed(&report));
}

#[test]
fn what_is_not_ours_is_left_alone() {
    for text in [
        "",
        "# rsyncctl: the design\n\nuid = root # note\n",
        "```\nread only = no # note\n```\n",
        "```ini\n[unix_http_server]\nfile = /run/x.sock\nchmod = 0700\nuid = root # note\n```\n",
        "```console\n$ cat file\nuse chroot = no # note\nauth users = a\n```\n",
        "Edit `/etc/rsyncd.conf`:\n\n```sh\nsed -i s/a/b/ /etc/rsyncd.conf\nuid = $(id -u)\n```\n",
        "Edit `/etc/rsyncd.secrets`:\n\n```sh\nchmod 600 /etc/rsyncd.secrets\n```\n",
        "```ini\nuse chroot = no # note\nauth users = a\n...\n```\n",
        "```xinetd\nservice rsync { disable = no ... }\n```\n",
        "```xinetd\nservice rsync\n{\n    disable = no\n    server = ...\n}\n```\n",
        "```systemd\n[Service]\nType=simple # note\nExecStart=/usr/bin/nginx\n```\n",
        "```xml\n<localpath watch=\"/\"><remote ip=\"192.0.2.1\" name=\"a\"/></localpath>\n```\n",
    ] {
        let report = check(text.as_bytes(), FileKind::Markdown);
        assert!(report.findings.is_empty(), "{text}: {}", listed(&report));
    }
}

#[test]
fn a_part_of_a_file_is_not_blamed_for_what_it_leaves_out() {
    let text = "```rsyncd.conf\n[data]\nread only = no\n```\n\n```rsyncd.conf\nauth users = joe\n```\n";
    let report = check(text.as_bytes(), FileKind::Markdown);
    assert!(report.findings.is_empty(), "{}", listed(&report));
}

#[test]
fn a_module_and_a_command_alone_are_judged() {
    let judged = [
        (
            "A module of rsync:\n\n```ini\n[b]\npath = /b # n\nread only = no\n```\n",
            "RSY201",
        ),
        (
            "rsyncd:\n\n```\n[b]\npath = /b\nhosts deny = 0.0.0.0/32\nhosts allow = 192.0.2.1\n```\n",
            "",
        ),
        ("```bash\nrsync -aZ /a/ b::c\n```\n", "RSY992"),
        ("```bash\nrsync -az /data/www/joe@b::c\n```\n", "RSY980"),
        ("```sh\nrsync -a /a/ b::/srv/c\n```\n", "RSY993"),
        (
            "```shell\nrsync -a --password-file=/etc/p /a/ b:/c\n```\n",
            "RSY994",
        ),
    ];
    for (text, rule) in judged {
        let report = check(text.as_bytes(), FileKind::Markdown);
        assert!(listed(&report).contains(rule), "{text}: {}", listed(&report));
    }
    for text in [
        "A share of Samba, next to rsync:\n\n```ini\n[b]\npath = /b # n\nread only = no\n```\n",
        "```ini\n[b]\npath = /b # n\nread only = no\n```\n",
        "```bash\nrsync -vzrtopg --delete $SRC/ b::c\nrsync [OPTION]... SRC DEST\n```\n",
    ] {
        let report = check(text.as_bytes(), FileKind::Markdown);
        assert!(report.findings.is_empty(), "{text}: {}", listed(&report));
    }
}

#[test]
fn a_folder_gives_the_documents_that_show_our_files() {
    let shows = "```rsyncd.conf\n[data]\npath = /srv/data\nread only = nope\n```\n";
    let folder = folder(&[("README.md", "# Nothing\n"), ("guide.MD", shows)]);
    let output = rsyncctl(&folder, &["lint", ".", "--format", "concise"]);
    let lines = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(lines.starts_with("./guide.MD:4:13: error RSY202"), "{lines}");
    // A document without such a block is nothing that is wrong.
    let output = rsyncctl(&folder, &["lint", "README.md"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn a_block_is_cured_where_its_lines_are_the_documents_own() {
    let text = "Text.\n\n```rsyncd.conf\nread only = no # x\n```\n\n> ```rsyncd.conf\n> read only = no # x\n> uid = 0\n> ```\n";
    let folder = folder(&[("a.md", text)]);
    let output = rsyncctl(&folder, &["lint", "a.md", "--fix=unsafe"]);
    let cured = fs::read_to_string(folder.path().join("a.md")).expect("the document");
    assert!(
        cured.contains("```rsyncd.conf\n# x\nread only = no\n```"),
        "{cured}\n{output:?}"
    );
    assert!(cured.contains("> read only = no # x\n"), "{cured}");
}

#[test]
fn passwords_in_a_document_are_not_shown() {
    let text = "`/etc/rsyncd.secrets`:\n\n1. a\n   ```\n   joe:swordfish-of-nobody # x\n   ann:other-false-word\n   ```\n";
    let folder = folder(&[("a.md", text)]);
    for format in ["human", "json", "sarif", "concise", "github"] {
        let output = rsyncctl(&folder, &["lint", "a.md", "--format", format]);
        let shown = stdout(&output);
        assert!(shown.contains("RSY323"), "{shown}");
        assert!(
            !shown.contains("swordfish") && !shown.contains("other-false"),
            "{shown}"
        );
    }
}
