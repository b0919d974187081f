//! XLSX through a file: what was written leaves the memory at once. A sheet holds a million rows; more go on the next.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::{Cell, Row, fits_a_spreadsheet, formula_safe, number_format};
use crate::domain::{Currency, Money};

/// Rows of one sheet, headings included; the format ends at 1,048,576.
const SHEET_ROWS: u32 = 1_000_000;

/// Writes rows into sheets.
pub struct XlsxTable {
    workbook: Workbook,
    folder: PathBuf,
    headings: Vec<&'static str>,
    currency: Currency,
    amount: Format,
    heading: Format,
    sheets: usize,
    /// The next one of the sheet.
    row: u32,
}

impl XlsxTable {
    /// Files are made in `folder` and have no name there: they are gone with the process.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(currency: Currency, headings: &[&'static str], folder: &Path) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder)?;
        let mut table = Self {
            workbook,
            folder: folder.to_owned(),
            headings: headings.to_vec(),
            currency,
            amount: Format::new().set_num_format(number_format(currency)),
            heading: Format::new().set_bold(),
            sheets: 0,
            row: 0,
        };
        table.begin_sheet()?;
        Ok(table)
    }

    fn begin_sheet(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, heading) in (0..).zip(&self.headings) {
            sheet.set_column_width(column, 20)?;
            sheet.write_string_with_format(0, column, *heading, &self.heading)?;
        }
        (self.sheets, self.row) = (self.sheets + 1, 1);
        Ok(())
    }

    /// # Errors
    /// When the folder is full.
    pub fn row(&mut self, row: &Row) -> Result<(), XlsxError> {
        if self.row >= SHEET_ROWS {
            self.begin_sheet()?;
        }
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
        for (column, cell) in (0..).zip(row) {
            write_cell(sheet, (self.row, column), cell, (self.currency, &self.amount))?;
        }
        self.row += 1;
        Ok(())
    }

    /// The finished file, at its beginning, with its length.
    ///
    /// # Errors
    /// When the folder is full.
    pub fn finish(mut self) -> Result<(File, u64), XlsxError> {
        let mut file = tempfile::tempfile_in(&self.folder)?;
        self.workbook.save_to_writer(&file)?;
        let length = file.stream_position()?;
        file.seek(SeekFrom::Start(0))?;
        Ok((file, length))
    }
}

fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    (currency, format): (Currency, &Format),
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => {
            sheet.write_string(row, column, formula_safe(text))?;
        }
        Cell::Amount(minor) if fits_a_spreadsheet(*minor) => {
            #[expect(clippy::cast_precision_loss, reason = "at most 15 digits, which is what a spreadsheet keeps")]
            let amount = *minor as f64 / f64::from(10_u32.pow(currency.exponent()));
            sheet.write_number_with_format(row, column, amount, format)?;
        }
        Cell::Amount(minor) => {
            sheet.write_string(row, column, Money::from_minor(*minor, currency).to_string())?;
        }
    }
    Ok(())
}
