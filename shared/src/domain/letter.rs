//! The form of our mails: what it is about, numbered steps, and what else there is to know; as plain text and as HTML.

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

/// A mail to be worded.
pub(super) struct Letter {
    pub(super) subject: String,
    /// The first paragraph.
    pub(super) opening: String,
    /// What to do, in order.
    pub(super) steps: Vec<String>,
    /// The paragraphs after it.
    pub(super) closing: Vec<String>,
}

impl Letter {
    /// The mail in both forms. Wherever `page` is named, HTML makes it clickable.
    pub(super) fn words(self, page: &str) -> Words {
        let Self { subject, opening, steps, closing } = self;
        let paragraph = |text: &str| format!("<p>{}</p>", link(&escape(text).replace('\n', "<br>"), page));
        let item = |step: &String| format!("<li>{}</li>", link(&escape(step), page));
        let items: String = steps.iter().map(item).collect();
        let list = if items.is_empty() { items } else { format!("<ol>{items}</ol>") };
        let html = format!(
            "<!doctype html><html lang=\"en\"><body style=\"font-family:sans-serif;max-width:40em;overflow-wrap:anywhere\">\
             {}{list}{}</body></html>",
            paragraph(&opening),
            closing.iter().map(|text| paragraph(text)).collect::<String>()
        );
        let numbered: Vec<String> =
            (1..).zip(&steps).map(|(number, step)| format!("{number}. {step}")).collect();
        let steps = (!numbered.is_empty()).then(|| numbered.join("\n"));
        let paragraphs: Vec<String> = [opening].into_iter().chain(steps).chain(closing).collect();
        Words { subject, text: format!("{}\n", paragraphs.join("\n\n")), html }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Makes the page's address in an escaped text clickable.
fn link(escaped: &str, page: &str) -> String {
    let address = escape(page);
    escaped.replace(&address, &format!("<a href=\"{address}\">{address}</a>"))
}
