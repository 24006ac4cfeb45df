//! roxmltree as the referee: what it accepts we read the same, and without a problem.

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::select,
};

use super::*;

proptest! {
    #[test]
    fn printing_gives_the_same_bytes(file in vec(any_piece(), 0..60)) {
        let file = file.concat();
        let document = parse(&file);
        let mut at = 0;
        for node in &document.nodes {
            prop_assert_eq!(node.range.start, at);
            prop_assert!(node.range.end > at);
            at = node.range.end;
        }
        prop_assert_eq!(document.print(&file), &file[..]);
        for problem in &document.problems {
            prop_assert!(problem.range.start <= problem.range.end && problem.range.end <= file.len());
        }
        for (index, element) in document.elements.iter().enumerate() {
            prop_assert_eq!(element.descendants.start, index + 1);
            prop_assert_eq!(element.tag.start, element.range.start);
            prop_assert_eq!(document.nodes[element.nodes.start].range.clone(), element.tag.clone());
            prop_assert_eq!(document.nodes[element.nodes.end - 1].range.end, element.range.end);
            for attribute in &element.attributes {
                prop_assert!(element.tag.start < attribute.range.start);
                prop_assert!(attribute.range.end <= element.tag.end);
            }
            for inner in &document.elements[element.descendants.clone()] {
                prop_assert!(inner.range.end <= element.range.end);
                prop_assert!(inner.descendants.end <= element.descendants.end);
            }
        }
    }

    #[test]
    fn what_an_xml_parser_accepts_is_read_the_same(file in vec(conforming_piece(), 0..12)) {
        let file = format!("<head>{}</head>", file.concat());
        agrees_with_roxmltree(&file)?;
    }

    #[test]
    fn generated_conforming_files_are_read_the_same(file in conforming_file()) {
        prop_assert!(roxmltree::Document::parse(&file).is_ok(), "{file}");
        agrees_with_roxmltree(&file)?;
    }
}

/// If roxmltree accepts the file, it has no problem for us, and the same elements with the same attributes.
fn agrees_with_roxmltree(file: &str) -> Result<(), TestCaseError> {
    let Ok(expected) = roxmltree::Document::parse(file) else {
        return Ok(());
    };
    let document = parse(file.as_bytes());
    prop_assert_eq!(&document.problems, &[], "{}", file);
    let expected: Vec<_> = expected
        .descendants()
        .filter(roxmltree::Node::is_element)
        .map(|element| {
            let attributes = element.attributes();
            (
                element.ancestors().filter(roxmltree::Node::is_element).count(),
                element.tag_name().name().to_owned(),
                element.range(),
                attributes
                    .map(|a| (a.name().to_owned(), a.value().to_owned(), a.range_value()))
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let elements = document.elements.iter().enumerate();
    let found: Vec<_> = elements
        .map(|(index, element)| {
            let attributes = element.attributes.iter().map(|attribute| {
                let value = attribute.value.as_ref().expect("XML has no other");
                // XML makes each white space of a value a blank, sersync passes it on.
                let text = value.text.display().replace(['\n', '\t'], " ");
                (attribute.name.display().into_owned(), text, value.range.clone())
            });
            (
                ancestors_and_self(&document, index),
                element.name.display().into_owned(),
                element.range.clone(),
                attributes.collect::<Vec<_>>(),
            )
        })
        .collect();
    prop_assert_eq!(found, expected, "{}", file);
    Ok(())
}

fn ancestors_and_self(document: &Document, index: usize) -> usize {
    let around = document.elements[..index].iter();
    let ancestors = around.filter(|element| element.descendants.contains(&index));
    ancestors.count() + 1
}

fn any_piece() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "<",
        ">",
        "/",
        "=",
        "\"",
        "'",
        "&",
        ";",
        " ",
        "\n",
        "<head",
        "</head>",
        "<a",
        "</a>",
        "</A ",
        "<b>",
        "/>",
        " c=\"d\"",
        " c=d",
        "<!--",
        "-->",
        "--",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!",
        "&amp;",
        "&#65;",
        "\u{feff}",
        "x",
    ];
    prop_oneof![
        4 => select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

/// Pieces that rarely but often enough make a file that an XML parser accepts.
fn conforming_piece() -> impl Strategy<Value = &'static str> {
    let pieces = [
        "<a>",
        "</a>",
        "<b c='d'>",
        "</b>",
        "<a/>",
        "<a b=\"c>'d\" e = '\"/>'/>",
        "<a\n>",
        "</a >",
        "text > ",
        "&lt;",
        "&",
        "&#x41;",
        "<!-- <a> & -->",
        "<!-- -",
        "-->",
        "-",
        "<![CDATA[ </a> ]]>",
        "]]>",
        "<?p > <a>?>",
        "<?p",
        "?>",
        "\u{4e2d}",
        "<",
        "/>",
        "\"",
        " ",
    ];
    select(pieces.to_vec())
}

fn conforming_file() -> impl Strategy<Value = String> {
    let name = "[a-zA-Z_][a-zA-Z0-9_.-]{0,5}";
    let text = prop_oneof![
        Just(String::new()),
        "[ \n#a-z=\"'/>!?-]{0,8}",
        Just("<!-- <a b=c> & -->".to_owned()),
        Just("<![CDATA[ a & <b> ]]>".to_owned()),
        Just("&amp;&#10;".to_owned()),
        Just("<?p a='>'?>".to_owned()),
    ];
    let value = "([a-z \n\t/>='!?*(){}\u{4e2d}-]|&amp;|&quot;|&lt;|&gt;|&apos;|&#65;|&#x4e2d;){0,6}";
    let attribute_name = "[a-z_][a-z0-9_.-]{0,5}";
    let attributes =
        btree_map(attribute_name, (value, "[ \n]?", "[ \n]{1,2}"), 0..4).prop_map(|attributes| {
            let written = attributes
                .into_iter()
                .map(|(name, (value, around, before))| format!("{before}{name}{around}={around}\"{value}\""));
            written.collect::<String>()
        });
    let leaf = (name, attributes.clone(), "[ \n]?")
        .prop_map(|(name, attributes, end)| format!("<{name}{attributes}{end}/>"));
    let element = leaf.prop_recursive(4, 24, 4, move |inner| {
        (
            name,
            attributes.clone(),
            vec((text.clone(), inner), 0..4),
            "[ \n]?",
        )
            .prop_map(|(name, attributes, children, end)| {
                let inside: String = children.into_iter().flat_map(|(t, c)| [t, c]).collect();
                format!("<{name}{attributes}{end}>{inside}</{name}{end}>")
            })
    });
    (
        select(vec!["", "\u{feff}"]),
        select(vec!["", "<?xml version=\"1.0\"?>\n"]),
        vec(element, 0..3),
    )
        .prop_map(|(mark, declaration, elements)| {
            format!("{mark}{declaration}<head>{}</head>\n", elements.concat())
        })
}
