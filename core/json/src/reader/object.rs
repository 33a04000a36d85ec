//! Objects, as several columns.

use arrow::array::ArrayRef;
use arrow::datatypes::Fields;
use pipeline_api::{Result, nearest};

use super::column::ColumnReader;
use crate::converter::UnknownFields;
use crate::refusal::{Outcome, refuse};
use crate::scanner::Scanner;

/// Reads objects into one column for each field.
pub(super) struct ObjectReader {
    columns: Vec<ColumnReader>,
    unknown: UnknownFields,
}

impl ObjectReader {
    pub(super) fn new(fields: &Fields, unknown: UnknownFields, rows: usize) -> Result<Self> {
        let columns = fields.iter().map(|field| ColumnReader::new(field, unknown, rows)).collect::<Result<_>>()?;
        Ok(Self { columns, unknown })
    }

    /// Takes an object as row `row`, before which every column has a value for every row.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>, row: usize) -> Outcome<()> {
        scanner.open(b'{')?;
        let mut found = 0;
        if !scanner.closes(b'}') {
            // Programs write the fields in one order: the next one is most likely the one behind the last.
            let mut likely = 0;
            loop {
                if let Some(at) = self.read_name(scanner, likely)? {
                    let column = &mut self.columns[at];
                    column.read(scanner, row).map_err(|refusal| refusal.within(column.name()))?;
                    likely = at + 1;
                    found += 1;
                }
                if !scanner.goes_on(b'}')? {
                    break;
                }
            }
        }
        if found == self.columns.len() { Ok(()) } else { self.fill_absent(row) }
    }

    /// Takes a row that stands below a null.
    pub(super) fn read_below_null(&mut self) {
        self.columns.iter_mut().for_each(ColumnReader::push_null);
    }

    /// Forgets all but the first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
    }

    /// The columns with all that was taken.
    pub(super) fn finish_columns(self) -> Result<Vec<ArrayRef>> {
        self.columns.into_iter().map(ColumnReader::finish).collect()
    }

    /// Takes the name of the next field and gives its column. An unknown field is taken whole, if it may be.
    fn read_name(&self, scanner: &mut Scanner<'_>, likely: usize) -> Outcome<Option<usize>> {
        if self.columns.get(likely).is_some_and(|column| scanner.take_text(column.written_name())) {
            return Ok(Some(likely));
        }
        let name = scanner.string()?;
        scanner.expect(b':')?;
        let (before, behind) = self.columns.split_at(likely);
        let is_it = |column: &ColumnReader| column.name() == name;
        let behind = behind.iter().position(is_it).map(|at| at + likely);
        match behind.or_else(|| before.iter().position(is_it)) {
            Some(at) => Ok(Some(at)),
            None => self.skip_unknown(scanner, &name).map(|()| None),
        }
    }

    fn skip_unknown(&self, scanner: &mut Scanner<'_>, name: &str) -> Outcome<()> {
        scanner.skip()?;
        if self.unknown == UnknownFields::Ignore {
            return Ok(());
        }
        let known = self.columns.iter().map(ColumnReader::name);
        let right = match nearest(name, known.clone()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("expected one of {}", known.collect::<Vec<_>>().join(", ")),
        };
        refuse::<()>(format!("is no field of the schema, {right}")).map_err(|refusal| refusal.within(name))
    }

    fn fill_absent(&mut self, row: usize) -> Outcome<()> {
        for column in self.columns.iter_mut().filter(|column| column.len() == row) {
            column.read_absent().map_err(|refusal| refusal.within(column.name()))?;
        }
        Ok(())
    }
}
