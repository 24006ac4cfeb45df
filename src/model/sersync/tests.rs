mod examples;

use proptest::prelude::*;

use self::examples::{CORRECT, ignored, missing, read};
use super::*;

#[test]
fn each_mandatory_part_is_missed() {
    // What is taken out of the correct file, and what is then said.
    let cases = [
        (r#" hostip="localhost""#, "host/@hostip"),
        (r#"<debug start="false"/>"#, "head/debug"),
        (r#" xfs="false""#, "fileSystem/@xfs"),
        (r#" expression="(.*)\.tmp""#, "exclude/@expression"),
        (r#"<attrib start="false"/>"#, "inotify/attrib"),
        (r#" watch="/srv/www/site""#, "localpath/@watch"),
        (r#" ip="192.0.2.21""#, "remote/@ip"),
        (r#" params="-az --contimeout=10""#, "commonParams/@params"),
        (r#" users="push""#, "auth/@users"),
        (r#" passwordfile="/etc/sersync/push.pass""#, "auth/@passwordfile"),
        (r#" time="60""#, "timeout/@time"),
        (r#"<ssh start="false"/>"#, "rsync/ssh"),
        (r#" timeToExecute="5""#, "failLog/@timeToExecute"),
        (r#" schedule="360""#, "crontab/@schedule"),
        (r#" expression=".git/""#, "exclude/@expression"),
        (r#"<plugin start="false" name="command"/>"#, "sersync/plugin"),
        (r#"="60""#, "timeout/@time"),
    ];
    for (part, expected) in cases {
        let file = CORRECT.replacen(part, "", 1);
        assert_ne!(file, CORRECT, "{part}");
        assert_eq!(missing(&read(&file)), [expected], "{part}");
    }
    assert_eq!(
        missing(&read("<head/>")),
        [
            "head/host",
            "head/debug",
            "head/fileSystem",
            "head/filter",
            "head/inotify",
            "head/sersync"
        ]
    );
}

#[test]
fn what_a_switch_turns_off_may_be_absent() {
    let optional = [
        r#" port="873""#,
        r#" name="command""#,
        r#" ip="192.0.2.22""#,
        r#"<remote ip="192.0.2.21" name="site"/>"#,
        r#" prefix="/bin/sh""#,
        r#" version="2.5""#,
    ];
    for part in optional {
        let file = CORRECT.replacen(part, "", 1);
        assert_ne!(file, CORRECT, "{part}");
        assert_eq!(missing(&read(&file)), [""; 0], "{part}");
    }
    let off = CORRECT
        .replace(r#"<filter start="true">"#, r#"<filter start="false">"#)
        .replace(r#" expression="(.*)\.tmp""#, "")
        .replace(r#"<auth start="true" users="push""#, r#"<auth start="TRUE""#)
        .replace(
            r#"<crontab start="true" schedule="360">"#,
            r#"<crontab start="false">"#,
        )
        .replace(r#"<crontabfilter start="true">"#, "<crontabfilter>")
        .replace(r#" expression=".git/""#, "");
    assert_eq!(missing(&read(&off)), [""; 0]);
    let no_crontab_filter = CORRECT.replace("crontabfilter", "x");
    assert_eq!(missing(&read(&no_crontab_filter)), ["crontab/crontabfilter"]);
    let second = CORRECT.replace(
        "</localpath>\n        <rsync>",
        "</localpath><localpath><remote/></localpath><rsync>",
    );
    assert_ne!(second, CORRECT);
    assert_eq!(missing(&read(&second)), [""; 0]);
}

#[test]
fn names_are_compared_without_case_and_the_first_counts() {
    let shouted = CORRECT.replace(
        "<debug start=\"false\"/>",
        "<DEBUG Start=\"true\"/><debug start=\"false\"/>",
    );
    let configuration = read(&shouted);
    assert!(configuration.debug.as_ref().unwrap().is_on());
    assert_eq!(
        ignored(&configuration, &shouted),
        [(Reason::Repeated, "<debug start=\"false\"/>")]
    );
}

#[test]
fn what_is_not_read_is_listed_with_its_reason() {
    let file = CORRECT
        .replace("<inotify>", "<inotify note='x'><!-- <a/> --><created/>")
        .replace(
            r#"<remote ip="192.0.2.21" name="site"/>"#,
            r#"<remote ip="192.0.2.21" name="site" Mode="bidirectional" speed="9"><metadata><a/></metadata></remote>"#,
        )
        .replace("<inotify ", "<web port='8080'/><inotify ")
        .replace("</head>", "<metadata/></head>");
    assert_eq!(
        ignored(&read(&file), &file),
        [
            (Reason::SersyncPlus, "<web port='8080'/>"),
            (Reason::Unknown, "note='x'"),
            (Reason::Unknown, "<created/>"),
            (Reason::SersyncPlus, "Mode=\"bidirectional\""),
            (Reason::Unknown, "speed=\"9\""),
            (Reason::SersyncPlus, "<metadata><a/></metadata>"),
            (Reason::Unknown, "<metadata/>"),
        ]
    );
}

#[test]
fn a_file_that_sersync_cannot_read_misses_nothing() {
    for file in ["", "<project><a/></project>", "<head><host></head>", "<head>"] {
        let configuration = read(file);
        assert_eq!(missing(&configuration), [""; 0], "{file}");
        assert_eq!(configuration.ignored, [], "{file}");
    }
    let unclosed = CORRECT.replace("<delete start=\"true\"/>", "<delete start=\"true\">");
    let configuration = read(&unclosed);
    assert_eq!(missing(&configuration), [""; 0]);
    assert!(configuration.inotify.unwrap().delete.unwrap().is_on());
}

/// It would take minutes if each comment cost more than its length.
#[test]
fn many_comments_and_strangers_are_read_in_linear_time() {
    let comments = "<!--<remote ip='a'/>-->".repeat(50_000);
    let strangers = "<x/><debug/>".repeat(50_000);
    let file = format!("<head>{strangers}<sersync><localpath>{comments}</localpath></sersync></head>");
    let configuration = read(&file);
    assert_eq!(configuration.ignored.len(), 99_999);
    assert_eq!(
        configuration.sersync.unwrap().localpaths[0].commented_out.len(),
        50_000
    );
}

proptest! {
    #[test]
    fn a_damaged_file_is_read(cut in 0..CORRECT.len(), length in 0_usize..200, put in "[<>/=\"'& a-c]{0,4}") {
        let end = CORRECT.len().min(cut + length);
        let file = [&CORRECT[..cut], &put, &CORRECT[end..]].concat();
        let configuration = read(&file);
        for missing in &configuration.missing {
            let place = &missing.within;
            prop_assert!(file[place.range.clone()].starts_with(&file[place.tag.clone()]));
        }
        for ignored in &configuration.ignored {
            prop_assert!(ignored.within.range.start < ignored.range.start);
            prop_assert!(ignored.range.end < ignored.within.range.end);
        }
    }
}
