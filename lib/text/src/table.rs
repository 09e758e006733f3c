//! Columns for people: aligned, without a frame, in an order a diff can follow.

use crate::{printable, width};

/// A table in the making. A column whose every cell is a number is set flush right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { head: head.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| printable(cell)).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, head first; nothing at all when there are no rows.
    pub fn render(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let columns = self.head.len();
        let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|c| {
                self.rows
                    .iter()
                    .map(|row| width(&cell(row, c)))
                    .max()
                    .unwrap_or(0)
                    .max(width(&self.head[c]))
            })
            .collect();
        let right: Vec<bool> =
            (0..columns).map(|c| self.rows.iter().all(|row| is_number(&cell(row, c)))).collect();
        // A column without a name and without any content is none.
        let shown: Vec<usize> = (0..columns).filter(|c| widths[*c] > 0).collect();
        let mut out = String::new();
        for row in std::iter::once(&self.head).chain(&self.rows) {
            let mut line = String::new();
            for &c in &shown {
                let text = cell(row, c);
                let pad = " ".repeat(widths[c] - width(&text));
                line += &if right[c] { format!("{pad}{text}  ") } else { format!("{text}{pad}  ") };
            }
            out += line.trim_end();
            out.push('\n');
        }
        out
    }
}

fn is_number(text: &str) -> bool {
    text.is_empty() || text == "-" || text.trim_end_matches('%').parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_text_left() {
        let mut table = Table::new(["USER", "GPUS", "STATE"]);
        table.row(["alice".into(), "10".into(), "held".into()]);
        table.row(["bo\x07b".into(), "2".into(), "free".into()]);
        assert_eq!(
            table.render(),
            "USER   GPUS  STATE\nalice    10  held\nbo\u{fffd}b      2  free\n"
        );
    }

    #[test]
    fn a_column_that_is_nowhere_filled_takes_no_room() {
        let mut table = Table::new(["USER", "", "STATE"]);
        table.row(["alice".into(), String::new(), "held".into()]);
        assert_eq!(table.render(), "USER   STATE\nalice  held\n");
    }

    #[test]
    fn a_table_without_rows_prints_nothing() {
        assert_eq!(Table::new(["USER"]).render(), "");
    }
}
