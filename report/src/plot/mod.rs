//! Lines and bands as SVG, legible on light and dark pages; the same input gives the same bytes.
//!
//! Grey that is as far from white as from black carries all text; nothing is drawn behind. Colours are those of the
//! simulator's plots.

mod axis;

pub use axis::{Axis, Scale};

use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 936.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 412.0;

const INK: &str = "#7a7a7a";
const FAINT: &str = "#8c8c8c";
/// For series, in this order.
pub const COLORS: [&str; 4] = ["#2f80d8", "#b07d4f", "#3d9a6b", "#a565b8"];
/// About how wide a letter of the legend is.
const LETTER: f64 = 6.9;

/// One line, with a band around it where runs differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// For the legend.
    pub name: String,
    /// Of [`COLORS`], by place.
    pub color: usize,
    /// Drawn in dashes.
    pub dashed: bool,
    /// x, and low, middle and high y.
    pub points: Vec<(f64, f64, f64, f64)>,
}

/// A moment that matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where.
    pub x: f64,
    /// What.
    pub text: String,
}

/// A whole picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Above.
    pub title: String,
    /// Below the title, in smaller letters.
    pub subtitle: String,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// In the order of the legend.
    pub series: Vec<Series>,
    /// Vertical lines.
    pub marks: Vec<Mark>,
}

impl Chart {
    /// A whole SVG document; `None` if there is nothing to show.
    #[must_use]
    pub fn draw(&self) -> Option<String> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        points().next()?;
        let across = self.x.fit(points().map(|(x, ..)| *x), false);
        let up = self.y.fit(points().flat_map(|(_, low, _, high)| [*low, *high]), true);
        let x = |value: f64| LEFT + across.place(value) * (RIGHT - LEFT);
        let y = |value: f64| BOTTOM - up.place(value) * (BOTTOM - TOP);
        let mut out = String::new();
        self.head(&mut out);
        for (value, label) in &up.ticks {
            let at = y(*value);
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"{FAINT}\" stroke-opacity=\"0.3\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"12\">{}</text>",
                LEFT - 8.0,
                at + 4.0,
                escaped(label)
            );
        }
        for (value, label) in &across.ticks {
            let at = x(*value);
            let _ = writeln!(
                out,
                "<path d=\"M{at:.1} {BOTTOM}v5\" stroke=\"{FAINT}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"12\">{}</text>",
                BOTTOM + 20.0,
                escaped(label)
            );
        }
        let _ = writeln!(out, "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" stroke=\"{FAINT}\" fill=\"none\"/>");
        self.axes(&mut out);
        for series in &self.series {
            series.draw(&mut out, x, y);
        }
        for mark in &self.marks {
            let at = x(mark.x);
            let _ = writeln!(
                out,
                "<path d=\"M{at:.1} {TOP}V{BOTTOM}\" stroke=\"{INK}\" stroke-dasharray=\"2 4\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\">{}</text>",
                at + 5.0,
                TOP + 12.0,
                escaped(&mark.text)
            );
        }
        out.push_str("</svg>\n");
        Some(out)
    }

    fn head(&self, out: &mut String) {
        let title = escaped(&self.title);
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"{INK}\">\n<title>{title}</title>\n\
             <text x=\"16\" y=\"28\" font-size=\"17\" font-weight=\"600\">{title}</text>\n\
             <text x=\"16\" y=\"48\" font-size=\"12\">{}</text>",
            escaped(&self.subtitle)
        );
        let mut at = 16.0;
        for series in &self.series {
            let (color, dashes) = series.stroke();
            let _ = writeln!(
                out,
                "<path d=\"M{at:.1} 66.5h22\" stroke=\"{color}\" stroke-width=\"2.5\"{dashes}/>\
                 <text x=\"{:.1}\" y=\"71\">{}</text>",
                at + 28.0,
                escaped(&series.name)
            );
            at += 28.0 + series.name.chars().count() as f64 * LETTER + 22.0;
        }
    }

    fn axes(&self, out: &mut String) {
        let (across, down) = ((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
        let _ = writeln!(
            out,
            "<text x=\"{across:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text x=\"22\" y=\"{down:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 22 {down:.1})\">{}</text>",
            BOTTOM + 46.0,
            escaped(&self.x.label),
            escaped(&self.y.label)
        );
    }
}

impl Series {
    fn stroke(&self) -> (&'static str, &'static str) {
        let dashes = if self.dashed { " stroke-dasharray=\"7 5\"" } else { "" };
        (COLORS[self.color % COLORS.len()], dashes)
    }

    fn draw(&self, out: &mut String, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) {
        let (color, dashes) = self.stroke();
        let line = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            let places: Vec<String> = points.map(|(across, up)| format!("{:.1} {:.1}", x(across), y(up))).collect();
            places.join("L")
        };
        if self.points.iter().any(|(_, low, _, high)| low < high) {
            let above = line(&mut self.points.iter().map(|(across, _, _, high)| (*across, *high)));
            let below = line(&mut self.points.iter().rev().map(|(across, low, ..)| (*across, *low)));
            let _ = writeln!(out, "<path d=\"M{above}L{below}Z\" fill=\"{color}\" fill-opacity=\"0.18\"/>");
        }
        let middle = line(&mut self.points.iter().map(|(across, _, middle, _)| (*across, *middle)));
        let _ = writeln!(
            out,
            "<path d=\"M{middle}\" stroke=\"{color}\" stroke-width=\"2.5\" stroke-linejoin=\"round\" fill=\"none\"{dashes}>\
             <title>{}</title></path>",
            escaped(&self.name)
        );
        // Dots where there are few; a long line has none.
        for (across, _, middle, _) in self.points.iter().filter(|_| self.points.len() <= 20) {
            let _ =
                writeln!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{color}\"/>", x(*across), y(*middle));
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
