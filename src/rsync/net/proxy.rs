use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::rsync::net::{Address, ConnectError, Family, connect};

/// A web proxy that passes connections on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proxy {
    /// Where it is.
    pub address: Address,
    /// `user:password`, if it wants that.
    credentials: Option<String>,
}

/// The longest line of a proxy's answer, in bytes.
const MAX_LINE: u64 = 1024;

/// So many lines of it are read.
const MAX_LINES: usize = 256;

impl Proxy {
    /// Reads `[USER:PASSWORD@]HOST:PORT` (`open_socket_out` in socket.c).
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, ConnectError> {
        let (credentials, place) = match text.rsplit_once('@') {
            Some((credentials, place)) if credentials.contains(':') => (Some(credentials.to_owned()), place),
            Some(_) => return Err(ConnectError::ProxyForm("USER:PASS@HOST:PORT")),
            None => (None, text),
        };
        let parsed = place
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = parsed.ok_or(ConnectError::ProxyForm("HOST:PORT"))?;
        Ok(Self {
            address: Address {
                host: host.to_owned(),
                port,
                family: Family::Any,
                local: None,
            },
            credentials,
        })
    }

    /// Connects to an address through the proxy.
    ///
    /// # Errors
    ///
    /// A proxy that does not answer, or says no.
    pub fn connect(&self, target: &Address, limit: Option<Duration>) -> Result<TcpStream, ConnectError> {
        let stream = connect(&self.address, limit)?;
        self.ask(&stream, target, limit)?;
        Ok(stream)
    }

    fn ask(
        &self,
        mut stream: &TcpStream,
        target: &Address,
        limit: Option<Duration>,
    ) -> Result<(), ConnectError> {
        if target.host.chars().any(char::is_control) {
            return Err(ConnectError::ProxyAnswer(
                "invalid control character in proxy CONNECT host".to_owned(),
            ));
        }
        // In rsync's words (`establish_proxy_connection`).
        let to_read =
            |error: io::Error| ConnectError::ProxyAnswer(format!("failed to read from proxy: {error}"));
        let to_write =
            |error: io::Error| ConnectError::ProxyAnswer(format!("failed to write to proxy: {error}"));
        stream.set_read_timeout(limit).map_err(to_read)?;
        let mut request = format!("CONNECT {}:{} HTTP/1.0", target.host, target.port);
        if let Some(credentials) = &self.credentials {
            request.push_str("\r\nProxy-Authorization: Basic ");
            request.push_str(&STANDARD.encode(credentials));
        }
        request.push_str("\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(to_write)?;
        // One byte at a time: what stands behind the answer is the daemon's.
        let mut answer = BufReader::with_capacity(1, stream);
        let mut line = || -> Result<String, ConnectError> {
            let mut line = Vec::new();
            answer
                .by_ref()
                .take(MAX_LINE)
                .read_until(b'\n', &mut line)
                .map_err(to_read)?;
            if line.last() != Some(&b'\n') {
                let what = if line.len() as u64 == MAX_LINE {
                    "proxy response line too long"
                } else {
                    "failed to read from proxy"
                };
                return Err(ConnectError::ProxyAnswer(what.to_owned()));
            }
            Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
        };
        let first = line()?;
        let status = first.strip_prefix("HTTP/").map(|rest| {
            let version = |letter: char| letter.is_ascii_digit() || letter == '.';
            rest.trim_start_matches(version).trim_start_matches(' ')
        });
        if !status.is_some_and(|status| status.starts_with('2')) {
            return Err(ConnectError::ProxyAnswer(format!(
                "bad response from proxy -- {first}"
            )));
        }
        for _ in 0..MAX_LINES {
            if line()?.is_empty() {
                return Ok(());
            }
        }
        Err(ConnectError::ProxyAnswer(
            "proxy response header has too many lines".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
        time::Duration,
    };

    use super::Proxy;
    use crate::rsync::net::{Address, Family};

    fn through(answer: &'static [u8]) -> Result<(String, String), String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let proxy = thread::spawn(move || {
            let (mut peer, _) = listener.accept().expect("a client");
            let mut request = vec![0; 4096];
            let count = peer.read(&mut request).expect("a request");
            peer.write_all(answer).expect("it listens");
            String::from_utf8_lossy(&request[..count]).into_owned()
        });
        let target = Address {
            host: "backup.example".to_owned(),
            port: 873,
            family: Family::Any,
            local: None,
        };
        let connected = Proxy::parse(&format!("joe:not-a-secret@127.0.0.1:{port}"))
            .expect("a proxy")
            .connect(&target, Some(Duration::from_secs(60)));
        let request = proxy.join().expect("the proxy ends");
        let mut stream = connected.map_err(|error| error.to_string())?;
        let mut rest = String::new();
        stream.read_to_string(&mut rest).expect("the rest");
        Ok((request, rest))
    }

    #[test]
    fn what_follows_the_answer_is_the_daemons() {
        let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n@RSYNCD: 31.0\n";
        let (request, rest) = through(answer).expect("a way through");
        assert_eq!(
            request,
            "CONNECT backup.example:873 HTTP/1.0\r\nProxy-Authorization: Basic am9lOm5vdC1hLXNlY3JldA==\r\n\r\n"
        );
        assert_eq!(rest, "@RSYNCD: 31.0\n");
    }

    #[test]
    fn a_refusal_is_told() {
        assert_eq!(
            through(b"HTTP/1.0 407 who are you\r\n\r\n"),
            Err("bad response from proxy -- HTTP/1.0 407 who are you".to_owned())
        );
        assert_eq!(
            through(b"SSH-2.0-x\r\n"),
            Err("bad response from proxy -- SSH-2.0-x".to_owned())
        );
        assert_eq!(through(b""), Err("failed to read from proxy".to_owned()));
        assert!(Proxy::parse("proxy").is_err() && Proxy::parse("joe@proxy:1").is_err());
    }
}
