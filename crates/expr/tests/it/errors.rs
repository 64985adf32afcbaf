use procyon_expr::{Filter, FilterErrorKind as Kind, MAX_REGEXES};

use crate::sample::Fields;

/// The message, and the source with the suggestion put in place of the span.
#[track_caller]
fn check(source: &str, kind: Kind, message: &str, repaired: Option<&str>) {
    let error = Filter::compile(source, &Fields).expect_err(source);
    assert_eq!((error.kind, error.message.as_str()), (kind, message), "{source}");
    let fixed = error.suggestion.as_ref().map(|suggestion| {
        let mut fixed = source.to_owned();
        fixed.replace_range(error.span.clone(), suggestion);
        fixed
    });
    assert_eq!(fixed.as_deref(), repaired, "{source}");
    if let Some(fixed) = repaired {
        assert!(Filter::compile(fixed, &Fields).is_ok(), "the suggestion is wrong itself: {fixed}");
    }
}

#[test]
fn unknown_names_suggest_the_nearest() {
    check(
        "cpu > 2 && nam == \"a\"",
        Kind::UnknownField,
        "unknown field nam at column 12; did you mean name?",
        Some("cpu > 2 && name == \"a\""),
    );
    check("has(ps)", Kind::UnknownField, "unknown field ps at column 5; did you mean pss?", Some("has(pss)"));
    check("zzzzzz > 1", Kind::UnknownField, "unknown field zzzzzz at column 1", None);
    check(
        "name == mysqld",
        Kind::UnknownField,
        "unknown field mysqld at column 9; did you mean \"mysqld\"?",
        Some("name == \"mysqld\""),
    );
    check(
        "name in [mysqld]",
        Kind::UnknownField,
        "unknown field mysqld at column 10; did you mean \"mysqld\"?",
        Some("name in [\"mysqld\"]"),
    );
    check(
        "cmd.contain(\"a\")",
        Kind::UnknownFunction,
        "unknown method contain at column 5; did you mean contains?",
        Some("cmd.contains(\"a\")"),
    );
    check(
        "Size(cmd) > 1",
        Kind::UnknownFunction,
        "unknown function Size at column 1; did you mean size?",
        Some("size(cmd) > 1"),
    );
    check(
        "contains(\"a\")",
        Kind::UnknownFunction,
        "unknown function contains at column 1; it is a method: cmd.contains(…)",
        None,
    );
    check("rss > 10.Gib", Kind::UnknownUnit, "unknown unit Gib at column 10; did you mean GiB?", Some("rss > 10.GiB"));
    check(
        "rss > 10.parsec",
        Kind::UnknownUnit,
        "unknown unit parsec at column 10; units are B KB MB GB TB KiB MiB GiB TiB us ms s min h d cores percent",
        None,
    );
}

#[test]
fn syntax_errors_name_place_and_expectation() {
    check("cpu >", Kind::Syntax, "expected a field, a number or text, found the end at column 6", None);
    check("cpu > 1 rss > 2", Kind::Syntax, "expected an operator such as && or ==, found rss at column 9", None);
    check("(cpu > 1", Kind::Syntax, "expected ), found the end at column 9", None);
    check("cpu > 1)", Kind::Syntax, "expected an operator such as && or ==, found ) at column 8", None);
    check("name in [\"a\" \"b\"]", Kind::Syntax, "expected , or ], found \"b\" at column 14", None);
    check("name == \"abc", Kind::Syntax, "text without closing \" at column 9", None);
    check(
        "name == \"\\d\"",
        Kind::Syntax,
        "unknown escape \\d at column 10; write r\"…\" for text with backslashes, such as regular expressions",
        None,
    );
    check(
        "cpu > 1 and rss > 2",
        Kind::Syntax,
        "expected an operator such as && or ==, found and at column 9; did you mean &&?",
        Some("cpu > 1 && rss > 2"),
    );
    check("not kthread", Kind::Syntax, "unexpected not at column 1; did you mean !?", Some("! kthread"));
    check("name = \"a\"", Kind::Syntax, "unexpected = at column 6; did you mean ==?", Some("name == \"a\""));
    check("cpu > 1 & kthread", Kind::Syntax, "unexpected & at column 9; did you mean &&?", Some("cpu > 1 && kthread"));
    check(
        "rss > 10GiB",
        Kind::Syntax,
        "unexpected GiB right after 10 at column 7; did you mean 10.GiB?",
        Some("rss > 10.GiB"),
    );
    check(
        "rss > 10Gib",
        Kind::Syntax,
        "unexpected Gib right after 10 at column 7; did you mean 10.GiB?",
        Some("rss > 10.GiB"),
    );
    check(
        "cpu > 50%",
        Kind::Syntax,
        "% is the remainder of a division at column 7; did you mean 50.percent?",
        Some("cpu > 50.percent"),
    );
    check(
        "cpu > 50% && kthread",
        Kind::Syntax,
        "% is the remainder of a division at column 7; did you mean 50.percent?",
        Some("cpu > 50.percent && kthread"),
    );
    check("cpu ≥ 1", Kind::Syntax, "unexpected ≥ at column 5; did you mean >=?", Some("cpu >= 1"));
    check("cpu > 1 # no", Kind::Syntax, "unexpected # at column 9", None);
    check(
        "name contains \"a\"",
        Kind::Syntax,
        "expected an operator such as && or ==, found contains at column 6; methods stand behind a dot: name.contains(\"sql\")",
        None,
    );
    check("", Kind::Syntax, "expected a field, a number or text, found the end at column 1", None);
    check("pid == 99999999999999999999", Kind::Syntax, "number too large at column 8", None);
}

#[test]
fn columns_count_characters_and_lines_count() {
    check(
        "name == \"日志\" && nam == \"a\"",
        Kind::UnknownField,
        "unknown field nam at column 17; did you mean name?",
        Some("name == \"日志\" && name == \"a\""),
    );
    let error = Filter::compile("cpu > 1 &&\n  nam == 'a'", &Fields).unwrap_err();
    assert_eq!((error.line, error.column, error.span), (2, 3, 13..16));
    assert!(error.message.contains("at line 2, column 3"), "{}", error.message);
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    check(
        "name > 5",
        Kind::Type,
        "cannot compare name (text) with 5 (a number) at column 8; did you mean \"5\"?",
        Some("name > \"5\""),
    );
    check(
        "pid == \"4084\"",
        Kind::Type,
        "cannot compare pid (a number) with \"4084\" (text) at column 8; did you mean 4084?",
        Some("pid == 4084"),
    );
    check("pid == \"x\"", Kind::Type, "cannot compare pid (a number) with \"x\" (text) at column 8", None);
    check("rss > 5.min", Kind::Type, "rss is in bytes, but 5.min is in seconds at column 1", None);
    check("rss + age > 5", Kind::Type, "rss is in bytes, but age is in seconds at column 1", None);
    check("start > 5.min", Kind::Type, "start is a point in time, but 5.min is in seconds at column 1", None);
    check("cpu", Kind::Type, "cpu is a number, not a condition at column 1; compare it: cpu > 0", None);
    check("name", Kind::Type, "name is text, not a condition at column 1; compare it: name == \"…\"", None);
    check("cpu && kthread", Kind::Type, "expected a condition, but cpu is a number at column 1", None);
    check("!cpu", Kind::Type, "expected a condition, but cpu is a number at column 2", None);
    check("name + 1 > 2", Kind::Type, "expected a number, but name is text at column 1", None);
    check("pid in 5", Kind::Type, "expected a list after in at column 8; name in [\"a\", \"b\"]", None);
    check("pid in [\"a\"]", Kind::Type, "expected a number, but \"a\" is text at column 9", None);
    check("kthread < true", Kind::Type, "conditions have no order at column 1; only == and != compare them", None);
    check(
        "pss == null",
        Kind::Type,
        "null cannot be compared at column 8; has(field) tells whether a value is known",
        None,
    );
    check(
        "cpu > 1 ? 1 : 'a'",
        Kind::Type,
        "both ends of ? : must be alike, but one is a number, the other text at column 11",
        None,
    );
    check("has(1)", Kind::Type, "has expects the name of a field at column 5; has(pss)", None);
    check("cmd.contains()", Kind::Type, "contains expects one argument, found 0 at column 5", None);
    check("cmd.size(1) > 1", Kind::Type, "size expects no argument at column 5", None);
    check("name[0] == 'a'", Kind::Type, "nothing here can be indexed with [ ] at column 1", None);
    check("[1] == [1]", Kind::Type, "a list may stand only after in at column 1; name in [\"a\", \"b\"]", None);
    check("1 / 0 > 1", Kind::Type, "the result is not a number at column 1", None);
    check("pid.contains('a')", Kind::Type, "expected text, but pid is a number at column 1", None);
}

#[test]
fn regular_expressions_are_checked_and_bounded() {
    check("cmd.matches(\"(\")", Kind::Regex, "wrong regular expression (unclosed group) at column 13", None);
    check("cmd.matches(r\"(\\w{100}){100}\")", Kind::Regex, "the regular expression is too large at column 13", None);
    let many = |count: usize| vec![r#"cmd.matches("a")"#; count].join(" || ");
    assert!(Filter::compile(&many(MAX_REGEXES), &Fields).is_ok());
    let error = Filter::compile(&many(MAX_REGEXES + 1), &Fields).unwrap_err();
    assert!(error.kind == Kind::TooMany && error.message.starts_with("more than 8 regular expressions"), "{error:?}");
    // What one may have, several have to share.
    let large = r#"cmd.matches(r"\w{20}")"#;
    assert!(Filter::compile(large, &Fields).is_ok());
    let error = Filter::compile(&[large; MAX_REGEXES].join(" && "), &Fields).unwrap_err();
    assert!(error.kind == Kind::Regex && error.message.starts_with("the regular expression is too large"), "{error:?}");
    check("cmd.matches(name)", Kind::Type, "matches expects a regular expression in quotes at column 13", None);
}

#[test]
fn limits_hold() {
    let long = format!("{} true", " ".repeat(4096));
    assert_eq!(Filter::compile(&long, &Fields).unwrap_err().kind, Kind::TooLong);
    let many = format!("pid in [{}]", vec!["1"; 1001].join(","));
    assert_eq!(Filter::compile(&many, &Fields).unwrap_err().kind, Kind::TooMany);
    for deep in [
        format!("{}true{}", "(".repeat(2000), ")".repeat(2000)),
        format!("{}true", "!".repeat(4000)),
        format!("{}1 > 0", "-".repeat(4000)),
        format!("pid{} > 0", " + 1".repeat(900)),
        format!("pid in {}", "[".repeat(3000)),
        format!("{}true", "true ? true : ".repeat(250)),
        format!("{}true", "true == ".repeat(500)),
        format!("cmd{} == 'a'", ".lower()".repeat(500)),
        "(true && ".repeat(400),
        "has(".repeat(1000),
    ] {
        assert_eq!(Filter::compile(&deep, &Fields).unwrap_err().kind, Kind::TooDeep, "{deep}");
    }
    assert!(Filter::compile(&format!("{}true{}", "(".repeat(60), ")".repeat(60)), &Fields).is_ok());
}
