//! Tables on a terminal: aligned columns, numbers to the right, the last column cut to the width.

use std::io::{self, Write};

use procyon_diag::Tone;

use crate::output::Output;

/// One column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its head.
    pub(crate) head: String,
    /// Whether it holds numbers, which stand to the right.
    pub(crate) right: bool,
}

/// Columns that a text takes on a terminal, near enough: wide East Asian letters take two, marks and controls none.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Text of processes may hold anything; a terminal obeys control characters, so they are shown instead.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Cuts to so many columns, with an ellipsis where something is missing.
fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += char_width(c);
        if used + 1 > columns {
            break;
        }
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Writes a head and rows.
pub(crate) fn write(out: &mut Output, columns: &[Column], rows: &[Vec<String>]) -> io::Result<()> {
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).fold(width(&column.head), usize::max)
        })
        .collect();
    let heads: Vec<String> = columns.iter().map(|column| column.head.clone()).collect();
    let head = line(columns, &widths, &heads, out.width);
    let head = out.palette.paint(Tone::Strong, head.trim_end());
    writeln!(out, "{head}")?;
    for row in rows {
        let text = line(columns, &widths, row, out.width);
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

fn line(columns: &[Column], widths: &[usize], cells: &[String], terminal: Option<usize>) -> String {
    let mut text = String::new();
    let mut used = 0;
    let last = columns.len().saturating_sub(1);
    for (at, ((column, cell), wide)) in columns.iter().zip(cells).zip(widths).enumerate() {
        if at > 0 {
            text.push_str("  ");
            used += 2;
        }
        let room = terminal.map(|terminal| terminal.saturating_sub(used));
        let cell = match room {
            Some(room) if at == last || *wide > room => cut(cell, room),
            _ => cell.clone(),
        };
        let padding = " ".repeat(wide.saturating_sub(width(&cell)));
        match (column.right, at == last) {
            (true, _) => {
                text.push_str(&padding);
                text.push_str(&cell);
            }
            (false, true) => text.push_str(&cell),
            (false, false) => {
                text.push_str(&cell);
                text.push_str(&padding);
            }
        }
        used += wide;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        [("PID", true), ("USER", false), ("COMMAND", false)]
            .map(|(head, right)| Column { head: head.to_owned(), right })
            .to_vec()
    }

    #[test]
    fn numbers_stand_right_and_the_last_column_is_cut() {
        let cells = ["7", "root", "a very long command"].map(str::to_owned);
        assert_eq!(line(&columns(), &[5, 6, 19], &cells, None), "    7  root    a very long command");
        assert_eq!(line(&columns(), &[5, 6, 19], &cells, Some(20)), "    7  root    a ve…");
    }

    #[test]
    fn a_terminal_never_obeys_the_name_of_a_process() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(width("数据ab"), 6);
        assert_eq!(cut("数据库", 5), "数据…");
    }
}
