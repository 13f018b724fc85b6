//! The page's files, built into the program: a node serves them from memory and needs nobody else for them.

/// Path, kind and content of each.
pub const FILES: [(&str, &str, &str); 17] = [
    ("/", HTML, include_str!("../static/index.html")),
    ("/static/style.css", "text/css; charset=utf-8", include_str!("../static/style.css")),
    ("/static/app.js", SCRIPT, include_str!("../static/app.js")),
    ("/static/blocks.js", SCRIPT, include_str!("../static/blocks.js")),
    ("/static/charts.js", SCRIPT, include_str!("../static/charts.js")),
    ("/static/fleet.js", SCRIPT, include_str!("../static/fleet.js")),
    ("/static/frame.js", SCRIPT, include_str!("../static/frame.js")),
    ("/static/holds.js", SCRIPT, include_str!("../static/holds.js")),
    ("/static/logs.js", SCRIPT, include_str!("../static/logs.js")),
    ("/static/model.js", SCRIPT, include_str!("../static/model.js")),
    ("/static/notarizations.js", SCRIPT, include_str!("../static/notarizations.js")),
    ("/static/overview.js", SCRIPT, include_str!("../static/overview.js")),
    ("/static/parts.js", SCRIPT, include_str!("../static/parts.js")),
    ("/static/stream.js", SCRIPT, include_str!("../static/stream.js")),
    ("/static/timeline.js", SCRIPT, include_str!("../static/timeline.js")),
    ("/static/tools.js", SCRIPT, include_str!("../static/tools.js")),
    ("/static/verdict.js", SCRIPT, include_str!("../static/verdict.js")),
];

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::FILES;

    /// The names in quotes that come after a word.
    fn named<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn everything_that_the_page_asks_for_is_served_and_nothing_else_is() {
        let (_, _, page) = FILES[0];
        let mut asked = vec!["/".to_owned()];
        asked.extend(named(page, "src=\"").map(str::to_owned));
        asked.extend(named(page, "href=\"").filter(|path| path.starts_with('/')).map(str::to_owned));
        let modules = FILES.iter().flat_map(|(_, _, text)| named(text, "from \"./"));
        asked.extend(modules.map(|name| format!("/static/{name}")));
        asked.sort_unstable();
        asked.dedup();
        let mut served: Vec<_> = FILES.iter().map(|(path, ..)| (*path).to_owned()).collect();
        served.sort_unstable();
        assert_eq!(asked, served);
    }
}
