use std::fmt;

/// What is printed, as a table of Markdown, and what the file has of it.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// What stands below.
    pub(crate) notes: Vec<String>,
    /// All that is behind the cells.
    pub(crate) data: serde_json::Value,
}

impl Table {
    pub(crate) fn new(title: String, columns: Vec<String>) -> Self {
        Self {
            title,
            columns,
            rows: Vec::new(),
            notes: Vec::new(),
            data: serde_json::Value::Null,
        }
    }

    /// What is missing at its end stays empty.
    pub(crate) fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || std::iter::once(&self.columns).chain(&self.rows);
        let widths: Vec<_> = (0..self.columns.len())
            .map(|column| {
                lines()
                    .map(|cells| cells[column].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        writeln!(f, "**{}**\n", self.title)?;
        for (number, cells) in lines().enumerate() {
            for (column, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, "| {cell:<width$} ")?,
                    _ => write!(f, "| {cell:>width$} ")?,
                }
            }
            writeln!(f, "|")?;
            if number == 0 {
                let rule = widths
                    .iter()
                    .enumerate()
                    .map(|(column, &width)| match column {
                        0 => format!("|{}", "-".repeat(width + 2)),
                        _ => format!("|{}:", "-".repeat(width + 1)),
                    });
                writeln!(f, "{}|", rule.collect::<String>())?;
            }
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}
