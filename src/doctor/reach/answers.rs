//! Whether the daemon's answers get back to clients: the rules for what goes out, and the routes.

use ipnet::{IpNet, Ipv4Net};

use crate::{
    doctor::{
        Report, Stage, Urgency,
        reach::{
            Family, Verdict, Way,
            firewall::{Decider, Direction, Packet},
            rules::{Manager, Rules},
        },
    },
    host::{Route, packets_without_route, routes},
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
            if let Some(route) = Route::to(&routes, from).filter(|route| route.is_swallowed) {
                let cause = self.found("RSY239", arguments(route.network, from.to_string()), Vec::new());
                report.causes.push(cause.of_kind("client"));
                stage.fail();
            }
            return;
        }
        let Some(lost) = packets_without_route(self.host).filter(|lost| *lost > 0) else {
            return;
        };
        let admitted = self.admitted_from_elsewhere();
        // Single addresses are banned on purpose.
        let swallowing = routes.iter().filter(|route| {
            route.is_swallowed && route.network.prefix_len() < route.network.max_prefix_len()
        });
        for route in swallowing {
            let network = IpNet::V4(route.network);
            let is_meant = |own: &IpNet| network.contains(own) || own.contains(&network);
            let fact = format!("{lost} packets of this machine found no route (OutNoRoutes)");
            let cause = self.found(
                "RSY239",
                arguments(route.network, "clients".to_owned()),
                vec![fact],
            );
            let is_admitted = admitted.iter().any(is_meant);
            stage.warn();
            report.causes.push(match is_admitted {
                true => cause,
                false => cause.at(Urgency::Later),
            });
        }
    }
}

fn arguments(network: Ipv4Net, client: String) -> Vec<(&'static str, String)> {
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
