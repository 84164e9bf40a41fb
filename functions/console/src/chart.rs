//! Charts as SVG, drawn here: no script, no style, and the same numbers as text.

use maud::{Markup, html};

const WIDTH: usize = 480;
const HEIGHT: usize = 140;
/// Room for the words below the bars, and for the numbers above.
const WORDS: usize = 20;

/// Bars side by side, each with its name and number.
pub(crate) fn bars(title: &str, values: &[(String, usize)]) -> Markup {
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
    let step = WIDTH / values.len().max(1);
    let room = HEIGHT - 2 * WORDS;
    let text = values.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ");
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ (title) ". " (text) "." } {
            @for (number, (name, value)) in values.iter().enumerate() {
                @let height = value * room / most;
                @let middle = number * step + step / 2;
                rect.soft[*value == 0] x=(number * step + step / 8) y=(HEIGHT - WORDS - height.max(1)) width=(step * 3 / 4) height=(height.max(1)) {}
                text x=(middle) y=(HEIGHT - WORDS - height.max(1) - 4) text-anchor="middle" { (value) }
                text x=(middle) y=(HEIGHT - 5) text-anchor="middle" { (name) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_in_words_what_it_shows() {
        let drawn = bars("Last seen", &[("today".to_owned(), 4), ("before".to_owned(), 0)]).into_string();
        assert!(drawn.contains("aria-label=\"Last seen. today: 4, before: 0.\""), "{drawn}");
        assert!(drawn.contains("height=\"100\"") && drawn.contains("class=\"soft\""), "{drawn}");
        assert!(!drawn.contains("style"), "{drawn}");
        assert!(bars("Nothing", &[]).into_string().contains("<svg"));
    }
}
