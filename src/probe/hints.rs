use std::time::Duration;

use crate::{
    explain::nearest,
    probe::{
        prober::Prober,
        stage::{Fact, Step},
        transcript::Wire,
    },
    rsync::net::{Address, Family},
};

/// What a probe can look up besides, once something failed.
impl Prober {
    /// Whether a name without an address has one of the other family.
    pub(super) async fn look_for_other_family(&mut self, address: &Address, limit: Duration) {
        let (family, flag) = match address.family {
            Family::V4 => ("IPv4", "-4"),
            Family::V6 => ("IPv6", "-6"),
            Family::Any => return,
        };
        let any = Address {
            family: Family::Any,
            ..address.clone()
        };
        if let Wire::Live = self.setting.wire
            && let Ok(found) = self.setting.wire.resolve(&any, limit).await
            && let Some(one) = found.first()
        {
            let names = [
                ("family", family),
                ("flag", flag),
                ("address", &one.ip().to_string()),
            ];
            let names = names.map(|(kind, name)| (kind, name.to_owned()));
            self.watched.names.extend(names);
            self.watched.is_of_other_family = true;
        }
    }

    /// The module of the list that was most likely meant, if the one that was asked for is not in it.
    pub(super) fn nearly(&self) -> Option<String> {
        let facts = self.report.stage(Step::Modules).facts.iter();
        let listed = facts.filter_map(|fact| match fact {
            Fact::Module(name, _) => Some(name.clone()),
            _ => None,
        });
        nearest(self.asked.as_ref()?, listed)
    }
}
