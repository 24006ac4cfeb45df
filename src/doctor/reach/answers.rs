//! Whether the daemon's answers get back to clients: the rules for what goes out, and the routes.

use std::net::IpAddr;

use ipnet::IpNet;
use nix::errno::Errno;

use crate::{
    doctor::{
        Cause, Report, Stage, Urgency,
        reach::{
            Family, Verdict, Way,
            firewall::{Decider, Direction, Packet},
            plain,
            rules::{Manager, Rules},
        },
    },
    host::{Route, hindrance_to, packets_without_route, routes},
};

impl Way<'_> {
    /// What the rules of this machine do with answers; only what stops all of them, or those to the client that is asked about.
    pub(super) fn answers(
        &self,
        family: Family,
        interfaces: &[String],
        rules: &Rules,
        stage: &mut Stage,
        report: &mut Report,
    ) {
        let packet = Packet {
            direction: Direction::Out,
            family,
            port: self.port,
            source: self.one_address(family),
            destination: self.from,
            interfaces: interfaces.to_vec(),
        };
        let judged = rules.judge(&packet);
        let (Verdict::Dropped(decider) | Verdict::Rejected(decider)) = &judged.verdict else {
            return;
        };
        let arguments = vec![
            ("port", self.port.to_string()),
            ("family", family.name().to_owned()),
            (
                "client",
                self.from
                    .map_or_else(|| "clients".to_owned(), |from| from.to_string()),
            ),
            ("open", let_out(judged.manager, decider, self.port)),
        ];
        let fact = format!("{}: {}", decider.place, decider.rule);
        let cause = self.found("RSY790", arguments, vec![fact]);
        report.causes.push(cause.of_kind("answers"));
        stage.fail();
    }

    /// A route that swallows answers: to the client that is asked about; else to a network, if packets got lost so.
    pub(super) fn ways_back(&self, stage: &mut Stage, report: &mut Report) {
        let Ok(routes) = routes(self.host) else {
            return;
        };
        if let Some(from) = self.from {
            if let Some(cause) = self.way_back_to(from, &routes) {
                report.causes.push(cause);
                stage.fail();
            }
            return;
        }
        let admitted = self.admitted_from_elsewhere();
        // Single addresses are banned on purpose.
        let swallowing = routes.iter().filter(|route| {
            route.is_swallowed && route.network.prefix_len() < route.network.max_prefix_len()
        });
        let lost = packets_without_route(self.host).filter(|lost| *lost > 0);
        for route in swallowing {
            let network = route.network;
            let is_meant = |own: &IpNet| network.contains(own) || own.contains(&network);
            let admitted = admitted.iter().find(|own| is_meant(own));
            let fact = match (network, lost, admitted) {
                (IpNet::V4(_), Some(lost), _) => {
                    format!("{lost} packets of this machine found no route (OutNoRoutes)")
                }
                // Nobody counts those of IPv6: the modules' own lists tell who is to get answers.
                (IpNet::V6(_), _, Some(own)) if hindrance_to(network.broadcast(), None).is_some() => {
                    format!("`hosts allow` has {}", plain(own))
                }
                _ => continue,
            };
            let cause = self.found("RSY239", arguments(network, "clients".to_owned()), vec![fact]);
            stage.warn();
            report.causes.push(match admitted {
                Some(_) => cause,
                None => cause.at(Urgency::Later),
            });
        }
    }

    /// Why answers do not get to a client: by the main table, or by another one that rules lead to.
    fn way_back_to(&self, from: IpAddr, routes: &[Route]) -> Option<Cause> {
        let family = Family::of(from);
        let route = Route::to(routes, from).filter(|route| route.is_swallowed);
        if let (Some(route), Family::V4) = (route, family) {
            let cause = self.found("RSY239", arguments(route.network, from.to_string()), Vec::new());
            return Some(cause.of_kind("client"));
        }
        let error = hindrance_to(from, self.one_address(family))?;
        if let Some(route) = route {
            let cause = self.found("RSY239", arguments(route.network, from.to_string()), Vec::new());
            return Some(cause.of_kind("client"));
        }
        let option = if family == Family::V6 { "-6 " } else { "" };
        let arguments = vec![("network", from.to_string()), ("client", from.to_string())];
        let fact = format!("a packet to {from}: {}", error.desc());
        let cause = self.found("RSY239", arguments, vec![fact]);
        Some(match error {
            Errno::ENETUNREACH => cause
                .of_kind("none")
                .typing(vec![format!("ip {option}route show table all; ip {option}rule")]),
            _ => cause
                .of_kind("rule")
                .typing(vec![format!("ip {option}rule; ip {option}route show table all")]),
        })
    }
}

fn arguments(network: IpNet, client: String) -> Vec<(&'static str, String)> {
    vec![("network", network.to_string()), ("client", client)]
}

/// The command that lets answers out.
fn let_out(manager: Manager, stopped_by: &Decider, port: u16) -> String {
    match manager {
        Manager::Nft | Manager::Firewalld => {
            format!("nft insert rule {} tcp sport {port} accept", stopped_by.place)
        }
        Manager::Ufw => format!("ufw allow out proto tcp from any port {port}"),
        Manager::Iptables => {
            let program = stopped_by.place.split(' ').next().unwrap_or("iptables");
            let chain = stopped_by.place.split(' ').nth(2).unwrap_or("OUTPUT");
            format!("{program} -I {chain} -p tcp --sport {port} -j ACCEPT")
        }
    }
}
