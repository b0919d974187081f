//! CSV with a heading: `product,…` for offers, `rule,…` for rules. An empty cell is not there; columns of no interest
//! may be left out.

use std::collections::HashMap;

use csv::StringRecord;

use super::file::{FileError, Reading};
use super::lines::{self, OfferText, RuleText, Wrong};
use crate::domain::catalogue::Import;

const OF_PRODUCTS: [&str; 10] =
    ["product", "name", "kind", "offer", "amount", "amount_to", "benefits", "validity", "from", "until"];
const OF_RULES: [&str; 11] =
    ["rule", "kind", "level", "product", "channel", "amount", "amount_to", "rate", "pay_in", "from", "until"];

/// A line with the places of its columns.
struct Line<'a> {
    columns: &'a HashMap<String, usize>,
    cells: StringRecord,
    number: u64,
}

impl Line<'_> {
    fn cell(&self, column: &str) -> Option<String> {
        let cell = self.cells.get(*self.columns.get(column)?)?.trim();
        (!cell.is_empty()).then(|| cell.to_owned())
    }

    fn required(&self, column: &str) -> Result<String, FileError> {
        let missing = || FileError { place: self.place(column), problem: "expected a value".into() };
        self.cell(column).ok_or_else(missing)
    }

    fn place(&self, column: &str) -> String {
        format!("line {}, column {column}", self.number)
    }

    fn blame(&self, wrong: Wrong, code: &str) -> FileError {
        let column = if wrong.field == "code" { code } else { wrong.field };
        let FileError { problem, .. } = wrong.within("");
        FileError { place: self.place(column), problem }
    }
}

pub(super) fn of_csv(text: &str, reading: &Reading<'_>) -> Result<Import, FileError> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let broken = |error: csv::Error| FileError {
        place: error.position().map_or("file".into(), |at| format!("line {}", at.line())),
        problem: "expected as many cells as the heading has, quoted as RFC 4180 says".into(),
    };
    let heading: Vec<String> = reader.headers().map_err(broken)?.iter().map(|name| name.trim().to_owned()).collect();
    let of_products = heading.iter().any(|name| name == "product") && !heading.iter().any(|name| name == "rule");
    let known: &[&str] = if of_products { &OF_PRODUCTS } else { &OF_RULES };
    let unknown = heading.iter().find(|name| !known.contains(&name.as_str()));
    let wrong = |problem: String| Err(FileError { place: "line 1".into(), problem });
    if let Some(name) = unknown {
        return wrong(format!("{name} is no column; expected {}", known.join(",")));
    }
    if !heading.iter().any(|name| name == known[0]) {
        return wrong(format!("expected a heading such as {} or {}", OF_PRODUCTS.join(","), OF_RULES.join(",")));
    }
    let columns: HashMap<String, usize> = heading.into_iter().zip(0..).collect();
    let mut import = Import::default();
    for cells in reader.records() {
        let cells = cells.map_err(broken)?;
        let number = cells.position().map_or(0, csv::Position::line);
        let line = Line { columns: &columns, cells, number };
        if of_products { offer(&mut import, &line, reading)? } else { rule(&mut import, &line, reading)? }
    }
    Ok(import)
}

/// Lines of one product follow each other or not; its name and kind may stand in the first alone.
fn offer(import: &mut Import, line: &Line<'_>, reading: &Reading<'_>) -> Result<(), FileError> {
    let code = line.required("product")?;
    let known = import.products.iter().position(|product| product.code.as_str() == code);
    let index = match known {
        Some(index) => index,
        None => {
            let (name, kind) = (line.required("name")?, line.required("kind")?);
            let product = lines::heading(&code, &name, &kind).map_err(|wrong| line.blame(wrong, "product"))?;
            import.products.push(product);
            import.products.len() - 1
        }
    };
    let product = &mut import.products[index];
    let benefits = line.cell("benefits").map(|cell| cell.split(';').map(str::to_owned).collect());
    let text = OfferText {
        name: line.cell("offer"),
        amount: line.cell("amount"),
        amount_to: line.cell("amount_to"),
        amounts: Vec::new(),
        benefits: benefits.unwrap_or_default(),
        validity: line.cell("validity"),
        from: line.cell("from"),
        until: line.cell("until"),
    };
    // A product without an offer is withdrawn.
    if text.amount.is_some() || text.amount_to.is_some() {
        let name = product.name.clone();
        product.offers.extend(lines::offers(&text, &name, reading).map_err(|wrong| line.blame(wrong, "product"))?);
    }
    Ok(())
}

fn rule(import: &mut Import, line: &Line<'_>, reading: &Reading<'_>) -> Result<(), FileError> {
    let text = RuleText {
        code: line.required("rule")?,
        kind: line.required("kind")?,
        level: line.cell("level"),
        product: line.cell("product"),
        channel: line.cell("channel"),
        amount: line.cell("amount"),
        amount_to: line.cell("amount_to"),
        rate: line.required("rate")?,
        pay_in: line.cell("pay_in"),
        from: line.cell("from"),
        until: line.cell("until"),
    };
    import.rules.push(lines::rule(&text, reading).map_err(|wrong| line.blame(wrong, "rule"))?);
    Ok(())
}
