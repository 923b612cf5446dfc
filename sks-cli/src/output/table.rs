//! Columns of text.

use std::fmt;

/// Rows under headings, each column as wide as its widest cell.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| self.rows.iter().filter_map(|row| row.get(column).map(|cell| width(cell))).max();
        let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, wide) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', (wide + 2).saturating_sub(width(cell))));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A name and a value in each line.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a line.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds a line for each value; the name stands in the first.
    pub(crate) fn list(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let mut values = values.into_iter();
        self.add(name, values.next().unwrap_or_else(|| "none".to_owned()));
        values.for_each(|value| self.add("", value));
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.0.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        for (name, value) in &self.0 {
            writeln!(f, "{}", format!("{name:wide$}  {value}").trim_end())?;
        }
        Ok(())
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["KEY", "NAME"]);
        table.row(["10001".to_owned(), "å".to_owned()]);
        table.row(["2".to_owned(), String::new()]);
        assert_eq!(table.to_string(), "KEY    NAME\n10001  å\n2\n");
    }

    #[test]
    fn a_list_names_itself_once() {
        let mut fields = Fields::default();
        fields.list("Sizes", ["1".to_owned(), "2".to_owned()]);
        fields.list("None", []);
        assert_eq!(fields.to_string(), "Sizes  1\n       2\nNone   none\n");
    }
}
