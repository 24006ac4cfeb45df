//! Mistakes of ours that were mended, each with what it took to see them.

mod secrets;

use std::{
    fs::{self},
    process::Command,
};

use rsyncctl::catalog::{self, FileKind, Language};

use crate::support::{
    examples::pages_of_files,
    program::{folder, folder_of_bytes, one_core, program, rsyncctl, stderr, stdout},
    report::check_for,
};

#[test]
fn how_many_cores_there_are_changes_no_report() {
    // What is found in the lines before them ends no file early.
    let pages = pages_of_files().into_iter();
    let pages: Vec<_> = pages.filter(|page| page.page.id.as_str() > "RSY231").collect();
    let cases = pages.iter().flat_map(|page| &page.cases);
    let blocks = cases.filter_map(|case| case.block("rsyncd.conf"));
    let text: Vec<_> = blocks.flat_map(|block| [&block.text[..], b"\n"]).collect();
    let folder = folder_of_bytes(&[("rsyncd.conf", &text.concat().repeat(8))]);
    let lint = ["lint", "rsyncd.conf", "--host", "none", "--format", "concise"];
    let program = program(&folder, &lint);
    let mut on_one_core = Command::new("taskset");
    on_one_core
        .args(["--cpu-list", &one_core()])
        .arg(program.get_program());
    on_one_core
        .args(lint)
        .current_dir(&folder)
        .env("LC_ALL", "C.UTF-8");
    let on_one_core = on_one_core.output().expect("taskset runs");
    assert!(
        stdout(&on_one_core).lines().count() > 500,
        "{}",
        stderr(&on_one_core)
    );
    for _ in 0..5 {
        assert_eq!(stdout(&rsyncctl(&folder, &lint)), stdout(&on_one_core));
    }
}

#[test]
fn a_long_chain_of_includes_is_no_stack_overflow() {
    let folder = folder(&[]);
    let name = |n: usize| folder.path().join(format!("{n}.conf"));
    for n in 0..3000 {
        fs::write(name(n), format!("&include {}\n", name(n + 1).display())).expect("a file");
    }
    let arguments = [
        "lint",
        "0.conf",
        "--kind",
        "rsyncd.conf",
        "--host",
        "live",
        "--format",
        "concise",
    ];
    let output = rsyncctl(&folder, &arguments);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("includes are followed 1000 deep"), "{error}");
}

#[test]
fn a_safe_fix_takes_only_the_comma_at_the_end() {
    let folder = folder(&[("rsyncd.conf", "[m]\npath = /srv\nexclude = {a,b} c,d x,\n")]);
    rsyncctl(&folder, &["lint", "rsyncd.conf", "--fix"]);
    let fixed = fs::read_to_string(folder.path().join("rsyncd.conf")).expect("the file");
    assert!(fixed.contains("exclude = {a,b} c,d x\n"), "{fixed}");
}

#[test]
fn a_safe_fix_opens_no_module_for_writing() {
    let text = "[m]\npath = /srv\nread only = no # push here\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    rsyncctl(&folder, &["lint", "rsyncd.conf", "--fix"]);
    assert_eq!(
        fs::read_to_string(folder.path().join("rsyncd.conf")).expect("the file"),
        text
    );
}

#[test]
fn access_says_nothing_good_of_a_file_that_is_not_read_to_its_end() {
    let folder = folder(&[
        ("gives-up.conf", "[m]\npath = /srv\n[bad/x]\n"),
        ("unseen.conf", "&merge more.inc\n[m]\npath = /srv\n"),
    ]);
    for (file, module, code) in [
        ("gives-up.conf", "m", 1),
        ("unseen.conf", "m", 3),
        ("unseen.conf", "other", 3),
    ] {
        let output = rsyncctl(
            &folder,
            &["access", file, "--from", "192.0.2.7", "--module", module],
        );
        assert_eq!(output.status.code(), Some(code), "{file} {module}");
        assert!(!output.stderr.is_empty(), "{file} {module}");
    }
}

#[test]
fn the_closest_wish_of_the_settings_counts() {
    let folder = folder(&[
        ("rsyncd.conf", "[m]\npath = /srv\nignore errors\n"),
        (
            "rsyncctl.toml",
            "ignore = [\"RSY5\", \"RSY6\"]\n[severity]\nRSY1 = \"info\"\nRSY102 = \"error\"\n",
        ),
    ]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--format", "concise"]);
    assert!(stdout(&output).contains("error RSY102"), "{}", stdout(&output));
    let output = rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--format", "concise", "--select", "RSY601"],
    );
    assert!(
        stdout(&output).contains("RSY601"),
        "what is selected is checked: {}",
        stdout(&output)
    );
}

#[test]
fn a_file_that_is_named_twice_is_cured_once() {
    let folder = folder(&[("rsyncd.conf", "[m]\npath = \"/srv\"\n")]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "./rsyncd.conf", "--fix=unsafe"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_machine_below_a_root_is_asked_for_its_file_and_its_users() {
    let folder = folder(&[]);
    fs::create_dir(folder.path().join("etc")).expect("a folder");
    fs::write(folder.path().join("etc/passwd"), "bob:x:1007:1007::/:/bin/sh\n").expect("a file");
    fs::write(
        folder.path().join("etc/rsyncd.conf"),
        "[m]\npath = /srv\ngid = 7\n",
    )
    .expect("a file");
    let arguments = [
        "lint",
        "--root",
        ".",
        "--daemon-user",
        "bob",
        "--select",
        "RSY409",
        "--format",
        "concise",
    ];
    let output = rsyncctl(&folder, &arguments);
    assert!(
        stdout(&output).contains("etc/rsyncd.conf:3:1: error RSY409"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn what_is_right_is_left_alone() {
    for (rule, text) in [
        (
            "RSY512",
            "[pub]\npath = /srv\n[push]\npath = /srv\nread only = no\nauth users = joe\nsecrets file = /etc/s\n",
        ),
        ("RSY512", "[a]\npath = /srv\n[b]\npath = /srv\nhosts allow = *\n"),
        (
            "RSY501",
            "address = 127.0.0.1\n[m]\npath = /srv\nread only = no\n",
        ),
        (
            "RSY503",
            "daemon chroot = /srv/jail\n[m]\npath = /d\nuse chroot = no\nread only = no\n",
        ),
        ("RSY213", "[m]\npath = /srv\nexclude = *.{jpg,png} *,v\n"),
    ] {
        let folder = folder(&[("rsyncd.conf", text)]);
        let output = rsyncctl(
            &folder,
            &["lint", "rsyncd.conf", "--format", "concise", "--select", rule],
        );
        assert_eq!(stdout(&output), "", "{text}");
    }
}

#[test]
fn one_file_that_cannot_be_read_is_missing_and_no_more() {
    let folder = folder(&[(
        "rsyncd.conf",
        "timeout = 600\nmax connections = 9\n[m]\npath = /srv\nhosts allow = ::1\n",
    )]);
    // Larger than any configuration: root may read everything else.
    let large = fs::File::create(folder.path().join("rsyncd-large.conf")).expect("a file");
    large.set_len(300 << 20).expect("a sparse file");
    let output = rsyncctl(&folder, &["lint", ".", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(
        stdout(&output).contains("it is larger than 32 MiB"),
        "{}",
        stdout(&output)
    );
    let output = rsyncctl(&folder, &["lint", "rsyncd-large.conf"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_include_that_no_machine_has_is_told_without_a_machine() {
    for path in ["/etc/rsyncd.d/*.conf", "\"/etc/rsyncd.d\"", "/etc/rsyncd.d # all"] {
        let folder = folder(&[("rsyncd.conf", &format!("&include {path}\n"))]);
        let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--format", "concise"]);
        assert_eq!(output.status.code(), Some(1), "{path}: {}", stdout(&output));
        assert!(stdout(&output).contains("RSY106"), "{path}: {}", stdout(&output));
    }
    let folder = folder(&[("rsyncd.conf", "&include /etc/rsyncd.d\n")]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--format", "concise"]);
    assert!(!stdout(&output).contains("RSY106"), "{}", stdout(&output));
}

#[test]
fn a_slash_at_the_end_is_a_folder_on_every_machine() {
    for (line, rule) in [
        ("log file = /var/log/\n", "RSY603"),
        ("lock file = /run/rsync/\nmax connections = 2\n", "RSY608"),
    ] {
        let folder = folder(&[("rsyncd.conf", &format!("{line}[m]\npath = /srv\n"))]);
        let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--select", rule]);
        assert_eq!(output.status.code(), Some(1), "{line}: {}", stdout(&output));
    }
}

#[test]
fn an_include_that_is_not_read_ends_the_module_all_the_same() {
    let folder = folder(&[
        (
            "file.conf",
            "[a]\npath = /srv/a\n&include /etc/x.conf\nread only = no\n[b]\npath = /srv/b\nread only = yes\n",
        ),
        (
            "folder.conf",
            "[a]\npath = /srv/a\n&include /etc/rsyncd.d\nread only = no\n[b]\npath = /srv/b\nread only = yes\n",
        ),
    ]);
    let lint = |file| {
        let arguments = [
            "lint",
            "--host",
            "none",
            "--kind",
            "rsyncd.conf",
            "--format",
            "concise",
            file,
        ];
        stdout(&rsyncctl(&folder, &arguments))
    };
    let report = lint("file.conf");
    assert!(report.contains("file.conf:4:1: error RSY108 "), "{report}");
    assert!(!report.contains("RSY501"), "{report}");
    let report = lint("folder.conf");
    assert!(
        !report.contains("RSY108") && !report.contains("RSY501"),
        "{report}"
    );
    assert!(report.contains("RSY511 "), "of `b` all is known: {report}");
    assert!(!report.contains("module `a`"), "{report}");
    let output = rsyncctl(
        &folder,
        &["config", "file.conf", "--host", "none", "--module", "a"],
    );
    assert!(!stdout(&output).contains("read only"), "{}", stdout(&output));
}

#[test]
fn limits_are_told_in_the_language_of_the_report() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\n")]);
    let deep = "d/".repeat(66);
    fs::create_dir_all(folder.path().join(&deep)).expect("folders");
    fs::write(folder.path().join("confxml.xml"), vec![b' '; (4 << 20) + 1]).expect("a file");
    let output = rsyncctl(&folder, &["lint", ".", "--lang", "zh"]);
    let text = stdout(&output);
    for part in ["目录只搜索到第 64 层", "超过 4096 KiB，sersync 文件不会这么大"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(
        !text.contains("no deeper") && !text.contains("larger than"),
        "{text}"
    );
}

#[test]
fn another_group_is_no_safe_cure() {
    let folder = folder(&[
        ("etc/rsyncd.conf", "[data]\npath = /srv/data\ngid = nobody\n"),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ]);
    let lint = |fix: &str| {
        let output = rsyncctl(
            &folder,
            &[
                "lint",
                "etc/rsyncd.conf",
                "--root",
                ".",
                "--select",
                "RSY408",
                "--diff",
                fix,
            ],
        );
        stdout(&output)
    };
    // The module is shut; with the group it serves.
    assert_eq!(lint("--fix"), "");
    assert!(lint("--fix=unsafe").contains("+gid = nogroup"));
}

#[test]
fn a_boolean_that_is_neither_yes_nor_no_does_not_stay_unset() {
    let folder = folder(&[("rsyncd.conf", "[m]\npath = /srv\nuse chroot = yes # always\n")]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--select", "RSY201"]);
    let report = stdout(&output);
    assert!(report.contains("is set neither to yes nor to no"), "{report}");
    assert!(!report.contains("unset"), "{report}");
}

#[test]
fn a_list_in_which_nobody_is_meant_foretells_no_push() {
    for word in ["\"127.0.0.1\"", "127.0.0.1;", "127.0.0.1，x"] {
        let text = format!("[m]\npath = /srv\nread only = no\nhosts allow = {word}\n");
        let report = check_for(text.as_bytes(), FileKind::RsyncdConf, &["RSY501", "RSY505"]);
        assert!(report.findings.is_empty(), "{word}: {:?}", report.findings);
    }
}

#[test]
fn a_mark_without_a_note_leaves_no_comment() {
    let text = "[m]\npath = /srv\nlist = false ;\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--select", "RSY201", "--fix=unsafe"],
    );
    let cured = fs::read_to_string(folder.path().join("rsyncd.conf")).expect("a file");
    assert_eq!(cured, text.replace(" ;", ""));
}

#[test]
fn a_long_list_is_shown_in_part() {
    let words: Vec<_> = (0..2_000)
        .map(|number| format!("198.51.{}.{}", number / 250, number % 250))
        .collect();
    let text = format!(
        "[m]\npath = /srv\nhosts allow = 192.0.2.7\nhosts deny = {}\n",
        words.join(" ")
    );
    let report = check_for(text.as_bytes(), FileKind::RsyncdConf, &["RSY301"]);
    let [finding] = &report.findings[..] else {
        panic!("{:?}", report.findings);
    };
    let message = finding.message(Language::English);
    assert!(message.contains("198.51.0.4 …`"), "{message}");
    assert!(message.len() < 300, "{message}");
}

#[test]
fn json_says_which_symptom_takes_the_place_of_another() {
    let folder = folder(&[("rsyncd.conf", "[m\n")]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let predicts = report["diagnoses"][0]["predicts"]
        .as_array()
        .expect("predictions");
    let or: Vec<_> = predicts.iter().map(|one| one["or"].as_bool()).collect();
    assert_eq!(or.first(), Some(&Some(false)), "{predicts:?}");
    let page = catalog::page("RSY901").expect("a page");
    let or: Vec<_> = page
        .symptoms
        .iter()
        .map(|symptom| symptom.is_alternative)
        .collect();
    assert_eq!(or, [false, true]);
}

#[test]
fn root_is_root_by_any_number() {
    for (uid, code) in [("00", 1), ("0", 1), ("1000", 0)] {
        let report = check_for(
            format!("[m]\npath = /srv\nread only = no\nuid = {uid}\n").as_bytes(),
            FileKind::RsyncdConf,
            &["RSY502"],
        );
        assert_eq!(report.findings.len(), code, "{uid}");
    }
}

#[test]
fn a_line_without_colon_hides_no_other_missing_user() {
    let conf = "[m]\npath = /srv\nauth users = joe, bob, kim, ghost\nsecrets file = rsyncd.secrets\n";
    let folder = folder(&[
        ("rsyncd.conf", conf),
        ("rsyncd.secrets", "joe:a-fake-one\nbob:a-fake-one\nkim\n"),
    ]);
    let output = rsyncctl(
        &folder,
        &["lint", "--select", "RSY315", "--format", "concise", "."],
    );
    let text = stdout(&output);
    assert!(text.contains("`ghost`") && text.lines().count() == 1, "{text}");
}
