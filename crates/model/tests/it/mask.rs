//! Masking against the corpus in `fixtures/mask` and against random lines.

use procyon_model::mask::{MASK, MaskError, Masker};
use proptest::prelude::*;

#[path = "../../../../fuzz/bodies/masking.rs"]
mod masking;

const SECRETS: &str = concat!(
    include_str!("../../../../fixtures/mask/secrets.txt"),
    include_str!("../../../../fixtures/mask/more_secrets.txt")
);
const MASKED: &str = concat!(
    include_str!("../../../../fixtures/mask/masked.txt"),
    include_str!("../../../../fixtures/mask/more_masked.txt")
);
const LOOKALIKES: &str = concat!(
    include_str!("../../../../fixtures/mask/lookalikes.txt"),
    include_str!("../../../../fixtures/mask/more_lookalikes.txt")
);
const CANARY: &[u8] = b"CANARY";

/// As `/proc/PID/cmdline` holds it.
fn argv(line: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = line.bytes().map(|byte| if byte == b'\t' { 0 } else { byte }).collect();
    bytes.push(0);
    bytes
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\t")
}

fn plain() -> Masker {
    Masker::new::<&str>(&[], false).unwrap()
}

fn masked(masker: &Masker, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if masker.mask(bytes, &mut out) { out } else { bytes.to_vec() }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn secrets_are_masked_and_nothing_else_of_the_line() {
    let mut wrong = String::new();
    assert_eq!(SECRETS.lines().count(), MASKED.lines().count());
    for (line, expected) in SECRETS.lines().zip(MASKED.lines()) {
        assert!(holds(line.as_bytes(), CANARY) && !holds(expected.as_bytes(), CANARY), "{line}");
        let result = masked(&plain(), &argv(line));
        if result != argv(expected) {
            wrong = format!("{wrong}\n  line     {line}\n  expected {expected}\n  masked   {}", shown(&result));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn lookalikes_stay_byte_for_byte() {
    let mut wrong = String::new();
    for line in LOOKALIKES.lines() {
        let mut out = Vec::new();
        if plain().mask(&argv(line), &mut out) {
            wrong = format!("{wrong}\n  line   {line}\n  masked {}", shown(&out));
        } else {
            assert!(out.is_empty() && out.capacity() == 0, "something was allocated for {line}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_corpus_is_large_enough() {
    assert!(SECRETS.lines().count() >= 40 && LOOKALIKES.lines().count() >= 40);
}

#[test]
fn masking_twice_changes_nothing_more() {
    for line in SECRETS.lines() {
        let once = masked(&plain(), &argv(line));
        let twice = masked(&plain(), &once);
        assert_eq!(shown(&once), shown(&twice));
    }
}

/// The words of a title that a process wrote over its arguments, or `sh -c` of the whole line.
#[test]
fn secrets_are_found_in_texts_as_well() {
    let mut wrong = String::new();
    for line in SECRETS.lines().filter(|line| !line.contains([' ', '{', '&', '"', '(', ')', ';', '|', '\\', '<'])) {
        let text = line.replace('\t', " ");
        for bytes in [argv(&text), argv(&format!("sh\t-c\t{text}")), argv(&format!("ssh\t-p\t22\thost\t{text}"))] {
            let result = masked(&plain(), &bytes);
            if holds(&result, CANARY) {
                wrong = format!("{wrong}\n  {}", shown(&result));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn patterns_add_names() {
    let masker = Masker::new(&["passcode-x", "corp_*_pin"], false).unwrap();
    let result =
        masked(&masker, &argv("tool\t--passcode-x\tCANARY\t--corp-door-pin=CANARY\tCORP_A_PIN=CANARY\t--pin=7"));
    assert_eq!(
        shown(&result),
        format!("tool\t--passcode-x\t{MASK}\t--corp-door-pin={MASK}\tCORP_A_PIN={MASK}\t--pin=7\t")
    );
    assert_eq!(Masker::new(&["*"], false).unwrap_err(), MaskError::Empty("*".to_owned()));
    assert_eq!(Masker::new(&vec!["a"; 101], false).unwrap_err(), MaskError::TooMany);
}

#[test]
fn strip_args_leaves_the_program() {
    let masker = Masker::new::<&str>(&[], true).unwrap();
    assert_eq!(masked(&masker, b"/usr/bin/a\0b\0c\0"), b"/usr/bin/a");
    assert_eq!(masked(&masker, b"nginx: worker process\0"), b"nginx:");
    let mut out = Vec::new();
    assert!(!masker.mask(b"/usr/bin/a\0", &mut out));
    assert!(!masker.mask(b"", &mut out));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it really takes is the claim")]
fn hostile_lines_take_linear_time() {
    // Each of these would take minutes if any byte were looked at once for every other one.
    for part in [
        "=",
        "a=",
        "://",
        "a:b://",
        "://a:b",
        "eyJ.",
        "-----BEGIN ",
        "-",
        "\"a\":",
        "&token=",
        "sk-",
        "'\"",
        "$(",
        "=$(",
        "!token=$(",
        "x://u:p@h/",
        "!a=",
        "!key=",
        "!pwd=/",
        "?a&",
        "://a:b/\"@",
        "!token=\"",
        "cookie:",
        "{a:",
        "\\\"password\\\":",
        "\0-p",
        "password=x,",
    ] {
        let line = part.repeat((1 << 20) / part.len()).into_bytes();
        let start = std::time::Instant::now();
        let _masked = masked(&plain(), &line);
        let mut quoted = b"sh\0-c\0mysql ".to_vec();
        quoted.extend_from_slice(&line);
        let _masked = masked(&plain(), &quoted);
        // Linear work takes milliseconds; quadratic work on a megabyte takes hours, whatever the machine does besides.
        assert!(start.elapsed().as_secs() < 60, "{part} took {:?}", start.elapsed());
    }
}

/// Ways to pass a secret, `@` standing for it.
const WAYS: &[&str] = &[
    "mysql\t-p@",
    "curl\t-u\ta:@\thttp://h/",
    "tool\t--password=@",
    "tool\t--db-password\t@",
    "redis-cli\t-a\t@",
    "API_TOKEN=@\tx",
    "sudo\t-u\tx\tenv\tA=b\tmysqldump\t-p@",
    "docker\trun\t-e\tX_SECRET=@\timg",
    "sshpass\t-p\t@\tssh\th",
    "java\t-Da.b.password=@",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(line in prop::collection::vec(any::<u8>(), 0..300)) {
        masking::run(&line);
    }

    #[test]
    fn any_mix_of_telling_parts_is_answered(parts in prop::collection::vec(prop::sample::select(vec![
        "mysql", "curl", "sh", "-c", "-p", "-u", "=", ":", "://", "@", "password", "--token", "\"", "'", "\\", "{", "}", "$(", ")", " ", "\0", "&", "?",
        "eyJa", ".", "-----BEGIN RSA PRIVATE KEY", "-----END", "ghp_", "é", "\u{2022}\u{2022}\u{2022}\u{2022}", "htpasswd", "-b", "x", "1", "/", "sk-", "set", "-H", "%",
    ]), 0..40)) {
        let line = parts.concat().into_bytes();
        let once = masked(&plain(), &line);
        // What is left between masks is the line's own text, in order.
        let mut rest = &line[..];
        for kept in String::from_utf8(once).unwrap().split(MASK) {
            let at = rest.windows(kept.len().max(1)).position(|window| window == kept.as_bytes());
            prop_assert!(kept.is_empty() || at.is_some(), "{kept:?} is not of the line");
            rest = &rest[at.map_or(0, |at| at + kept.len())..];
        }
    }

    #[test]
    fn a_secret_of_any_letters_is_masked(way in prop::sample::select(WAYS), before in "[!-~]{0,6}", after in "[!-~]{0,12}") {
        // A word of one of these beginnings is another option, a path or a variable to the program as well.
        prop_assume!(!before.starts_with(['-', '@', '=']) && !before.contains(':'));
        let secret = format!("{before}CANARY{after}");
        let line = argv(&way.replace('@', &secret));
        prop_assert!(!holds(&masked(&plain(), &line), CANARY), "{}", shown(&masked(&plain(), &line)));
    }
}

#[test]
fn our_own_tokens_are_masked_wherever_they_stand() {
    let secret = "0123456789abcdef".repeat(4);
    for line in ["./show.sh\tprocyon_{}", "curl\thttp://db1:9300/#token=procyon_{}", "sh\t-c\tcall procyon_{} db1"] {
        let result = masked(&plain(), &argv(&line.replace("{}", &secret)));
        assert!(!holds(&result, secret.as_bytes()), "{}", shown(&result));
    }
    for line in ["ld\tprocyon_5e6843f557e015bf", "sh\tprocyon_collector", "cat\tprocyon_"] {
        assert_eq!(masked(&plain(), &argv(line)), argv(line));
    }
}
