//! Bars of block characters, an eighth of a cell fine.

const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const FULL: char = '█';
const RIGHT_HALF: char = '▐';
const ZERO: char = '│';

/// A share from 0 to 1 as a bar, in so many cells. What is more than nothing can be seen.
pub fn bar(share: f64, width: usize) -> String {
    let share = share.clamp(0.0, 1.0);
    let eighths = (share * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let mut bar = FULL.to_string().repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.push(EIGHTHS[eighths % 8]);
    }
    format!("{bar:<width$}")
}

/// A value from -1 to 1 as a bar that begins at a line in the middle, with so many cells on either side.
pub fn around_zero(value: f64, side: usize) -> String {
    let right = if value > 0.0 { bar(value, side) } else { " ".repeat(side) };
    format!("{}{ZERO}{right}", leftwards((-value).clamp(0.0, 1.0), side))
}

/// There are no eighths that stand to the right, so this one is half a cell fine.
fn leftwards(share: f64, width: usize) -> String {
    let halves = (share * width as f64 * 2.0).round() as usize;
    let halves = if share > 0.0 { halves.max(1) } else { 0 };
    let mut bar = String::new();
    if halves % 2 > 0 {
        bar.push(RIGHT_HALF);
    }
    bar.push_str(&FULL.to_string().repeat(halves / 2));
    format!("{bar:>width$}")
}

/// What the ends of a chart of this width mean, and its middle if that is worth saying.
pub fn scale(low: &str, middle: &str, high: &str, width: usize) -> String {
    let before = (width / 2).saturating_sub(low.chars().count() + middle.chars().count() / 2);
    let after =
        width.saturating_sub([low, middle, high].iter().map(|text| text.chars().count()).sum::<usize>() + before);
    format!("{low}{}{middle}{}{high}", " ".repeat(before), " ".repeat(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_an_eighth_of_a_cell_fine_and_as_wide_as_its_column() {
        for (share, drawn) in [
            (0.0, "    "),
            (0.0001, "▏   "),
            (0.125, "▌   "),
            (0.5, "██  "),
            (0.6, "██▍ "),
            (0.999, "████"),
            (1.0, "████"),
            (7.0, "████"),
            (-1.0, "    "),
        ] {
            assert_eq!(bar(share, 4), drawn, "{share}");
        }
    }

    #[test]
    fn below_zero_a_bar_stands_to_the_left() {
        for (value, drawn) in [
            (0.0, "    │    "),
            (0.5, "    │██  "),
            (1.0, "    │████"),
            (-0.001, "   ▐│    "),
            (-0.625, " ▐██│    "),
            (-3.0, "████│    "),
        ] {
            assert_eq!(around_zero(value, 4), drawn, "{value}");
        }
    }

    #[test]
    fn a_scale_is_as_wide_as_its_chart() {
        assert_eq!(scale("-100", "0", "100", 17), "-100    0     100");
        assert_eq!(around_zero(0.0, 8), "        │        ");
        assert_eq!(scale("1", "", "5", 6), "1    5");
        assert_eq!(scale("0 %", "", "100 %", 4), "0 %100 %");
    }
}
