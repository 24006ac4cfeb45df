#![cfg(test)]

use super::*;

fn read(file: &str) -> Script {
    Script::read(&shell::parse(file.as_bytes()), file.as_bytes())
}

fn shown(call: &Call) -> String {
    let words: Vec<String> = call.words.iter().map(Argument::text).collect();
    words.join(" ").replace(UNKNOWN, "?")
}

fn rsyncs(file: &str) -> Vec<String> {
    read(file).calls_of("rsync").map(shown).collect()
}

#[test]
fn variables_are_followed() {
    let file = r#"
src=/web/wwwroot/ host1=192.0.2.7
OPTS="-az --delete"
for dst1 in web1 web2; do
    rsync $OPTS $src$user1@$host1::$dst1
done
ARGS=(-a "--exclude=a b"); ARGS+=(--delete)
rsync "${ARGS[@]}" "${src%/}" ${host1:-x}::m
if cond; then src=/other; fi
rsync "$src" "$1" $(date)
"#;
    assert_eq!(
        rsyncs(file),
        [
            "rsync -az --delete /web/wwwroot/?@192.0.2.7::web1",
            "rsync -a --exclude=a b --delete /web/wwwroot 192.0.2.7::m",
            "rsync ? ? ?",
        ]
    );
    let script = read(file);
    let open: Vec<bool> = script.calls_of("rsync").map(Call::is_complete).collect();
    assert_eq!(open, [false, true, false]);
}

#[test]
fn what_is_in_front_of_a_program_is_taken_away() {
    for (file, wrappers) in [
        (
            "sudo -u backup nice -n 19 ionice -c 3 timeout -k 5 60 rsync -a x y",
            4,
        ),
        ("flock -n /run/lock/x rsync -a x y", 1),
        ("exec /usr/bin/rsync -a x y", 1),
        ("env -i RSYNC_PASSWORD=x setsid nohup rsync -a x y", 3),
        ("sh -c 'rsync -a x y'", 0),
        ("flock /run/x -c 'nice rsync -a x y'", 1),
    ] {
        let script = read(file);
        let call = script.calls_of("rsync").next().expect(file);
        let words: Vec<String> = call.arguments().iter().map(Argument::text).collect();
        assert_eq!(
            (words.join(" ").as_str(), call.wrappers.len()),
            ("-a x y", wrappers),
            "{file}"
        );
        assert_eq!(call.holds_lock, file.contains("flock"), "{file}");
    }
    assert!(
        read("( flock -n 9 || exit 1; rsync -a x y ) 9>/run/x")
            .calls_of("rsync")
            .all(|call| call.holds_lock)
    );
}

#[test]
fn the_surroundings_are_told() {
    let script = read("inotifywait -m /srv | while read f; do rsync -a x y > /dev/null 2>&1; done");
    let call = script.calls_of("rsync").next().expect("a call");
    let feeder = call.fed_by().map(|index| script.calls[index].program());
    assert_eq!(feeder.as_deref(), Some("inotifywait"));
    assert!(matches!(call.output, Stream::Discarded(_)) && matches!(call.errors, Stream::Discarded(_)));
    let script =
        read("while read f; do :; done < <(inotifywait -m /srv)\nwhile true; do rsync a b; sleep 1; done &");
    assert_eq!(script.calls_of("inotifywait").count(), 1);
    assert!(script.calls_of(":").all(|call| call.fed_by().is_some()));
    assert!(script.calls_of("rsync").all(Call::is_in_loop));
}

#[test]
fn it_is_told_what_becomes_of_a_status() {
    let status = |file: &str| read(file).calls_of("rsync").next().expect(file).status;
    for used in [
        "rsync a b",
        "rsync a b || exit 1; echo",
        "if ! rsync a b; then x; fi; echo",
        "rsync a b; [ $? -eq 0 ] || x; echo",
        "set -e\nrsync a b; echo",
        "set -euo pipefail\nrsync a b | tee log; echo",
        "f() { rsync a b; }; f; echo",
        "trap x ERR; rsync a b; echo",
    ] {
        assert_eq!(status(used), Status::Used, "{used}");
    }
    assert_eq!(status("rsync a b; echo done"), Status::Dropped);
    assert_eq!(status("cd x && rsync a b; echo done"), Status::Dropped);
    assert_eq!(status("rsync a b | tee log"), Status::Dropped);
    assert_eq!(status("rsync a b | tee log; [ $? = 0 ] || x"), Status::LostInPipe);
    assert_eq!(status("set -e; rsync a b | tee log"), Status::LostInPipe);
}

#[test]
fn functions_know_what_is_set_once() {
    assert_eq!(
        rsyncs("run() { rsync -a \"$S\" \"$D\" \"$1\"; }\nS=/srv\nD=a\nD=b\nrun x"),
        ["rsync -a /srv ? x"]
    );
    assert_eq!(rsyncs("S=/a\nf() { S=/b; }\nf\nrsync $S x"), ["rsync ? x"]);
    assert_eq!(rsyncs("S=/a\n. ./settings\nrsync $S x"), ["rsync ? x"]);
    assert_eq!(rsyncs("S=/a\nread S\nrsync \"$S\" x"), ["rsync ? x"]);
}

#[test]
fn invocations_know_their_words() {
    let script = read("D=joe@192.0.2.7::web\nrsync -vz --timeout 60 /srv/ $D");
    let call = script.calls_of("rsync").next().expect("a call");
    let invocation = call.invocation();
    assert_eq!(invocation.is_push(), Some(true));
    let target = invocation.target_words[1];
    assert_eq!(call.arguments()[target].range, 50..52);
    assert_eq!(
        invocation.option("timeout").and_then(|given| given.value_word),
        Some(2)
    );
}

/// Values that grow, and branches in branches, cost no more than they are worth.
#[test]
fn nothing_is_too_much() {
    read(&format!(
        "a={}\n{}",
        "x".repeat(4000),
        "b=$a$a$a; ".repeat(20_000)
    ));
    read(&"a=$a$a\n".repeat(10_000));
    read(&"if x; then a=$a; ".repeat(5000));
    read(&"while x; do a=$a; f() { ".repeat(5000));
    read(&format!(
        "a=({})\n{}",
        "x ".repeat(250),
        "y \"${a[@]}\"\n".repeat(20_000)
    ));
}
