use std::{
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    process::{Command, Stdio},
    thread,
};

use crate::rsync::net::ConnectError;

/// Runs a program for the connection, a command of the shell that talks on its standard input and output; `%H` in it
/// stands for the host, `%%` for a percent sign (`open_socket_out_wrapped` in socket.c). It gets a TCP connection on the
/// loopback, since a daemon wants to know the address of its peer.
///
/// # Errors
///
/// A host that a shell could take for something else, and what the system says.
pub fn run_program(command: &str, host: &str) -> Result<TcpStream, ConnectError> {
    let command = fill(command, host)?;
    let (ours, theirs) = pair().map_err(ConnectError::Program)?;
    let output = theirs.try_clone().map_err(ConnectError::Program)?;
    let mut child = Command::new("/bin/sh")
        .args(["-c", &command])
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(OwnedFd::from(output)))
        .spawn()
        .map_err(ConnectError::Program)?;
    // It ends when the connection does; nobody asks how.
    thread::spawn(move || child.wait());
    Ok(ours)
}

fn fill(command: &str, host: &str) -> Result<String, ConnectError> {
    let mut filled = String::new();
    let mut rest = command.chars().peekable();
    while let Some(letter) = rest.next() {
        match (letter, rest.peek()) {
            ('%', Some('%')) => {
                rest.next();
                filled.push('%');
            }
            ('%', Some('H')) => {
                rest.next();
                if !is_safe(host) {
                    return Err(ConnectError::UnsafeHost);
                }
                filled.push_str(host);
            }
            _ => filled.push(letter),
        }
    }
    Ok(filled)
}

/// Whether a host stays a word that means nothing to a shell or to a program's options.
fn is_safe(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with(['-', '+', '~', '%'])
        && host
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "._:-%+~".contains(letter))
}

/// Both ends of a connection over loopback, for a program that wants a socket of its own.
///
/// # Errors
///
/// What the system says.
pub fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    ours.set_nodelay(true)?;
    let own = ours.local_addr()?;
    // Somebody else may have been faster.
    loop {
        let (theirs, peer) = listener.accept()?;
        if peer == own {
            return Ok((ours, theirs));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::{fill, run_program};

    #[test]
    fn a_program_is_the_peer() {
        let mut stream =
            run_program("read -r line; echo \"$line from %H\"", "host.example").expect("it runs");
        stream.write_all(b"hello\n").expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it writes");
        assert_eq!(text, "hello from host.example\n");
    }

    #[test]
    fn a_host_is_no_shell_text() {
        assert_eq!(fill("nc %H 100%%", "a-b").expect("safe"), "nc a-b 100%");
        for host in ["", "-x", "a;b", "$(id)", "a b"] {
            assert!(fill("nc %H", host).is_err(), "{host}");
        }
    }
}
