//! Payloads as the lines of a file, without columns between them.

use std::borrow::Cow;
use std::ops::Range;
use std::slice::Iter;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use crate::converter::UnknownFields;
use crate::number;
use crate::payloads::Payloads;
use crate::scanner::{Number, Scanner, ShortNumber};
use crate::time::{self, LastDay};
use crate::writer::{write_decimal, write_double, write_json, written_name};

/// Copies payloads as lines, changed only where [`write_lines`](crate::write_lines) writes what was decoded in another way. Most
/// programs write most values as it does, and copying them costs half of decoding and writing them.
#[derive(Debug)]
pub(crate) struct LineCopier {
    fields: Vec<LineField>,
    unknown: UnknownFields,
}

#[derive(Debug)]
struct LineField {
    name: String,
    /// The name in quotes and a colon.
    written_name: String,
    nullable: bool,
    form: Form,
}

/// How values of a column are written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Boolean,
    /// Least and greatest.
    Whole(i64, i64),
    Double,
    Decimal(u8, u8),
    Text,
    Date,
    Timestamp(TimeUnit),
}

impl LineCopier {
    /// A copier for records of that schema. `None` if it has a column that is seldom enough to be decoded.
    pub(crate) fn new(schema: &Schema, unknown: UnknownFields) -> Option<Self> {
        let fields = schema.fields().iter().map(|field| LineField::new(field)).collect::<Option<_>>()?;
        Some(Self { fields, unknown })
    }

    /// All payloads as lines, in Athena's form. `None` if one of them is no record, or has its fields in another order than the
    /// schema: then they are decoded.
    pub(crate) fn copy(&self, payloads: &Payloads<'_>) -> Option<Vec<u8>> {
        let mut lines = Vec::with_capacity(payloads.bytes() + payloads.len());
        let mut last = LastDay::default();
        for row in 0..payloads.len() {
            let payload = payloads.get(row).ok().flatten()?;
            self.copy_line(payload, &mut last, &mut lines)?;
        }
        Some(lines)
    }

    fn copy_line(&self, payload: &str, last: &mut LastDay, lines: &mut Vec<u8>) -> Option<()> {
        let mut scanner = Scanner::new(payload);
        scanner.open(b'{').ok()?;
        let mut line = Line { payload, copied: scanner.at() - 1, lines };
        // Where the last field ends that is in the line, or the bracket.
        let mut end = scanner.at();
        let (mut fields, mut comma) = (self.fields.iter(), "");
        let mut goes_on = !scanner.closes(b'}');
        while goes_on {
            scanner.peek();
            let start = scanner.at();
            match self.next_field(&mut scanner, &mut fields)? {
                Some(field) if scanner.peek() == Some(b'n') => {
                    scanner.word("null").ok()?;
                    field.nullable.then_some(())?;
                }
                Some(field) => {
                    if start > end + comma.len() {
                        line.replace(end..start, comma);
                    }
                    if scanner.at() > start + field.written_name.len() {
                        line.replace(start..scanner.at(), &field.written_name);
                    }
                    field.form.copy(&mut scanner, &mut line, last)?;
                    end = scanner.at();
                    comma = ",";
                }
                None => drop(scanner.skip().ok()?),
            }
            goes_on = scanner.goes_on(b'}').ok()?;
        }
        fields.all(|field| field.nullable).then_some(())?;
        let bracket = scanner.at() - 1;
        if bracket > end {
            line.replace(end..bracket, "");
        }
        scanner.peek().is_none().then(|| line.end(bracket + 1))
    }

    /// Takes the name of the next field, and passes the fields before it, which are null. A field that is left out gives
    /// `Some(None)`.
    fn next_field<'f>(
        &'f self,
        scanner: &mut Scanner<'_>,
        fields: &mut Iter<'f, LineField>,
    ) -> Option<Option<&'f LineField>> {
        for (passed, field) in fields.as_slice().iter().enumerate() {
            if scanner.take_text(&field.written_name) {
                return Some(fields.nth(passed));
            }
            if !field.nullable {
                break;
            }
        }
        let name = scanner.string().ok()?;
        scanner.expect(b':').ok()?;
        // One that is known comes in another order, or is written in another way.
        let known = self.fields.iter().any(|field| field.name == name);
        (!known && self.unknown == UnknownFields::Ignore).then_some(None)
    }
}

impl LineField {
    fn new(field: &Field) -> Option<Self> {
        let form = match field.data_type() {
            DataType::Boolean => Form::Boolean,
            DataType::Int8 => Form::Whole(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => Form::Whole(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => Form::Whole(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => Form::Whole(i64::MIN, i64::MAX),
            DataType::Float64 => Form::Double,
            DataType::Decimal128(precision, scale @ 0..) => Form::Decimal(*precision, scale.unsigned_abs()),
            DataType::Utf8 => Form::Text,
            DataType::Date32 => Form::Date,
            DataType::Timestamp(unit, None) => Form::Timestamp(*unit),
            _ => return None,
        };
        let written_name = written_name(field.name());
        Some(Self { name: field.name().clone(), written_name, nullable: field.is_nullable(), form })
    }
}

impl Form {
    /// Takes a value and leaves it as it is, if it is written so, or replaces it. `None` if it does not fit.
    fn copy(self, scanner: &mut Scanner<'_>, line: &mut Line<'_>, last: &mut LastDay) -> Option<()> {
        let start = scanner.at();
        match self {
            Self::Boolean => {
                let word = if scanner.peek()? == b't' { "true" } else { "false" };
                scanner.word(word).ok()?;
            }
            Self::Whole(..) | Self::Double | Self::Decimal(..) => {
                let number = match scanner.short_number() {
                    Some(short) if self.is_as_written(short) => return Some(()),
                    Some(short) => Scanner::new(short.text).number(),
                    None => scanner.number(),
                };
                line.replace_by(start..scanner.at(), |line| self.write_number(number.ok()?, line))?;
            }
            Self::Text => {
                if let Cow::Owned(text) = scanner.string().ok()? {
                    line.replace_by(start..scanner.at(), |line| write_json(&text, line).ok())?;
                }
            }
            Self::Date => {
                let Cow::Borrowed(text) = scanner.string().ok()? else { return None };
                time::parse_date(text).ok()?;
            }
            Self::Timestamp(unit) => {
                let Cow::Borrowed(text) = scanner.string().ok()? else { return None };
                let value = time::parse_timestamp(text, unit, last).ok()?;
                let separator = start + 1 + time::SEPARATOR;
                if time::is_as_written(text, unit) {
                    line.replace(separator..separator + 1, " ");
                } else {
                    line.replace_by(start + 1..scanner.at() - 1, |line| {
                        time::write_timestamp(value, unit, b' ', last, line)
                    })?;
                }
            }
        }
        Some(())
    }

    /// Whether a number is written as [`write_number`](Self::write_number) writes it. False for some that are.
    #[inline(always)]
    fn is_as_written(self, number: ShortNumber<'_>) -> bool {
        let ShortNumber { text, negative, first_digit, before_point, behind_point } = number;
        match self {
            // Not more than 15 digits, of which none is needless: no other text of so few stands for the same double, and there is
            // no shorter one. Below a thousandth it might be written with an exponent.
            Self::Double => {
                (behind_point == 1 || (behind_point > 1 && !text.ends_with('0')))
                    && (first_digit != b'0' || behind_point <= 3)
            }
            Self::Whole(_, greatest) => behind_point == 0 && greatest > 9_999_999 && !(negative && first_digit == b'0'),
            Self::Decimal(precision, scale) => {
                behind_point == usize::from(scale)
                    && before_point + behind_point <= precision.into()
                    && !(negative && first_digit == b'0')
            }
            _ => false,
        }
    }

    /// Appends a number that fits as it is written once it was decoded.
    fn write_number(self, number: Number<'_>, line: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Double => write_double(number::double(number).ok()?, line).ok(),
            Self::Whole(least, greatest) => {
                let value = i64::try_from(number::scaled(number, 0).ok()?).ok()?;
                (least..=greatest).contains(&value).then(|| write_json(&value, line).ok()).flatten()
            }
            Self::Decimal(precision, scale) => {
                let value = number::scaled(number, scale.into()).ok()?;
                (value.unsigned_abs() < 10u128.pow(precision.into())).then(|| write_decimal(value, scale.into(), line))
            }
            _ => None,
        }
    }
}

/// A payload on its way into a line.
struct Line<'a> {
    payload: &'a str,
    /// How far it is in the line.
    copied: usize,
    lines: &'a mut Vec<u8>,
}

impl Line<'_> {
    /// Puts `text` in the place of a part of the payload.
    fn replace(&mut self, place: Range<usize>, text: &str) {
        self.copy(place.start);
        self.copied = place.end;
        self.lines.extend_from_slice(text.as_bytes());
    }

    /// Puts what `write` writes in the place of a part of the payload.
    fn replace_by(&mut self, place: Range<usize>, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
        self.copy(place.start);
        self.copied = place.end;
        write(self.lines)
    }

    fn end(mut self, end: usize) {
        self.copy(end);
        self.lines.push(b'\n');
    }

    fn copy(&mut self, end: usize) {
        self.lines.extend_from_slice(&self.payload.as_bytes()[self.copied..end]);
    }
}
