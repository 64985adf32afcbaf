//! Kernel text is bytes; text in Parquet files is UTF-8. Bytes that are none stand as characters U+10FF00 to U+10FFFF.

use std::borrow::Cow;

const FIRST: u32 = 0x0010_ff00;

/// Valid text that says the same.
pub(crate) fn encode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_escape) => Cow::Borrowed(text),
        _ => {
            let mut out = String::with_capacity(bytes.len() + 16);
            for chunk in bytes.utf8_chunks() {
                for character in chunk.valid().chars() {
                    if is_escape(character) {
                        let mut buffer = [0; 4];
                        out.extend(character.encode_utf8(&mut buffer).bytes().filter_map(escape));
                    } else {
                        out.push(character);
                    }
                }
                out.extend(chunk.invalid().iter().copied().filter_map(escape));
            }
            Cow::Owned(out)
        }
    }
}

/// The bytes that were encoded.
pub(crate) fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    let Ok(valid) = std::str::from_utf8(text) else { return Cow::Borrowed(text) };
    if !valid.chars().any(is_escape) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    for character in valid.chars() {
        match u8::try_from(u32::from(character).wrapping_sub(FIRST)) {
            Ok(byte) => out.push(byte),
            Err(_) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

fn is_escape(character: char) -> bool {
    u32::from(character) >= FIRST
}

fn escape(byte: u8) -> Option<char> {
    char::from_u32(FIRST + u32::from(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(&*decode(text.as_bytes()), &*bytes);
        }

        #[test]
        fn any_text_comes_back(text: String) {
            let encoded = encode(text.as_bytes());
            prop_assert_eq!(&*decode(encoded.as_bytes()), text.as_bytes());
        }
    }

    #[test]
    fn text_that_looks_like_an_escape_comes_back() {
        let text = "a\u{10ff41}b\u{10ffff}";
        assert_eq!(&*decode(encode(text.as_bytes()).as_bytes()), text.as_bytes());
    }
}
