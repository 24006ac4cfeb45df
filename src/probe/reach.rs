use std::{
    io::{self, Write as _},
    net::SocketAddr,
    time::{Duration, Instant},
};

use nix::errno::Errno;
use tokio::{
    net::{TcpSocket, lookup_host},
    time::timeout,
};

use crate::{
    probe::{
        Setting,
        prober::Prober,
        stage::{Fact, Skip, Step},
    },
    rsync::{
        net::{Address, ConnectError, Family, Stream},
        transfer::{Error, describe, shown},
    },
    sync::{Plan, last_line, unconnected},
};

/// The addresses of a host, in the resolver's order.
///
/// # Errors
///
/// What the resolver says; silence, and an empty answer, too.
pub(super) async fn resolve(address: &Address, limit: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
    let found = timeout(limit, lookup_host((&*address.host, address.port))).await;
    let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let is_wanted = |found: &SocketAddr| match address.family {
        Family::Any => true,
        Family::V4 => found.is_ipv4(),
        Family::V6 => found.is_ipv6(),
    };
    let wanted = found.and_then(|found| {
        let wanted: Vec<_> = found.filter(is_wanted).collect();
        let none = || {
            io::Error::new(
                io::ErrorKind::NotFound,
                "Address family for hostname not supported",
            )
        };
        (!wanted.is_empty()).then_some(wanted).ok_or_else(none)
    });
    wanted.map_err(|source| ConnectError::Resolve {
        host: address.host.clone(),
        port: address.port,
        source,
    })
}

/// Connects to one address, and says there what stands in front of a session.
///
/// # Errors
///
/// What the system says, or that nothing answered within the limit.
pub(super) async fn connect(
    target: &Address,
    address: SocketAddr,
    limit: Duration,
    announce: &[u8],
) -> io::Result<Stream> {
    let socket = match address.is_ipv4() {
        true => TcpSocket::new_v4(),
        false => TcpSocket::new_v6(),
    }?;
    if let Some(local) = target.resolve_local(address)? {
        socket.bind(local)?;
    }
    let stream = timeout(limit, socket.connect(address)).await;
    // As the kernel says it, later.
    let stream = stream.unwrap_or_else(|_| Err(Errno::ETIMEDOUT.into()))?;
    stream.set_nodelay(true)?;
    let mut stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.write_all(announce)?;
    Ok(stream.into())
}

impl Prober {
    /// Resolves the name and tries each address; the connection of the first that takes one.
    pub(super) async fn reach(&mut self, plan: &Plan, words: &[String]) -> Option<Stream> {
        let wire = &self.setting.wire;
        if wire.way(&self.setting.environment).is_some() {
            self.report.skip(Step::Resolve, Skip::OtherWay);
            return None;
        }
        let address = &plan.daemon.address;
        let limit = plan.connect_limit.unwrap_or(self.setting.choice.connect_limit);
        let start = Instant::now();
        self.come_to(Step::Resolve);
        let found = match wire.resolve(address, limit).await {
            Ok(found) => found,
            Err(error) => {
                self.look_for_other_family(address, limit).await;
                self.not_reached(Step::Resolve, error, words);
                return None;
            }
        };
        self.report.pass(Step::Resolve, start.elapsed());
        self.come_to(Step::Connect);
        let start = Instant::now();
        let (mut first, mut tried) = (None, Vec::new());
        // One connection at a time: the address that clients take is the last one that is tried.
        for at in found.into_iter().rev() {
            drop(first.take());
            let Setting { choice, wire, .. } = &*self.setting;
            let connected = wire.connect(address, at, limit, &choice.announce).await;
            tried.push(connected.map_or_else(
                |error| (at, Some(error)),
                |stream| {
                    first = Some(stream);
                    (at, None)
                },
            ));
        }
        tried.reverse();
        for (at, error) in &tried {
            self.report.note(Step::Resolve, Fact::Address(*at));
            let fact = match error {
                None => Fact::Address(*at),
                Some(error) => Fact::Unreachable(*at, describe(error)),
            };
            self.report.note(Step::Connect, fact);
        }
        self.address = tried.iter().find(|(_, error)| error.is_none()).map(|(at, _)| *at);
        if let Some(at) = self.address {
            self.report.pass(Step::Connect, start.elapsed());
            let Setting { choice, wire, .. } = &*self.setting;
            return match first {
                Some(first) => Some(first),
                None => wire.connect(address, at, limit, &choice.announce).await.ok(),
            };
        }
        let tried = tried
            .into_iter()
            .filter_map(|(at, error)| Some((at, error?)))
            .collect();
        let failed = ConnectError::of_tried(address, tried);
        let failed = match plan.connect_limit {
            Some(_) if failed.is_silence() => ConnectError::TimedOut,
            _ => failed,
        };
        self.not_reached(Step::Connect, failed, words);
        None
    }

    fn not_reached(&mut self, step: Step, reason: ConnectError, words: &[String]) {
        let text = unconnected(&reason, "Receiver");
        let text = text
            .lines()
            .map(|line| shown(line.as_bytes()))
            .collect::<Vec<_>>()
            .join("\n");
        if let ConnectError::Own { local, .. } = &reason {
            let flag = ("flag", format!("--address={local}"));
            self.watched.names.extend([flag, ("address", local.clone())]);
            self.watched.is_own_address = true;
        }
        // rsync prints the last line alone then.
        if !matches!(reason, ConnectError::TimedOut) && !text.is_empty() {
            self.said.extend_from_slice(format!("{text}\n").as_bytes());
        }
        // What rsync prints of an address of our own is nobody else's answer.
        let is_of_name = step == Step::Resolve || matches!(reason, ConnectError::Own { .. });
        if is_of_name && !text.is_empty() {
            self.report.note(step, Fact::Said(text));
        }
        self.report.fail(step);
        self.report.exit = Error::from(reason).exit();
        self.report.command = self.typed(words);
        let last = last_line(self.report.exit, "Receiver");
        self.said.extend_from_slice(last.as_bytes());
    }
}
