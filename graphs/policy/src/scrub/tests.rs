//! What must go, what must stay, and what holds for any text.
use super::*;
use proptest::prelude::*;

fn scrub(text: &str) -> String {
    Scrubber::default().scrub(text)
}

#[test]
fn secrets_go() {
    let cases = [
        (r#"password = "hunter2""#, r#"password = "[REDACTED]""#),
        (r#"{"api_key": "a1b2c3", "n": 1}"#, r#"{"api_key": "[REDACTED]", "n": 1}"#),
        (r#"{\"client_secret\":\"s3cr3t-value\"}"#, r#"{\"client_secret\":\"[REDACTED]\"}"#),
        (r#"{"accessToken":"abcdefgh"}"#, r#"{"accessToken":"[REDACTED]"}"#),
        ("DB_PASSWORD=correcthorse", "DB_PASSWORD=[REDACTED]"),
        ("export API-KEY=k9-f33-zz", "export API-KEY=[REDACTED]"),
        ("password: hunter2\nuser: ann", "password: [REDACTED]\nuser: ann"),
        ("the password is hunter2", "the password is [REDACTED]"),
        ("curl 'https://x.org/a?api_key=abcdef&b=1'", "curl 'https://x.org/a?api_key=[REDACTED]&b=1'"),
        ("https://x.org/?token=abcdef12", "https://x.org/?token=[REDACTED]"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [REDACTED]"),
        (r#"-H "authorization: Basic dXNlcjpodW50ZXIy""#, r#"-H "authorization: Basic [REDACTED]""#),
        ("postgres://ann:hunter2@db/x", "postgres://ann:[REDACTED]@db/x"),
        (r#"const TOKEN: &str = "a8Fk2Lq9Zx7Pw3Rt";"#, r#"const TOKEN: &str = "[REDACTED]";"#),
        (r#"let password = "correcthorse";"#, r#"let password = "[REDACTED]";"#),
        ("id AKIAIOSFODNN7EXAMPLE end", "id [REDACTED] end"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[REDACTED]"),
        ("x=sk-ant-api03-Ab3dEf6hIj9kLm2nOp5q", "x=[REDACTED]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P.", "[REDACTED]."),
        ("key q7Vx2Lm9/Rt4KpZ8wYb3+Nc6Hd1Jf5Gs0AaBb x", "key [REDACTED] x"),
        ("see 9vQ2mZ7xKp4Rt8Lw3Ny6Bd1Hf5Jc0Gs= there", "see [REDACTED] there"),
        ("a k3j9d2s0q8w7e6r5t4y3u2i1o0p9l8kz b", "a [REDACTED] b"),
        ("iv 3q2Lm9Xz7Kp4Rt8Yw6Nb1Q== x", "iv [REDACTED] x"),
        ("sig=tG7kP2mQ9xR4vL8nB3wZ6yH1", "sig=[REDACTED]"),
    ];
    for (text, expected) in cases {
        assert_eq!(scrub(text), expected, "{text}");
    }
}

#[test]
fn private_keys_go_whole_or_cut() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    let block = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{line}\n{line}\n-----END RSA PRIVATE KEY-----"
    );
    assert_eq!(scrub(&format!("a\n{block}\nb")), "a\n[REDACTED]\nb");
    assert_eq!(scrub(&format!("{{\"k\": \"{}\"}}", block.replace('\n', "\\n"))), "{\"k\": \"[REDACTED]\"}");
    let cut = format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}\n… cut here");
    assert_eq!(scrub(&cut), "[REDACTED]\n… cut here");
    let certificate = "-----BEGIN CERTIFICATE-----\nshort\n-----END CERTIFICATE-----";
    assert_eq!(scrub(certificate), certificate);
}

#[test]
fn what_is_no_secret_stays() {
    let cases = [
        "550e8400-e29b-41d4-a716-446655440000 and 550E8400-E29B-41D4-A716-446655440000",
        "commit 8d3f1c0b9a7e6d5c4b3a29181706f5e4d3c2b1a0 0xa1a2a3a4b1b2c1c2d1d2d3d4d5d6d7d8u128",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV schedule:7f3a9b",
        "/home/ann/project2/src/Foo/BarBazQuux3/mod_tests.rs:12: graphs/policy/src/scrub/entropy.rs",
        "target/debug/deps/libserde_json-4f1d2c3b5a697887.rmeta /nix/store/index.crates.io-1949cf8c6b5b557f",
        "const MAX_CONCURRENT_BACKGROUND_COMPACTIONS_V2: usize = 12;",
        "ThisIsAVeryLongCamelCaseIdentifierForBase64UrlEncoder2",
        "integrity sha512-9vQ2mZ7xKp4Rt8Lw3Ny6Bd1Hf5Jc0GsAbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/aBcDeFgHiJkLmNoPq==",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqA9vQ2mZ7xKp4Rt8Lw3Ny6Bd1Hf5Jc0GsAbCd ann@host",
        "class=\"sk-loading-spinner-container-large\" sk-cube-grid",
        "let token = lexer.next_token();\nlet token: Token = parse(input)?;",
        "struct Login { user: String, password: String, secret: Option<Secret>, token: u64 }",
        "fn check(password: &str, api_key: &ApiKey) -> bool { password == self.password }",
        "if let Some(token) = token { secret.push(token) }",
        "\"max_tokens\": 4096, \"token\": null, \"password\": {\"type\": \"string\"}",
        "<input type=\"password\" name=\"password\">",
        "password: ${DB_PASSWORD}\npassword = \"$PASSWORD\"\napi_key = env(\"API_KEY\")",
        "expected token = \"ident\", found token: ';'",
        "-----BEGIN PRIVATE KEY----- is how a key begins",
        "bearer authentication and a bearer of good news; the secret is safe",
        "https://user@host/path http://host:8080/a@b",
        "",
        "äöü → 漢字 🦀 password",
    ];
    for text in cases {
        assert_eq!(scrub(text), text);
    }
}

#[test]
fn our_own_sources_stay() {
    for source in [
        include_str!("../stages/approved.rs"),
        include_str!("../nearest.rs"),
        include_str!("keyword.rs"),
        include_str!("entropy.rs"),
    ] {
        assert_eq!(scrub(source), source);
    }
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "ghp_[a-z0-9]{8}[0-9][A-Za-z0-9]{29}",
        "AKIA[A-Z]{8}[0-9][A-Z0-9]{7}",
        "sk-proj-[0-9][A-Za-z0-9]{30}"
    ]
}

proptest! {
    #[test]
    fn any_text_is_scrubbed_once_and_for_all(text in "\\PC*") {
        let once = scrub(&text);
        prop_assert_eq!(scrub(&once), once);
    }

    #[test]
    fn text_like_secrets_is_scrubbed_once_and_for_all(
        parts in prop::collection::vec(
            prop_oneof![
                "(password|token|api_key|Bearer|-----BEGIN PRIVATE KEY-----|https://a:b|/home/ann|eyJ)".boxed(),
                "[=: \"'\\\\\n&?@/.,\\[\\]-]{1,3}".boxed(), "[A-Za-z0-9+/_-]{1,60}".boxed(), "[ä漢🦀]".boxed(),
            ], 0..12)
    ) {
        let text = parts.concat();
        let scrubber = Scrubber::new([("/home/ann".to_owned(), "~".to_owned())]);
        let once = scrubber.scrub(&text);
        prop_assert_eq!(scrubber.scrub(&once), once);
    }

    #[test]
    fn a_planted_secret_goes_and_its_surroundings_stay(
        before in "[a-z ,.\n]{0,40}[ \n\"(]", secret in secret(), after in "[ \n\"),;][a-z ,.\n]{0,40}"
    ) {
        let clean = scrub(&format!("{before}{secret}{after}"));
        prop_assert_eq!(clean, format!("{before}{REDACTED}{after}"));
    }
}
