//! What was meant by the name of a module that is not there.

use strsim::damerau_levenshtein;

use crate::explain::Server;

impl Server {
    /// The module that was most likely meant by a name that none has.
    pub(super) fn nearly(&self, asked: &str) -> Option<String> {
        let names = self.configuration.modules.iter();
        let names = names.map(|module| module.name.display().into_owned());
        nearest(asked, names).filter(|_| !self.has(asked))
    }
}

/// The name that was most likely meant by another one.
pub(crate) fn nearest(asked: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let asked = asked.to_lowercase();
    let distance = |name: &str| damerau_levenshtein(&name.to_lowercase(), &asked);
    let nearest = names.min_by_key(|name| distance(name))?;
    (distance(&nearest) <= asked.chars().count() / 4).then_some(nearest)
}
