//! Mistakes of a configuration that a trial does not show.

use std::borrow::Cow;

use crate::{
    catalog::{self, Language, fill, fill_command},
    explain::Predicted,
    render::{names::has_placeholder, next::edit},
};

/// What is to be typed against a mistake that is found in a configuration: its cure, or what shows its line.
pub(super) fn cure_of(found: &Predicted) -> Option<String> {
    let page = catalog::page(found.rule)?;
    let own = found.variant.and_then(|name| page.variant(name)?.commands);
    let commands = own.unwrap_or(page.commands).iter();
    let mut filled = commands.map(|command| fill_command(command, &found.arguments));
    let cure = filled.find(|command| !has_placeholder(command));
    cure.map_or_else(|| edit(&found.place), |cure| Some(cure.into_owned()))
}

/// What is wrong, in one line, where a configuration is found to have a mistake.
pub(super) fn title(found: &Predicted, language: Language) -> Cow<'static, str> {
    let Some(page) = catalog::page(found.rule) else {
        return Cow::Borrowed(found.rule);
    };
    let title = page.text(found.variant, language).title;
    let title = title.map(|title| fill(title, &found.arguments));
    let title = title.filter(|title| !has_placeholder(title));
    title.unwrap_or_else(|| Cow::Borrowed(page.summary(language)))
}
