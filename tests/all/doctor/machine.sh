# A machine of its own: its processes, its network, its folders; what it shows goes to the third descriptor.
set -eu
exec 3>&1 >&2
mount --make-rprivate /
own() { mount -t tmpfs -o mode="$2" own "$1"; }
own /mnt 755
cp -a /etc/. /mnt/
mount --move /mnt /etc
own /usr/local/bin 755
touch /usr/local/bin/rsyncctl
mount --bind "$PROGRAM" /usr/local/bin/rsyncctl
for folder in /srv /home /root /var/log /run; do own "$folder" 755; done
own /tmp 1777
ip link set lo up
cd /root

# Devices of its own, so that programs which log to the system reach only this machine.
mkdir /run/dev
own /run/dev 755
find /dev -maxdepth 1 \( -type c -o -type b \) -exec cp -a -t /run/dev {} +
ln -s /proc/self/fd /run/dev/fd
mkdir /run/dev/shm /run/dev/pts
mount --move /run/dev /dev
rmdir /run/dev

# Writes the daemon's configuration.
conf() { cat >/etc/rsyncd.conf; }

# A secrets file, or a password file, that is as it should be.
secret() { cat >"$1"; chmod 600 "$1"; }

# Waits until somebody listens on a port.
await() {
    local place deadline=$((SECONDS + 20))
    place=$(printf ':%04X 0*:0000 0A' "$1")
    until grep -q "$place" /proc/net/tcp /proc/net/tcp6; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "nobody listens on port $1"; exit 99; }
        read -rt 0.02 <> <(:) || true
    done
}

# Starts the daemon, with more options if there are some.
start() { rsync --daemon "$@"; await 873; }

# Starts the daemon on 192.0.2.1, which is another machine as far as its network goes; this one is 192.0.2.7 there.
start_elsewhere() {
    ip netns add server
    ip link add eth0 type veth peer name eth0 netns server
    ip address add 192.0.2.7/24 dev eth0; ip link set eth0 up
    ip -n server address add 192.0.2.1/24 dev eth0; ip -n server link set eth0 up
    ip netns exec server bash -c "$(declare -f await start); start $*"
}

# Waits until a file is there.
appears() {
    local deadline=$((SECONDS + 20))
    until [ -e "$1" ]; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "there is no $1"; exit 99; }
        read -rt 0.02 <> <(:) || true
    done
}

# Keeps what programs log to the system in systemd's journal.
journal() {
    mkdir -p /run/log/journal
    /lib/systemd/systemd-journald &
    appears /run/systemd/journal/dev-log
    [ -e /dev/log ] || ln -s /run/systemd/journal/dev-log /dev/log
}

# Keeps what programs log to the system in a file, in the form of syslog daemons.
syslog() {
    perl -MIO::Socket::UNIX -e '
        open my $file, ">>", $ARGV[0]; $file->autoflush(1);
        my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "/dev/log") or die $!;
        open my $ready, ">", "/run/syslog.ready";
        while (defined $socket->recv(my $line, 8192)) {
            chomp $line; $line =~ s/^<\d+>(.{15}) /$1 host /; print $file "$line\n";
        }' "$1" &
    appears /run/syslog.ready
}

# Runs the client as the situation has it, and shows how it ends.
client() {
    local code=0
    timeout --signal=KILL 30 bash -c "$1" </dev/null || code=$?
    echo "client $code" >&3
}

# Runs the doctor, and shows what it says.
doctor() {
    local code=0
    eval "timeout --signal=KILL 60 $1" >&3 </dev/null || code=$?
    echo "doctor ended with $code"
}
