use procyon_expr::{PROCESS_WORDS, Query};

use crate::sample::{Fields, Sample};

fn row() -> Sample {
    Sample::new(
        "name=mysqld cmd=/usr/sbin/mysqld_--port=3309_--user=Ärger user=mysql pid=4084 label=mysqld:3309 kthread=false",
    )
}

#[track_caller]
fn check(text: &str, expected: bool) {
    let query = Query::parse(text, &Fields, PROCESS_WORDS).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(query.matches(&row()), expected, "{text}");
}

#[test]
fn plain_words_search_name_command_line_user_pid_and_port() {
    for text in [
        "mysqld",
        "MYSQL",
        ":3309",
        "3309",
        "4084",
        "mysqld 4084",
        " sbin  mysql ",
        "--port",
        "ärger",
        "",
        "  ",
        "/usr/sbin",
    ] {
        check(text, true);
    }
    for text in ["nginx", "mysqld nginx", ":330", ":33", "408", "mysqldd", "c++"] {
        check(text, false);
    }
}

#[test]
fn one_word_may_be_found_in_another_field_than_the_next() {
    check("3309 mysql sbin", true);
}

#[test]
fn a_quoted_text_is_one_word() {
    check("\"mysqld --port=3309\"", true);
    check("'mysqld  --port'", false);
    check("\"sbin/mysqld\"", true);
}

#[test]
fn what_holds_an_operator_is_an_expression() {
    check("pid == 4084", true);
    check("name.contains(\"sql\")", true);
    check("name in ['mysqld']", true);
    check("!kthread", true);
    check("kthread", false);
    let error = Query::parse("name=mysqld", &Fields, PROCESS_WORDS).unwrap_err();
    assert_eq!(error.message, "unexpected = at column 5; did you mean ==?");
    assert!(Query::parse("\"a\" \"b\"", &Fields, PROCESS_WORDS).is_err());
}

#[test]
fn a_bare_field_name_is_a_word() {
    assert!(matches!(Query::parse("cpu", &Fields, PROCESS_WORDS), Ok(Query::Words(_))));
    assert!(matches!(Query::parse("kthread", &Fields, PROCESS_WORDS), Ok(Query::Filter(_))));
}

#[test]
fn a_port_is_not_the_beginning_of_another() {
    let query = Query::parse(":80", &Fields, PROCESS_WORDS).unwrap();
    assert!(query.matches(&Sample::new("label=nginx:80")));
    assert!(query.matches(&Sample::new("cmd=--listen=0.0.0.0:80,b")));
    assert!(!query.matches(&Sample::new("label=nginx:8080")));
}

#[test]
fn too_much_is_refused() {
    assert!(Query::parse(&"a ".repeat(17), &Fields, PROCESS_WORDS).is_err());
    assert!(Query::parse(&"a".repeat(5000), &Fields, PROCESS_WORDS).is_err());
    let word = Query::parse(&"ß".repeat(2000), &Fields, PROCESS_WORDS);
    assert!(word.is_ok() || word.unwrap_err().message.contains("too long"));
}
