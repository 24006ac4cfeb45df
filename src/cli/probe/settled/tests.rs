use std::{fs, path::Path};

use super::settled;

fn read(path: &Path, script: &str) -> String {
    String::from_utf8(settled(path, script.into(), false, false)).expect("a text")
}

#[test]
fn files_that_only_set_variables_are_taken_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.conf"), "# where to\nHOST=h\nexport PW='a b'\n").expect("a file");
    fs::write(at("b.conf"), "HOST=$(pick)\n").expect("a file");
    let script = at("push.sh");
    let place = at("a.conf").display().to_string();
    let taken = "HOST=h; export PW='a b'\nrsync\n";
    for line in [
        format!(". {place}"),
        format!("source \"{place}\""),
        "  . \"$(dirname \"$0\")/a.conf\"".to_owned(),
    ] {
        assert_eq!(read(&script, &format!("{line}\nrsync\n")), taken, "{line}");
    }
    for line in [". ./a.conf", ". $HERE/a.conf", ". /no/such/file"] {
        assert_eq!(read(&script, line), line);
    }
    let beside = "BASE=$(dirname \"$(readlink -f \"$0\")\")\n";
    let read_beside = read(&script, &format!("{beside}. \"$BASE/a.conf\"\nrsync\n"));
    let place = folder.path().display();
    assert_eq!(read_beside, format!("BASE={place}\n{taken}"));
    let line = format!(". {}", at("b.conf").display());
    assert_eq!(read(&script, &line), line);
}

#[test]
fn questions_with_one_answer_are_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pw");
    fs::write(&file, "hush\n").expect("a file");
    let file = file.display();
    let today = jiff::Zoned::now().date();
    let script = Path::new("/root/a.sh");
    for (line, expected) in [
        (
            "D=$(date +%F); E=`date \"+%Y-%m-%d\"`",
            format!("D={today}; E={today}"),
        ),
        (
            &format!("export RSYNC_PASSWORD=\"$(cat {file})\"")[..],
            "export RSYNC_PASSWORD=\"hush\"".to_owned(),
        ),
        (&format!("PW=$(< {file})")[..], "PW=hush".to_owned()),
        (&format!("PW=$(<{file})")[..], "PW=hush".to_owned()),
        // Whatever shows a command line would show it.
        (
            &format!("rsync --password-file=$(cat {file}) x")[..],
            format!("rsync --password-file=$(cat {file}) x"),
        ),
        (
            "echo '$(date +%F)' # $(date +%F)",
            "echo '$(date +%F)' # $(date +%F)".to_owned(),
        ),
        (
            "X=$(date -d yesterday +%F) Y=$((1+2)) Z=$(pick a)",
            "X=$(date -d yesterday +%F) Y=$((1+2)) Z=$(pick a)".to_owned(),
        ),
        ("A=\\$(date) B=$(date", "A=\\$(date) B=$(date".to_owned()),
        ("N=$(date '+%d %H')", "N=$(date '+%d %H')".to_owned()),
    ] {
        assert_eq!(read(script, line), expected, "{line}");
    }
    for (script_text, expected) in [
        ("M=${1:-data}", "M=data"),
        ("H=\"${H:-a.example}\"", "H=\"a.example\""),
        ("H=x\nM=${H:-y}", "H=x\nM=${H:-y}"),
        ("M=${1:-$2}", "M=${1:-$2}"),
        ("read H\nM=${H:-y}", "read H\nM=${H:-y}"),
        ("for H in a b; do\nM=${H:-y}", "for H in a b; do\nM=${H:-y}"),
        (". ./other\nM=${H:-y}", ". ./other\nM=${H:-y}"),
        ("f() {\nM=${1:-y}\n}\nf x", "f() {\nM=${1:-y}\n}\nf x"),
        ("M=${PATH:-y}", "M=${PATH:-y}"),
        ("HOME=/x\ncd $HOME", "HOME=/x\ncd $HOME"),
        ("a $HOMES --x=~/b '~/c'", "a $HOMES --x=~/b '~/c'"),
    ] {
        assert_eq!(read(script, script_text), expected);
    }
    fs::write(folder.path().join("b.log"), "").expect("a file");
    fs::write(folder.path().join("a.log"), "").expect("a file");
    let place = folder.path().display();
    let line = format!("for f in {place}/*.log; do");
    assert_eq!(read(script, &line), format!("for f in {place}/a.log; do"));
    let table = |line: &str| String::from_utf8(settled(script, line.into(), true, false)).expect("a text");
    assert_eq!(table("rsync h::m/$(date +\\%F)/"), format!("rsync h::m/{today}/"));
    assert_eq!(table("rsync h::m/$(date +%F)/"), "rsync h::m/$(date +%F)/");
}
