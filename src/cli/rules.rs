use std::io::Write as _;

use clap::Args;

use crate::{
    catalog::{self, Page},
    cli::{
        Failure, exit,
        output::{Output, PageFormat, stdout},
    },
    render::{Format, envelope, severity},
};

/// List the rules: identifier, severity, name, summary
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    output: Output<PageFormat>,
}

/// Lists every page of the catalogue.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let language = arguments.output.language();
    let mut out = stdout();
    if arguments.output.format() == Format::Json {
        let rules: Vec<_> = catalog::pages()
            .iter()
            .map(|page| as_json(page, language))
            .collect();
        let summary = serde_json::json!({ "rules": rules.len() });
        let own = [("rules", rules.into())];
        let envelope = envelope("rules", &[], &[], summary, language, own);
        writeln!(out, "{envelope}")?;
    } else {
        for page in catalog::pages() {
            writeln!(
                out,
                "{} {:7} {:32} {}",
                page.id,
                severity(page.severity, language),
                page.name,
                page.summary(language)
            )?;
        }
    }
    out.flush()?;
    Ok(exit::CLEAN)
}

fn as_json(page: &Page, language: catalog::Language) -> serde_json::Value {
    serde_json::json!({
        "rule": page.id,
        "name": page.name,
        "severity": page.severity,
        "confidence": page.confidence,
        "files": page.files,
        "needs": page.needs,
        "fix": page.fix,
        "since": page.since,
        "until": page.until,
        "summary": page.summary(language),
        "related": page.related,
    })
}
