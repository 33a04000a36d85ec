//! JSON text, token by token.

use std::borrow::Cow;

use crate::refusal::{Outcome, refuse, shown};

/// How deep arrays and objects may be nested: a bound, so that no payload can exhaust the stack.
const DEPTH: usize = 128;

/// Walks over one JSON text (RFC 8259). Every call first skips white space.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// A number as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'a> {
    pub(crate) text: &'a str,
    /// It has neither a point nor an exponent.
    pub(crate) whole: bool,
    pub(crate) negative: bool,
    /// The digits as one whole number, and how many of them stand behind the point; of a number without an exponent that
    /// has at most [`SHORT`](Self::SHORT) of them.
    pub(crate) short: Option<(u64, usize)>,
}

/// A number of few digits, as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShortNumber<'a> {
    pub(crate) text: &'a str,
    pub(crate) negative: bool,
    pub(crate) first_digit: u8,
    pub(crate) before_point: usize,
    pub(crate) behind_point: usize,
}

impl Number<'_> {
    /// As many digits as every `u64` has room for, and `i64` too.
    pub(crate) const SHORT: usize = 18;
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The next byte, which stays; `None` at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.next() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                next => return next,
            }
        }
    }

    /// How many bytes of the text were taken.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Takes `byte` if it is the next one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `byte`, which must be the next one.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Outcome<()> {
        if self.take(byte) {
            Ok(())
        } else {
            self.malformed(match byte {
                b'"' => "a text within quotes",
                b':' => "`:`",
                b'[' => "`[`",
                _ => "`{`",
            })
        }
    }

    /// Takes the bracket that opens an array or an object.
    pub(crate) fn open(&mut self, bracket: u8) -> Outcome<()> {
        self.depth += 1;
        if self.depth > DEPTH {
            return refuse(format!("is nested deeper than {DEPTH} levels at byte {}", self.at));
        }
        self.expect(bracket)
    }

    /// After an element: takes the comma before the next one and says `true`, or the bracket that closes and says `false`.
    pub(crate) fn goes_on(&mut self, bracket: u8) -> Outcome<bool> {
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(bracket) {
            self.depth -= 1;
            return Ok(false);
        }
        self.malformed(if bracket == b']' { "`,` or `]`" } else { "`,` or `}`" })
    }

    /// After an opening bracket: whether the closing one follows, which is taken then.
    pub(crate) fn closes(&mut self, bracket: u8) -> bool {
        let closes = self.take(bracket);
        self.depth -= usize::from(closes);
        closes
    }

    /// Takes `word`: `null`, `true` or `false`.
    pub(crate) fn word(&mut self, word: &str) -> Outcome<()> {
        self.peek();
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        self.malformed(word)
    }

    /// Takes a number.
    #[inline(always)]
    pub(crate) fn number(&mut self) -> Outcome<Number<'a>> {
        let negative = self.take(b'-');
        let start = self.at - usize::from(negative);
        let first = self.at;
        let mut value = 0;
        let before_point = self.digits(&mut value);
        if before_point == 0 {
            return self.malformed("a digit");
        }
        if before_point > 1 && self.text.as_bytes()[first] == b'0' {
            return refuse(format!("is no JSON at byte {first}: a number begins with 0, expected no leading zeros"));
        }
        let integer = self.at;
        let mut behind_point = 0;
        if self.next() == Some(b'.') {
            self.at += 1;
            behind_point = self.digits(&mut value);
            if behind_point == 0 {
                return self.malformed("a digit");
            }
        }
        let mut short = (before_point + behind_point <= Number::SHORT).then_some((value, behind_point));
        if let Some(b'e' | b'E') = self.next() {
            self.at += 1;
            self.at += usize::from(matches!(self.next(), Some(b'+' | b'-')));
            if self.digits(&mut value) == 0 {
                return self.malformed("a digit");
            }
            short = None;
        }
        Ok(Number { text: &self.text[start..self.at], whole: self.at == integer, negative, short })
    }

    /// Takes a number without an exponent that has at most seven digits on either side of its point. Leaves any other where it is.
    #[inline(always)]
    pub(crate) fn short_number(&mut self) -> Option<ShortNumber<'a>> {
        let start = self.at;
        let negative = self.take(b'-');
        let short = self.few_digits_and_point(start, negative);
        self.at = short.map_or(start, |short| start + short.text.len());
        short
    }

    #[inline(always)]
    fn few_digits_and_point(&mut self, start: usize, negative: bool) -> Option<ShortNumber<'a>> {
        let first_digit = self.next()?;
        let before_point = self.few_digits()?.count;
        self.at += before_point;
        let mut behind_point = 0;
        if self.next() == Some(b'.') {
            self.at += 1;
            behind_point = self.few_digits().filter(|digits| digits.count > 0)?.count;
            self.at += behind_point;
        }
        let is_json = before_point > 0 && (before_point == 1 || first_digit != b'0');
        let ends = !matches!(self.next(), Some(b'e' | b'E'));
        let text = &self.text[start..self.at];
        (is_json && ends).then_some(ShortNumber { text, negative, first_digit, before_point, behind_point })
    }

    /// Takes `text` if it comes next, letter for letter.
    #[inline]
    pub(crate) fn take_text(&mut self, text: &str) -> bool {
        self.peek();
        let found = begins_with(&self.text.as_bytes()[self.at..], text.as_bytes());
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Takes a string and gives what it means: a part of the text itself unless it holds escapes.
    #[inline]
    pub(crate) fn string(&mut self) -> Outcome<Cow<'a, str>> {
        self.expect(b'"')?;
        let start = self.at;
        self.plain();
        if self.next() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        self.escaped(start).map(Cow::Owned)
    }

    /// Takes the rest of a string that began there and holds an escape.
    fn escaped(&mut self, start: usize) -> Outcome<String> {
        let mut meant = self.text[start..self.at].to_owned();
        loop {
            match self.next() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(meant);
                }
                Some(b'\\') => meant.push(self.escape()?),
                _ => return self.malformed("the end of the string"),
            }
            let start = self.at;
            self.plain();
            meant.push_str(&self.text[start..self.at]);
        }
    }

    /// Takes any value and gives its text.
    pub(crate) fn skip(&mut self) -> Outcome<&'a str> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'"') => drop(self.string()?),
            Some(b'-' | b'0'..=b'9') => drop(self.number()?),
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'[') => self.skip_elements(b'[', b']')?,
            Some(b'{') => self.skip_elements(b'{', b'}')?,
            _ => self.malformed("a value")?,
        }
        Ok(&self.text[start..self.at])
    }

    /// What has not been taken yet.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_elements(&mut self, open: u8, close: u8) -> Outcome<()> {
        self.open(open)?;
        if self.closes(close) {
            return Ok(());
        }
        loop {
            if open == b'{' {
                self.string()?;
                self.expect(b':')?;
            }
            self.skip()?;
            if !self.goes_on(close)? {
                return Ok(());
            }
        }
    }

    /// The next byte, white space or not.
    #[inline]
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes digits, which go on with those of `value`, and says how many. Of too many the value means nothing.
    #[inline(always)]
    fn digits(&mut self, value: &mut u64) -> usize {
        const POWERS: [u64; Digits::MOST + 1] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
        let start = self.at;
        if let Some(digits) = self.few_digits() {
            *value = value.wrapping_mul(POWERS[digits.count]).wrapping_add(digits.value());
            self.at += digits.count;
            return digits.count;
        }
        while let Some(digit @ b'0'..=b'9') = self.next() {
            *value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        self.at - start
    }

    /// The digits that come next, which stay, unless they are too many.
    #[inline(always)]
    fn few_digits(&self) -> Option<Digits> {
        let text = self.text.as_bytes();
        let chunk = match (text[self.at..].first_chunk(), text.last_chunk()) {
            (Some(chunk), _) => u64::from_le_bytes(*chunk),
            // At the end there is nothing behind what is left.
            (None, Some(last)) => {
                u64::from_le_bytes(*last).checked_shr(64 - 8 * (text.len() - self.at) as u32).unwrap_or(0)
            }
            (None, None) => return None,
        };
        Digits::first_of(chunk)
    }

    /// Takes the characters of a string up to the next one that means something else.
    fn plain(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Outcome<char> {
        self.at += 1;
        let Some(letter) = self.next() else { return self.malformed("an escape") };
        let meant = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return self.malformed(r#"one of the escapes \" \\ \/ \b \f \n \r \t \u"#),
        };
        self.at += 1;
        Ok(meant)
    }

    fn unicode_escape(&mut self) -> Outcome<char> {
        let high = self.four_hex_digits()?;
        let code = match high {
            0xD800..0xDC00 if self.text[self.at..].starts_with("\\u") => {
                self.at += 1;
                match self.four_hex_digits()? {
                    low @ 0xDC00..0xE000 => 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00),
                    _ => high,
                }
            }
            code => code,
        };
        match char::from_u32(code) {
            Some(meant) => Ok(meant),
            None => refuse(format!("is no JSON at byte {}: \\u{high:04x} is half a character", self.at)),
        }
    }

    /// Takes a `u` and the four digits behind it.
    fn four_hex_digits(&mut self) -> Outcome<u32> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
        match digits
            .and_then(|digits| digits.iter().try_fold(0, |code, d| Some(code * 16 + char::from(*d).to_digit(16)?)))
        {
            Some(code) => {
                self.at += 5;
                Ok(code)
            }
            None => self.malformed("four hexadecimal digits"),
        }
    }

    #[cold]
    fn malformed<T>(&mut self, expected: &str) -> Outcome<T> {
        match self.text[self.at..].chars().next() {
            None => refuse(format!("is no JSON: it ends at byte {}, expected {expected}", self.at)),
            Some(found) => {
                refuse(format!("is no JSON at byte {}: found {}, expected {expected}", self.at, shown(found)))
            }
        }
    }
}

/// Whether the text begins so. Names of fields are short: two loads that overlap cost a fraction of a call to compare memory.
#[inline]
fn begins_with(text: &[u8], beginning: &[u8]) -> bool {
    let Some(found) = text.get(..beginning.len()) else { return false };
    let ends =
        |bytes: &[u8]| Some((u64::from_ne_bytes(*bytes.first_chunk()?), u64::from_ne_bytes(*bytes.last_chunk()?)));
    let short_ends =
        |bytes: &[u8]| Some((u32::from_ne_bytes(*bytes.first_chunk()?), u32::from_ne_bytes(*bytes.last_chunk()?)));
    match beginning.len() {
        8..=16 => ends(found) == ends(beginning),
        4..8 => short_ends(found) == short_ends(beginning),
        _ => found == beginning,
    }
}

/// Up to seven digits at once: how many there are is hard to foresee, and so is the end of a loop over them.
#[derive(Clone, Copy)]
struct Digits {
    /// Their values, a byte each, the first in the lowest. Behind them stands anything.
    values: u64,
    count: usize,
}

impl Digits {
    const MOST: usize = 7;

    /// Those that eight bytes begin with, the first of which is the lowest.
    #[inline(always)]
    fn first_of(chunk: u64) -> Option<Self> {
        let values = chunk ^ 0x3030_3030_3030_3030;
        // A sum beyond its byte changes only bytes behind one that is no digit.
        let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
        let count = others.trailing_zeros() as usize / 8;
        (count <= Self::MOST).then_some(Self { values, count })
    }

    /// As one number: neighbours are put together to pairs, these to fours, these to eight.
    #[inline(always)]
    fn value(self) -> u64 {
        let eight = if self.count == 0 { 0 } else { self.values << (64 - 8 * self.count) };
        let pairs = (eight.wrapping_mul((10 << 8) + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs.wrapping_mul((100 << 16) + 1) >> 16) & 0x0000_ffff_0000_ffff;
        fours.wrapping_mul((10_000 << 32) + 1) >> 32
    }
}
