//! What our client and the real one start the server with.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::support::{daemon::has_rsync, program::program};

/// The arguments and, from protocol 30 on, the bytes behind them that a client sends to a daemon that says yes to all.
fn asked(words: &[&str], ours: bool) -> Vec<String> {
    asked_from_afar(words, ours, Duration::ZERO, 0)
}

/// The same of a daemon whose answers take some time, with so many files in the folder `d`.
fn asked_from_afar(words: &[&str], ours: bool, way: Duration, files: usize) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "rsync://127.0.0.1:{}",
        listener.local_addr().expect("bound").port()
    );
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("s")).expect("a folder");
    std::fs::write(folder.path().join("list"), "a\n").expect("a file");
    for number in 0..files {
        let place = folder.path().join(format!("d/{}", number % 10));
        std::fs::create_dir_all(&place).expect("a folder");
        std::fs::write(place.join(number.to_string()), "").expect("a file");
    }
    let mut command = if ours {
        program(folder.path(), &["sync"])
    } else {
        let mut command = Command::new("rsync");
        command.current_dir(folder.path());
        command
    };
    command.args(words.iter().map(|word| word.replace("{url}", &url)));
    let mut client = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the client runs");
    let (mut stream, _) = listener.accept().expect("it connects");
    let patience = Duration::from_secs(20);
    stream.set_read_timeout(Some(patience)).expect("a limit");
    thread::sleep(way);
    stream
        .write_all(b"@RSYNCD: 32.0 sha512 md5\n")
        .expect("it listens");
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    for _ in 0..2 {
        reader.read_until(b'\n', &mut Vec::new()).expect("a line");
    }
    stream.write_all(b"@RSYNCD: OK\n").expect("it listens");
    let mut arguments = Vec::new();
    loop {
        let mut argument = Vec::new();
        reader.read_until(0, &mut argument).expect("an argument");
        if argument.len() <= 1 {
            break;
        }
        argument.pop();
        arguments.push(String::from_utf8_lossy(&argument).into_owned());
    }
    // Compatibility flags without negotiation, then the seed; what the client sends next are its rules.
    stream.write_all(&[0, 1, 0, 0, 0]).expect("it listens");
    // A client that sends may have no rules, and begins with its list; one that cannot go on says nothing.
    let mut head = [0; 4];
    let mut rules = Vec::new();
    if reader.read_exact(&mut head).is_ok() {
        rules.resize(usize::from(head[0]) | usize::from(head[1]) << 8, 0);
        reader.read_exact(&mut rules).expect("a frame");
    }
    let is_push = !arguments.iter().any(|argument| argument == "--sender");
    if is_push {
        // Its list has the time of the folder.
        rules.truncate(4);
    }
    arguments.push(format!(
        "rules {}",
        String::from_utf8_lossy(&rules).escape_default()
    ));
    drop((stream, reader));
    client.wait().expect("it ends");
    arguments
}

/// Where each answer takes long, a sender that waits for one once in a thousand files is asked not to.
#[test]
fn lists_are_whole_where_the_way_is_long_and_files_are_many() {
    let long = Duration::from_millis(300);
    for (words, way, files, is_incremental) in [
        ("-a {url}/m/ d", long, 1_000, false),
        ("-a d {url}/m/", long, 1_000, false),
        ("-a {url}/m/ d", long, 900, true),
        ("-a {url}/m/ new", long, 1_000, true),
        ("-a --inc-recursive {url}/m/ d", long, 1_000, true),
        ("-a --no-inc-recursive {url}/m/ d", Duration::ZERO, 0, false),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let arguments = asked_from_afar(&words, true, way, files);
        let letters = arguments
            .iter()
            .find_map(|word| word.split_once("e."))
            .map(|(_, told)| told);
        let told = letters.map(|letters| letters.starts_with('i'));
        assert_eq!(told, Some(is_incremental), "{words:?}: {arguments:?}");
    }
}

#[test]
fn the_server_is_told_the_same() {
    if !has_rsync() {
        return;
    }
    let cases = [
        "-a {url}/m/ d",
        "-avnc {url}/m/ d",
        "-rlptI --no-o -uW {url}/m/a {url}/m/b d",
        "-r --list-only {url}/m/",
        "-d {url}/m/ d",
        "-a -kLxxC {url}/m/ d",
        "-a --numeric-ids --timeout=60 -B4096 {url}/m/ d",
        "-rD --no-specials {url}/m/ d",
        "-r --specials {url}/m/ d",
        "-a --copy-unsafe-links --safe-links --munge-links {url}/m/ d",
        "-a --delete --delete-excluded --max-delete=5 --ignore-errors --force {url}/m/ d",
        "-a --delete-after --delete-missing-args {url}/m/ d",
        "-a --ignore-missing-args --remove-source-files -m {url}/m/ d",
        "-a --min-size=1 --max-size=1m --modify-window=2 --chmod=F600 --max-alloc=2G {url}/m/ d",
        "-r --no-i-r {url}/m/ d",
        "-r --no-inc-recursive --inc-recursive {url}/m/ d",
        "-r --delete-before {url}/m/ d",
        "-r --delete-delay --protocol=30 {url}/m/ d",
        "-a -M--fake-super --trust-sender --existing {url}/m/ d",
        "-a --exclude=x --include=y/ -f -s_z -f H_h -f P_p -f R,p_q -f :C -f :en_.f -FF {url}/m/ d",
        "-a --delete-excluded --exclude=x -f :_.f -f :-_.g -f -r_r -f -C {url}/m/ d",
        "-ab --suffix=.old --delete {url}/m/ d",
        "-rb --delete {url}/m/ d",
        "-aC --exclude=x -f !  --exclude=/y {url}/m/ d",
        "-aivn {url}/m/ d",
        "-rltD {url}/m/ d",
        "-d {url}/m/ d",
        "-rW {url}/m/ d",
        "-au {url}/m/ d",
        "-acI {url}/m/ d",
        "-az {url}/m/ d",
        "-azz {url}/m/ d",
        "-az --zc=auto {url}/m/ d",
        "-az --zc=zlib {url}/m/ d",
        "-a --zc=ZSTD {url}/m/ d",
        "-a --zc=lz4 --zl=3 {url}/m/ d",
        "-az --zc=none {url}/m/ d",
        "-a --zl=3 {url}/m/ d",
        "-az --zl=-1 --no-z {url}/m/ d",
        "-a --old-compress {url}/m/ d",
        "-a --new-compress {url}/m/ d",
        "-az --skip-compress=gz/mp[34] {url}/m/ d",
        "-a --cc=xxh3,MD5 {url}/m/ d",
        "-a --cc=none {url}/m/ d",
        "-a --cc=auto --checksum-seed=-5 {url}/m/ d",
        "-a -B600 --timeout=9 --numeric-ids {url}/m/ d",
        "-r --specials --no-devices {url}/m/ d",
        "-rlA {url}/m/ d",
        "-aXSEJ {url}/m/ d",
        "-aAXUzS {url}/m/ d",
        "-aUU {url}/m/ d",
        "-a --copy-devices {url}/m/ d",
        "-aU --open-noatime {url}/m/ d",
        "-a --super --stop-after=5 {url}/m/ d",
        "-aS --inplace {url}/m/ d",
        "-a --append {url}/m/ d",
        "-a --append-verify {url}/m/ d",
        "-a --partial -T . {url}/m/ d",
        "-a --partial-dir=.p/./q/../r/ {url}/m/ d",
        "-a --partial-dir=/p {url}/m/ d",
        "-a --partial --partial-dir=. {url}/m/ d",
        "-a --backup-dir=./b --delete {url}/m/ d",
        "-a --backup-dir=b/ --suffix=~ {url}/m/ d",
        "-ab --backup-dir=. --suffix=x --delete {url}/m/ d",
        "-a --fsync --preallocate {url}/m/ d",
        "-a s/ {url}/m/",
        "-avi s/ {url}/m/",
        "-aii s/ {url}/m/",
        "-d --delete s/ {url}/m/",
        "-aOJW s/ {url}/m/",
        "-aE --no-p s/ {url}/m/",
        "-a --delete --max-delete=0 --force s/ {url}/m/",
        "-a --delete-excluded --exclude=x -m s/ {url}/m/",
        "-a --delete-before -f P_p -f H_h s/ {url}/m/",
        "-a --delete-delay --ignore-errors s/ {url}/m/",
        "-a --size-only --existing --ignore-existing -B700 s/ {url}/m/",
        "-a --min-size=1 --max-size=2k -@1 s/ {url}/m/",
        "-az --zc=lz4 --cc=md5 --checksum-seed=3 s/ {url}/m/",
        "-aS -M--x s/ {url}/m/",
        "-ab --suffix=.o s/ {url}/m/",
        "-r --no-inc-recursive s/ {url}/m/",
        "-aKyy s/ {url}/m/",
        "-ab --backup-dir=b --suffix=.x s/ {url}/m/",
        "-a --partial-dir=.p s/ {url}/m/",
        "-a --delay-updates s/ {url}/m/",
        "-a --partial s/ {url}/m/",
        "-aS --inplace s/ {url}/m/",
        "-a --append s/ {url}/m/",
        "-a --append-verify s/ {url}/m/",
        "-a --link-dest=../x --link-dest=/y* s/ {url}/m/",
        "-a --copy-dest=c -T tmp s/ {url}/m/",
        "-a --chown=a:b s/ {url}/m/",
        "-a --usermap=1:2 --groupmap=*:nogroup s/ {url}/m/",
        "-a --fsync --preallocate --super --mkpath --write-devices s/ {url}/m/",
        "-aH s/ {url}/m/",
        "-aAXH s/ {url}/m/",
        "-aUU --super --no-super s/ {url}/m/",
        "-a --open-noatime s/ {url}/m/",
        "-a --copy-devices s/ {url}/m/",
        "-ayy --link-dest=x s/ {url}/m/",
        "-aLk --safe-links --copy-unsafe-links s/ {url}/m/",
        "-a --remove-source-files --delete-missing-args s/ {url}/m/",
        "-a -P s/ {url}/m/",
        "-aq s/ {url}/m/",
        "-a --bwlimit=1.5m --timeout=9 --info=del s/ {url}/m/",
        "-a --bwlimit=600b {url}/m/ d",
        "-a --bwlimit=9 --no-bwlimit {url}/m/ d",
        "-aq --no-msgs2stderr {url}/m/ d",
        "-a --stderr=all {url}/m/ d",
        "-a --stderr=client s/ {url}/m/",
        "-a --stats --info=skip2,progress2,del {url}/m/ d",
        "-avv --stats --info=skip2,progress2,del s/ {url}/m/",
        "-a --info=all0,stats2 s/ {url}/m/",
        "-a --info=all {url}/m/ d",
        "-a --debug=all0,bind --info=none {url}/m/ d",
        "-a --out-format=%n s/ {url}/m/",
        "-av --out-format=%n s/ {url}/m/",
        "-a --out-format=%o s/ {url}/m/",
        "-ai --out-format=%i s/ {url}/m/",
        "-aii --out-format=%-5i --inplace s/ {url}/m/",
        "-aii --out-format=%n {url}/m/ d",
        "-a --log-file=/dev/null --progress s/ {url}/m/",
        "-aR {url}/m/a/./b d",
        "-aRx --no-implied-dirs {url}/m/a d",
        "-aR --no-i-d --i-d {url}/m/a d",
        "-a --no-implied-dirs {url}/m/a d",
        "-R --list-only {url}/m/a",
        "-aR --no-R --no-relative {url}/m/a d",
        "-aR --no-implied-dirs s {url}/m/",
        "-a --files-from=list {url}/m/ d",
        "-ra --files-from=list {url}/m/ d",
        "-a -r --no-r --files-from=list {url}/m/ d",
        "-r --no-d --files-from=list {url}/m/ d",
        "-ad --files-from=list {url}/m/ d",
        "-a --no-R --delete --files-from=list {url}/m/ d",
        "-a --list-only --files-from=list {url}/m/ d",
        "-a --from0 --files-from=list --no-implied-dirs {url}/m/ d",
        "-a --files-from=:x*y {url}/m/ d",
        "-a --from0 --no-R --files-from=127.0.0.1:/x {url}/m/ d",
        "-a --files-from=list s {url}/m/",
        "-a --delete --from0 --files-from=list s {url}/m/",
        "-rR --from0 --files-from=127.0.0.1::m/x s {url}/m/",
        "-a --no-R --files-from=:x s {url}/m/",
    ];
    for case in cases {
        let words: Vec<_> = case.split_whitespace().collect();
        assert_eq!(asked(&words, true), asked(&words, false), "{case}");
    }
}
