use crate::{
    catalog::Confidence,
    explain::rank::{Cause, Reason},
};

/// How sure each cause is, from what the others have.
pub(super) fn state(causes: &mut [Cause]) {
    let second = causes.get(1).map_or(0, |cause| cause.score);
    let Some(first) = causes.first_mut() else { return };
    let is_alone = |reason: &Reason| {
        matches!(
            reason,
            Reason::Alone(_)
                | Reason::Logged(_)
                | Reason::Found(_)
                | Reason::Default(_)
                | Reason::NoModule(..)
        )
    };
    first.confidence = if first.reasons.iter().any(is_alone) && first.score >= 2 * second {
        Confidence::Certain
    } else if first.score * 2 >= second * 3 {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
}
