//! One look over the bytes of a body before anything recurses into them.

use super::envelope::{BadBatch, Limits};

/// Checks depth and count. It knows strings and brackets, no more: whether the body is JSON is not its
/// question, and it needs the same few bytes for any depth.
///
/// # Errors
/// [`BadBatch::TooDeep`] and [`BadBatch::TooMany`].
pub(super) fn check(body: &str, limits: &Limits) -> Result<(), BadBatch> {
    let batch = body.trim_ascii_start().starts_with('[');
    let deepest = limits.json_depth.saturating_add(if batch { 2 } else { 1 });
    let mut messages = 1;
    let mut depth = 0_usize;
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if batch && depth == 1 => messages += 1,
            _ => {}
        }
        if depth > deepest {
            return Err(BadBatch::TooDeep);
        }
        if messages > limits.batch_messages {
            return Err(BadBatch::TooMany);
        }
    }
    Ok(())
}

/// Whether a JSON token nests at most `depth` levels deep, and every client can read it.
pub fn is_sound(token: &str, depth: usize) -> bool {
    let mut open = 0_usize;
    let mut bytes = token.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > depth {
            return false;
        }
    }
    is_well_formed(token)
}

/// Whether every reader of JSON can read a token: each `\u` escape stands for a character, and each number is within
/// the floating point. Half a surrogate pair and `1e999` are JSON by the letter, but many parsers refuse the whole
/// body that they stand in: one publisher could silence every subscriber.
pub(super) fn is_well_formed(token: &str) -> bool {
    has_whole_characters(token) && has_finite_numbers(token)
}

fn has_finite_numbers(token: &str) -> bool {
    let mut bytes = token.bytes().enumerate();
    while let Some((start, byte)) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes.by_ref().map(|(_, byte)| byte)),
            b'-' | b'0'..=b'9' => {
                let rest = token.get(start..).unwrap_or_default();
                let length = rest.bytes().take_while(|b| b.is_ascii_digit() || b"+-.eE".contains(b)).count();
                let number = rest.get(..length).unwrap_or_default();
                // Few digits and no exponent: it need not be worked out.
                let plain = length < SURELY_FINITE && !number.contains(['e', 'E']);
                if !plain && !number.parse().is_ok_and(f64::is_finite) {
                    return false;
                }
                if length > 1 {
                    bytes.nth(length - 2);
                }
            }
            _ => {}
        }
    }
    true
}

fn has_whole_characters(token: &str) -> bool {
    let mut rest = token;
    while let Some((_, escape)) = rest.split_once('\\') {
        let Some(digits) = escape.strip_prefix('u') else {
            rest = escape.get(1..).unwrap_or_default();
            continue;
        };
        rest = digits.get(4..).unwrap_or_default();
        match unit(digits) {
            Some(0xD800..0xDC00) => match rest.strip_prefix("\\u").map(|low| (unit(low), low.get(4..))) {
                Some((Some(0xDC00..0xE000), after)) => rest = after.unwrap_or_default(),
                Some(_) | None => return false,
            },
            Some(0xDC00..0xE000) | None => return false,
            Some(_) => {}
        }
    }
    true
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

fn unit(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits.get(..4)?, 16).ok()
}

/// A number of fewer digits than this is below the greatest that floating point knows.
const SURELY_FINITE: usize = 300;
