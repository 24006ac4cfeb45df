//! Which setting of each parameter holds.

use std::sync::Arc;

use crate::model::parameter::{COUNT, Parameter};

const _: () = assert!(
    COUNT <= u128::BITS as usize,
    "a module has one bit for each parameter"
);

/// For each parameter the global setting that holds, an index into the configuration's settings. Copies share their
/// memory until one of them is changed.
#[derive(Clone, Debug)]
pub(crate) struct Globals(Arc<[u32; COUNT]>);

impl Globals {
    pub(crate) fn set(&mut self, parameter: Parameter, setting: usize) {
        Arc::make_mut(&mut self.0)[parameter as usize] = setting as u32;
    }

    pub(crate) fn get(&self, parameter: Parameter) -> Option<usize> {
        let setting = self.0[parameter as usize];
        (setting != u32::MAX).then_some(setting as usize)
    }
}

impl Default for Globals {
    fn default() -> Self {
        Self(Arc::new([u32::MAX; COUNT]))
    }
}

/// The same for a module: its own settings, few as a rule, and the globals that held at its header. A large file has
/// many modules, and each check looks at all of them.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    /// One bit for each parameter that the module sets.
    own: u128,
    /// Their settings, in the order of the parameters.
    settings: Vec<u32>,
    inherited: Globals,
}

impl Slots {
    pub(crate) fn new(inherited: Globals) -> Self {
        Self {
            own: 0,
            settings: Vec::new(),
            inherited,
        }
    }

    pub(crate) fn set(&mut self, parameter: Parameter, setting: usize) {
        let bit = 1 << parameter as usize;
        let at = self.place(bit);
        if self.own & bit != 0 {
            self.settings[at] = setting as u32;
        } else {
            self.own |= bit;
            self.settings.insert(at, setting as u32);
        }
    }

    /// What the module itself sets.
    pub(crate) fn own(&self, parameter: Parameter) -> Option<usize> {
        let bit = 1 << parameter as usize;
        (self.own & bit != 0).then(|| self.settings[self.place(bit)] as usize)
    }

    /// What held at its header.
    pub(crate) fn inherited(&self, parameter: Parameter) -> Option<usize> {
        self.inherited.get(parameter)
    }

    fn place(&self, bit: u128) -> usize {
        (self.own & (bit - 1)).count_ones() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_of_a_module_hides_what_it_inherits() {
        let mut globals = Globals::default();
        globals.set(Parameter::Path, 1);
        let mut slots = Slots::new(globals.clone());
        globals.set(Parameter::Path, 9);
        for (setting, parameter) in Parameter::all().collect::<Vec<_>>().into_iter().enumerate().rev() {
            slots.set(parameter, setting);
        }
        slots.set(Parameter::Path, 100);
        for (setting, parameter) in Parameter::all().enumerate() {
            let last = if parameter == Parameter::Path {
                100
            } else {
                setting
            };
            assert_eq!(slots.own(parameter), Some(last), "{}", parameter.name());
        }
        assert_eq!(slots.inherited(Parameter::Path), Some(1));
        assert_eq!(slots.inherited(Parameter::ReadOnly), None);
        assert_eq!(globals.get(Parameter::Path), Some(9));
        assert_eq!(Slots::new(globals).own(Parameter::Path), None);
    }
}
