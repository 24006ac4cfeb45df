use super::*;

/// One line a node, indented by depth.
fn outline(file: &str) -> Vec<String> {
    let document = parse(file.as_bytes());
    let mut depth = 0_usize;
    let mut lines = Vec::new();
    for node in &document.nodes {
        let text = &file[node.range.clone()];
        let line = match &node.kind {
            Kind::ByteOrderMark => "byte order mark".to_owned(),
            Kind::Text if text.trim().is_empty() => continue,
            Kind::Text => format!("text {}", text.trim()),
            Kind::Comment(text) => format!("comment {}", &file[text.clone()]),
            Kind::CharacterData(text) => format!("data {}", &file[text.clone()]),
            Kind::Instruction(text) => format!("instruction {}", &file[text.clone()]),
            Kind::Declaration(text) => format!("declaration {}", &file[text.clone()]),
            Kind::Open(index) => format!("<{}>", written(&document.elements[*index])),
            Kind::Empty(index) => format!("<{}/>", written(&document.elements[*index])),
            Kind::Close { name, element } => {
                let name = &file[name.clone()];
                match element {
                    Some(index) => {
                        depth = depth_of(&document, *index);
                        format!("</{name}>")
                    }
                    None => format!("stray </{name}>"),
                }
            }
            Kind::StrayBracket => "stray bracket".to_owned(),
        };
        lines.push(format!("{}{line}", "  ".repeat(depth)));
        depth += usize::from(matches!(node.kind, Kind::Open(_)));
    }
    lines
}

fn written(element: &Element) -> String {
    let mut text = element.name.display().into_owned();
    for attribute in &element.attributes {
        let value = attribute.value.as_ref().map(|value| {
            let text = value.text.display();
            match value.quotes {
                Quotes::Double => format!("=\"{text}\""),
                Quotes::Single => format!("='{text}'"),
                Quotes::Without => format!("={text}"),
                Quotes::Unclosed => format!("=\"{text}"),
            }
        });
        text += &format!(" {}{}", attribute.name.display(), value.unwrap_or_default());
    }
    text
}

fn depth_of(document: &Document, index: usize) -> usize {
    let around = document.elements[..index].iter();
    around
        .filter(|element| element.descendants.contains(&index))
        .count()
}

/// The troubles with the text at which they are.
fn troubles(file: &str) -> Vec<(Trouble, &str)> {
    parse(file.as_bytes())
        .problems
        .into_iter()
        .map(|problem| (problem.trouble, &file[problem.range]))
        .collect()
}

#[test]
fn a_conforming_file_is_a_tree_without_problems() {
    let file = "\u{feff}<?xml version=\"1.0\"?>\n<!-- one -->\n<head version='2.5'>\n  <debug start = \"false\"/> # note\n  \
                <filter><exclude expression=\"&quot;a&quot;&#62;b>c\"></exclude ></filter><![CDATA[<&]]></head>\n";
    assert_eq!(
        outline(file),
        [
            "byte order mark",
            "instruction xml version=\"1.0\"",
            "comment  one ",
            "<head version='2.5'>",
            "  <debug start=\"false\"/>",
            "  text # note",
            "  <filter>",
            "    <exclude expression=\"\"a\">b>c\">",
            "    </exclude>",
            "  </filter>",
            "  data <&",
            "</head>",
        ]
    );
    assert_eq!(troubles(file), []);
}

#[test]
fn spans_lead_to_names_values_tags_and_elements() {
    let file = "<head><a b = 'c'  d/><e>x</E></head>";
    let document = parse(file.as_bytes());
    let of = |name: &str| document.elements.iter().find(|e| e.is(name)).unwrap();
    let (a, e) = (of("A"), of("e"));
    assert_eq!(&file[a.tag.clone()], "<a b = 'c'  d/>");
    assert_eq!(a.range, a.tag);
    assert_eq!(&file[a.name.range()], "a");
    assert!(a.attributes[0].is("B"));
    assert_eq!(&file[a.attributes[0].range.clone()], "b = 'c'");
    let value = a.attributes[0].value.as_ref().unwrap();
    assert_eq!(&file[value.range.clone()], "c");
    assert_eq!(&file[a.attributes[1].range.clone()], "d");
    assert_eq!(a.attributes[1].value, None);
    assert_eq!(&file[e.range.clone()], "<e>x</E>");
    assert_eq!(&file[e.tag.clone()], "<e>");
    let children: Vec<_> = document.children(document.root().unwrap()).collect();
    assert_eq!(children, [a, e]);
    assert_eq!(document.top_level().count(), 1);
}

#[test]
fn unclosed_and_stray_tags_cost_only_themselves() {
    let file = "<head><inotify><delete><modify/></inotify></debug><host/></head>";
    assert_eq!(
        outline(file),
        [
            "<head>",
            "  <inotify>",
            "    <delete>",
            "      <modify/>",
            "  </inotify>",
            "  stray </debug>",
            "  <host/>",
            "</head>",
        ]
    );
    assert_eq!(
        troubles(file),
        [
            (Trouble::UnclosedElement, "<delete>"),
            (Trouble::StrayClosingTag, "</debug>"),
        ]
    );
    let document = parse(file.as_bytes());
    assert_eq!(&file[document.elements[2].range.clone()], "<delete><modify/>");
    assert!(!document.is_well_nested());
}

#[test]
fn a_tag_that_is_cut_off_ends_at_the_next_one() {
    let file = "<head><a b=\"c\" <d/></head";
    assert_eq!(outline(file), ["<head>", "  <a b=\"c\">", "    <d/>", "</head>"]);
    assert_eq!(
        troubles(file),
        [
            (Trouble::UnclosedTag, "<a b=\"c\" "),
            (Trouble::UnclosedTag, "</head"),
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_the_next_tag() {
    let file = "<head><a b=\"/c>\n<d e=\"10.0.0.1\"/></a></head>";
    assert_eq!(
        outline(file),
        [
            "<head>",
            "  <a b=\"/c>",
            "    <d e=\"10.0.0.1\"/>",
            "  </a>",
            "</head>"
        ]
    );
    assert_eq!(troubles(file), [(Trouble::UnclosedQuote, "\"")]);
    let bracket = "<head><a b=\"(?<!x)y\"/></head>";
    assert_eq!(outline(bracket), ["<head>", "  <a b=\"(?<!x)y\"/>", "</head>"]);
    assert_eq!(troubles(bracket), [(Trouble::BracketInValue, "<")]);
}

#[test]
fn each_trouble_is_found_where_it_is() {
    use Trouble::*;
    let cases: &[(&str, &[(Trouble, &str)])] = &[
        ("", &[(NoRoot, "")]),
        (
            "# only a note",
            &[(TextBeforeRoot, "# only a note"), (NoRoot, "")],
        ),
        ("<conf/>", &[(RootIsNotHead, "conf")]),
        ("<HEAD></head>", &[(NameCaseDiffers, "head")]),
        ("<head a=\"R&D\"/>", &[(AmpersandInValue, "&")]),
        (
            "<head a=b&amp;c&d/>",
            &[(UnquotedValue, "b&amp;c&d"), (AmpersandInValue, "&")],
        ),
        ("<head>R&D &lt;</head>", &[(AmpersandInText, "&")]),
        ("<head a=/b/c/>", &[(UnquotedValue, "/b/c")]),
        (
            "<head a b=>",
            &[
                (UnclosedElement, "<head a b=>"),
                (MissingValue, "a"),
                (MissingValue, "b="),
            ],
        ),
        ("<head =\"x\"/>", &[(MissingAttributeName, "=")]),
        ("<head a=\"1\"b='2'/>", &[(NoSpaceBeforeAttribute, "b")]),
        ("<head a=\"1\" a=\"2\"/>", &[(RepeatedAttribute, "a")]),
        (
            "< head></ head>",
            &[(SpaceBeforeName, " "), (SpaceBeforeName, " ")],
        ),
        (
            "<head>a<>b</></head>",
            &[(BracketWithoutName, "<"), (BracketWithoutName, "</")],
        ),
        ("<head><!-- a -- <b/> --></head>", &[(DashesInComment, "--")]),
        ("<head><!-- a ---></head>", &[(DashesInComment, "--")]),
        ("<head/><!-- a-", &[(UnclosedNode, "<!-- a-")]),
        ("<?xml a><head/>", &[(UnclosedNode, "<?xml a>")]),
        ("\n<?xml a?><head/>", &[(LateXmlDeclaration, "<?xml a?>")]),
        ("<head/>\n# a b\n<!-- c --> ", &[(TextAfterRoot, "# a b")]),
        ("<head/><![CDATA[x]]>", &[(TextAfterRoot, "<![CDATA[x]]>")]),
        ("<head/><head/>", &[(ElementAfterRoot, "head")]),
    ];
    for (file, expected) in cases {
        assert_eq!(troubles(file), *expected, "{file}");
        let refused = roxmltree::Document::parse(file).is_err();
        assert_eq!(refused, expected[0].0 != RootIsNotHead, "{file}");
    }
}

#[test]
fn a_name_may_be_repeated_in_another_case_in_xml_but_not_for_sersync() {
    let file = "<head a=\"1\" A=\"2\"/>";
    assert_eq!(troubles(file), [(Trouble::RepeatedAttribute, "A")]);
    assert!(roxmltree::Document::parse(file).is_ok());
}

#[test]
fn what_is_commented_out_can_be_read() {
    let file = "<head>\n<!--<remote ip=\"10.0.0.1\" name=\"a\"/>-->\n<b/><!-- note --></head>";
    let document = parse(file.as_bytes());
    let comments: Vec<_> = document.comments(document.root().unwrap()).collect();
    let inside = parse_part(file.as_bytes(), comments[0].clone());
    let remote = inside.root().unwrap();
    assert_eq!(
        &file[remote.range.clone()],
        "<remote ip=\"10.0.0.1\" name=\"a\"/>"
    );
    assert_eq!(parse_part(file.as_bytes(), comments[1].clone()).root(), None);
}

/// Each would take minutes if the work were not proportional to the length.
#[test]
fn hostile_files_are_read_in_linear_time() {
    let count = 200_000;
    let repeated = [
        "<a>",
        "</a>",
        "<a",
        "<a b=\"",
        "<a b='\"",
        "<!--",
        "<![CDATA[",
        "<?a>",
        "<!",
        "< ",
        "&",
        "&#1",
        "<a b=\"&",
        "<a b=\"<\" ",
    ];
    for part in repeated {
        parse(part.repeat(count).as_bytes());
    }
    let mixed = ["<a>".repeat(count), "<b>".repeat(9), "</c></b><b>".repeat(count)].concat();
    parse(mixed.as_bytes());
    let deep = parse("<a>".repeat(1_000_000).as_bytes());
    assert_eq!(deep.elements.len(), 1_000_000);
    parse(["<a ", &"b ".repeat(count)].concat().as_bytes());
    parse(["<a b=\"", &"<".repeat(count), "\"x "].concat().as_bytes());
}
