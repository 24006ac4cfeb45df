//! What the shape of a page of `rules/` and of its tables does not guarantee. Each mistake is told with
//! its file and line. Shared by `build.rs`, which stops at the first one of a file, and the tests.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each of the two users reads a part of it"
)]

use std::{collections::BTreeSet, path::Path};

use serde::de::DeserializeOwned;

use super::page::{Page, ParameterTable, Parts, ReleaseTable, Text};

/// A file of TOML whose mistakes have places.
pub struct Place<'a> {
    file: &'a str,
    front: &'a str,
    front_line: usize,
}

impl<'a> Place<'a> {
    pub fn new(file: &'a str, parts: &Parts<'a>) -> Self {
        Self {
            file,
            front: parts.front,
            front_line: parts.front_line,
        }
    }

    pub fn front_matter<T: DeserializeOwned>(&self) -> Result<T, String> {
        toml::from_str(self.front).map_err(|error| {
            let above = error
                .span()
                .map_or(0, |span| self.front[..span.start].matches('\n').count());
            format!("{}:{}: {}", self.file, self.front_line + above, error.message())
        })
    }

    /// A mistake at a key of the table of that name, counted from 0 where there are several; at the table's header if
    /// the key is not there, and at the first line if the table is not there either.
    pub fn error(&self, table: &str, count: usize, key: &str, message: &str) -> String {
        let line = self.line(table, count, key).unwrap_or(0);
        format!("{}:{}: {message}", self.file, self.front_line + line)
    }

    fn line(&self, table: &str, count: usize, key: &str) -> Option<usize> {
        let mut current = "";
        let mut seen = 0;
        let mut header = None;
        for (number, line) in self.front.lines().enumerate() {
            if let Some(name) = line.strip_prefix('[') {
                current = name.trim_start_matches('[').split(']').next().unwrap_or_default();
                if current == table {
                    if seen == count {
                        header = Some(number);
                    }
                    seen += 1;
                }
                continue;
            }
            let is_here = current == table && (table.is_empty() || seen == count + 1);
            let name = line.split('=').next().unwrap_or_default().trim();
            if is_here && !key.is_empty() && name == key {
                return Some(number);
            }
        }
        header
    }

    pub fn check_page(&self, page: &Page, identifiers: &[String]) -> Result<(), String> {
        let stem = Path::new(self.file).file_stem().unwrap_or_default();
        let expected = format!("{}-{}", page.id, page.name);
        if *stem != *expected {
            return Err(self.error("", 0, "name", &format!("the file must be named {expected}.md")));
        }
        if identifiers.iter().filter(|one| **one == page.id).count() > 1 {
            let message = format!("`{}` is the id of another page too", page.id);
            return Err(self.error("", 0, "id", &message));
        }
        for (language, text) in [("en", &page.en), ("zh", &page.zh)] {
            for (key, value) in texts(text).into_iter().take(4) {
                if value.is_none() {
                    return Err(self.error(language, 0, "", &format!("[{language}] has no `{key}`")));
                }
            }
        }
        self.same_placeholders("", &page.en, &page.zh)?;
        for (name, variant) in &page.variant {
            self.same_placeholders(name, &variant.en, &variant.zh)?;
        }
        for (key, release) in [("since", &page.since), ("until", &page.until)] {
            self.check_release("", 0, key, release.as_deref())?;
        }
        for (count, symptom) in page.symptom.iter().enumerate() {
            if symptom.client.is_none() && (symptom.en.is_none() || symptom.zh.is_none()) {
                let message = "a symptom without `client` needs `en` and `zh`";
                return Err(self.error("symptom", count, "", message));
            }
            for name in &symptom.variants {
                if !page.variant.contains_key(name) {
                    let message = format!("the page has no variant `{name}`");
                    return Err(self.error("symptom", count, "variants", &message));
                }
            }
            for (key, release) in [("since", &symptom.since), ("until", &symptom.until)] {
                self.check_release("symptom", count, key, release.as_deref())?;
            }
        }
        if page.files.is_empty() && page.symptom.is_empty() && !page.noticed {
            let message = "a page that names no `files` needs a symptom";
            return Err(self.error("", 0, "files", message));
        }
        let is_shown = page.proof.is_some() || page.unproven.is_some();
        if !page.files.is_empty() && !page.symptom.is_empty() && !is_shown {
            let message = "a page with a symptom needs `[proof]` or `unproven`";
            return Err(self.error("symptom", 0, "", message));
        }
        match page.related.iter().find(|one| !identifiers.contains(one)) {
            Some(unknown) => Err(self.error("", 0, "related", &format!("`{unknown}` is no page"))),
            None => Ok(()),
        }
    }

    pub fn check_parameters(&self, table: &ParameterTable) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for (count, parameter) in table.parameter.iter().enumerate() {
            let name = &parameter.name;
            if !is_name(name) {
                let message =
                    format!("`{name}` is not made of small letters, with one blank or hyphen between words");
                return Err(self.error("parameter", count, "name", &message));
            }
            if !names.insert(name.replace(' ', "")) {
                let message = format!("`{name}` stands here twice");
                return Err(self.error("parameter", count, "name", &message));
            }
            self.check_release("parameter", count, "since", Some(&parameter.since))?;
        }
        for (count, wrong) in table.wrong_name.iter().enumerate() {
            if !table
                .parameter
                .iter()
                .any(|parameter| parameter.name == wrong.means)
            {
                let message = format!("`{}` is no parameter", wrong.means);
                return Err(self.error("wrong-name", count, "means", &message));
            }
        }
        Ok(())
    }

    pub fn check_releases(&self, table: &ReleaseTable) -> Result<(), String> {
        for (count, release) in table.release.iter().enumerate() {
            self.check_release("release", count, "version", Some(&release.version))?;
        }
        let mut ids = BTreeSet::new();
        for (count, advisory) in table.advisory.iter().enumerate() {
            if !ids.insert(&advisory.id) {
                let message = format!("`{}` stands here twice", advisory.id);
                return Err(self.error("advisory", count, "id", &message));
            }
            if !table
                .release
                .iter()
                .any(|release| release.version == advisory.fixed)
            {
                let message = format!("`{}` is none of the releases above", advisory.fixed);
                return Err(self.error("advisory", count, "fixed", &message));
            }
            self.check_release("advisory", count, "since", advisory.since.as_deref())?;
        }
        Ok(())
    }

    fn check_release(
        &self,
        table: &str,
        count: usize,
        key: &str,
        release: Option<&str>,
    ) -> Result<(), String> {
        match release.filter(|text| release_numbers(text).is_none()) {
            Some(text) => Err(self.error(
                table,
                count,
                key,
                &format!("`{text}` is not a release such as 3.5.0"),
            )),
            None => Ok(()),
        }
    }

    /// Both languages say the same things, with the same placeholders.
    fn same_placeholders(&self, variant: &str, en: &Text, zh: &Text) -> Result<(), String> {
        for ((key, english), (_, chinese)) in texts(en).into_iter().zip(texts(zh)) {
            let both = [placeholders(english), placeholders(chinese)];
            if english.is_some() == chinese.is_some() && both[0] == both[1] {
                continue;
            }
            let message = match (english.is_some(), chinese.is_some()) {
                (true, false) => format!("`{key}` is in English alone"),
                (false, true) => format!("`{key}` is in Chinese alone"),
                _ => format!("the Chinese `{key}` has {:?}, the English {:?}", both[1], both[0]),
            };
            let language = if chinese.is_some() { "zh" } else { "en" };
            return Err(self.text_error(variant, language, key, &message));
        }
        if en.labels.keys().ne(zh.labels.keys()) {
            let [english, chinese] = [en, zh].map(|text| text.labels.keys().collect::<Vec<_>>());
            let message = format!("the Chinese labels are {chinese:?}, the English {english:?}");
            return Err(self.text_error(variant, "zh", "labels", &message));
        }
        Ok(())
    }

    /// A mistake in a text: under the header of its language, or, in a variant, behind a dot.
    fn text_error(&self, variant: &str, language: &str, key: &str, message: &str) -> String {
        let (table, dotted) = if variant.is_empty() {
            (language.to_owned(), key.to_owned())
        } else {
            (format!("variant.{variant}"), format!("{language}.{key}"))
        };
        let own = format!("{table}.{language}");
        if !variant.is_empty() && self.line(&own, 0, key).is_some() {
            return self.error(&own, 0, key, message);
        }
        self.error(&table, 0, &dotted, message)
    }
}

/// Every text of a case; the first four are mandatory for a page.
fn texts(text: &Text) -> [(&'static str, Option<&str>); 6] {
    [
        ("summary", text.summary.as_deref()),
        ("title", text.title.as_deref()),
        ("message", text.message.as_deref()),
        ("help", text.help.as_deref()),
        ("label", text.label.as_deref()),
        ("not", text.not.as_deref()),
    ]
}

fn placeholders(text: Option<&str>) -> BTreeSet<&str> {
    text.iter()
        .flat_map(|text| text.split('{').skip(1))
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

fn is_name(name: &str) -> bool {
    name.split([' ', '-'])
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The three numbers of a release.
pub fn release_numbers(text: &str) -> Option<[u16; 3]> {
    let numbers: Vec<u16> = text
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}
