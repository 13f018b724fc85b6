//! What a dashboard is made of, and the JSON that Grafana reads: every panel of a kind looks alike.

use serde_json::{Value, json};

/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;
const SOURCE: &str = "${datasource}";

/// Which validators a dashboard shows: `$node` in its expressions.
#[derive(Clone, Copy)]
pub enum Choice {
    Many,
    One,
}

pub struct Dashboard {
    /// The file's name, and the end of the identifier in links.
    pub name: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub choice: Choice,
    pub rows: Vec<(&'static str, Vec<Panel>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stat,
    Lines,
    Stacked,
    Bars,
    Heat,
    Table,
}

pub struct Panel {
    kind: Kind,
    title: &'static str,
    about: &'static str,
    unit: &'static str,
    width: u32,
    height: u32,
    pub queries: Vec<(&'static str, &'static str)>,
    /// Units and thresholds of a table's columns.
    columns: Vec<(&'static str, &'static str, Steps)>,
    steps: Steps,
    top: Option<f64>,
}

/// From which value on which colour; green below.
pub type Steps = &'static [(f64, &'static str)];

fn panel(kind: Kind, title: &'static str, unit: &'static str, about: &'static str, size: (u32, u32)) -> Panel {
    let (width, height) = size;
    Panel { kind, title, about, unit, width, height, queries: Vec::new(), columns: Vec::new(), steps: &[], top: None }
}

/// One number.
pub fn stat(title: &'static str, unit: &'static str, about: &'static str) -> Panel {
    panel(Kind::Stat, title, unit, about, (3, 4))
}

/// Lines over time.
pub fn lines(title: &'static str, unit: &'static str, about: &'static str) -> Panel {
    panel(Kind::Lines, title, unit, about, (8, 8))
}

/// Lines over time that add up.
pub fn stacked(title: &'static str, unit: &'static str, about: &'static str) -> Panel {
    panel(Kind::Stacked, title, unit, about, (8, 8))
}

/// A bar for each.
pub fn bars(title: &'static str, unit: &'static str, about: &'static str) -> Panel {
    panel(Kind::Bars, title, unit, about, (8, 8))
}

/// How often which duration, over time.
pub fn heat(title: &'static str, unit: &'static str, about: &'static str) -> Panel {
    panel(Kind::Heat, title, unit, about, (8, 8))
}

/// A line for each validator, a column for each query.
pub fn table(title: &'static str, about: &'static str) -> Panel {
    panel(Kind::Table, title, "none", about, (COLUMNS, 9))
}

impl Panel {
    /// What it shows, and what each series is called.
    pub fn query(mut self, expr: &'static str, legend: &'static str) -> Self {
        self.queries.push((expr, legend));
        self
    }

    /// A table's column.
    pub fn column(mut self, expr: &'static str, title: &'static str, unit: &'static str, steps: Steps) -> Self {
        self.queries.push((expr, title));
        self.columns.push((title, unit, steps));
        self
    }

    pub const fn steps(mut self, steps: Steps) -> Self {
        self.steps = steps;
        self
    }

    /// The scale's end.
    pub const fn top(mut self, top: f64) -> Self {
        self.top = Some(top);
        self
    }

    pub const fn wide(mut self, width: u32) -> Self {
        self.width = width;
        self
    }

    pub const fn tall(mut self, height: u32) -> Self {
        self.height = height;
        self
    }

    pub fn is_table(&self) -> bool {
        self.kind == Kind::Table
    }

    fn targets(&self) -> Vec<Value> {
        let letters = 'A'..='Z';
        let target = |((expr, legend), letter): (&(&str, &str), char)| {
            let mut target = json!({ "datasource": source(), "refId": letter.to_string(), "expr": expr });
            match self.kind {
                Kind::Table => {
                    target["format"] = "table".into();
                    target["instant"] = true.into();
                }
                Kind::Heat => target["format"] = "heatmap".into(),
                _ => {}
            }
            target["legendFormat"] = if self.kind == Kind::Table { "__auto".into() } else { (*legend).into() };
            target
        };
        self.queries.iter().zip(letters).map(target).collect()
    }

    fn defaults(&self) -> Value {
        let mut defaults = json!({ "unit": self.unit, "thresholds": thresholds(self.steps) });
        defaults["color"] = match self.kind {
            Kind::Lines | Kind::Stacked => json!({ "mode": "palette-classic" }),
            _ => json!({ "mode": "thresholds" }),
        };
        if let Some(top) = self.top {
            defaults["max"] = top.into();
        }
        if matches!(self.kind, Kind::Lines | Kind::Stacked | Kind::Bars) {
            defaults["min"] = 0.into();
        }
        if matches!(self.kind, Kind::Lines | Kind::Stacked) {
            let stacking = if self.kind == Kind::Stacked { "normal" } else { "none" };
            let shown = if self.steps.is_empty() { "off" } else { "dashed" };
            defaults["custom"] = json!({
                "drawStyle": "line", "lineWidth": 1, "fillOpacity": if stacking == "normal" { 25 } else { 5 },
                "showPoints": "never", "spanNulls": false, "stacking": { "mode": stacking, "group": "A" },
                "thresholdsStyle": { "mode": shown }, "axisSoftMin": 0,
            });
        }
        defaults
    }

    fn options(&self) -> Value {
        let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self.kind {
            Kind::Stat => json!({ "reduceOptions": last, "colorMode": "background_solid", "graphMode": "area",
                                  "textMode": "value_and_name", "justifyMode": "center" }),
            Kind::Bars => json!({ "reduceOptions": last, "orientation": "horizontal", "displayMode": "lcd" }),
            Kind::Heat => json!({ "calculate": false, "yAxis": { "unit": self.unit }, "cellGap": 1,
                                  "color": { "scheme": "Spectral", "mode": "scheme", "steps": 64 }, "legend": { "show": true } }),
            Kind::Table => json!({ "showHeader": true, "sortBy": [{ "displayName": "validator", "desc": false }] }),
            Kind::Lines | Kind::Stacked => json!({
                "legend": { "displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": ["lastNotNull", "max"] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
        }
    }

    /// A table's columns have their own units, colours and names.
    fn overrides(&self) -> Vec<Value> {
        let column = |(title, unit, steps): &(&str, &str, Steps)| {
            let mut properties =
                vec![json!({ "id": "unit", "value": unit }), json!({ "id": "thresholds", "value": thresholds(steps) })];
            if !steps.is_empty() {
                properties.push(json!({ "id": "custom.cellOptions", "value": { "type": "color-background" } }));
            }
            json!({ "matcher": { "id": "byName", "options": title }, "properties": properties })
        };
        self.columns.iter().map(column).collect()
    }

    fn transformations(&self) -> Vec<Value> {
        let mut names = json!({ "node": "validator" });
        let mut order = json!({ "node": 0 });
        for (at, (title, letter)) in self.columns.iter().zip('A'..='Z').enumerate() {
            names[format!("Value #{letter}")] = title.0.into();
            order[format!("Value #{letter}")] = (at + 1).into();
        }
        let hidden = json!({ "Time": true, "__name__": true, "instance": true, "job": true });
        vec![
            json!({ "id": "merge", "options": {} }),
            json!({ "id": "organize",
                    "options": { "excludeByName": hidden, "indexByName": order, "renameByName": names } }),
        ]
    }

    fn json(&self, id: u32, x: u32, y: u32) -> Value {
        let kind = match self.kind {
            Kind::Stat => "stat",
            Kind::Lines | Kind::Stacked => "timeseries",
            Kind::Bars => "bargauge",
            Kind::Heat => "heatmap",
            Kind::Table => "table",
        };
        let mut panel = json!({
            "id": id, "type": kind, "title": self.title, "datasource": source(),
            "gridPos": { "x": x, "y": y, "w": self.width, "h": self.height },
            "fieldConfig": { "defaults": self.defaults(), "overrides": self.overrides() },
            "options": self.options(), "targets": self.targets(),
        });
        if !self.about.is_empty() {
            panel["description"] = self.about.into();
        }
        if self.kind == Kind::Table {
            panel["transformations"] = self.transformations().into();
        }
        panel
    }
}

fn source() -> Value {
    json!({ "type": "prometheus", "uid": SOURCE })
}

fn thresholds(steps: Steps) -> Value {
    let first = json!({ "color": if steps.is_empty() { "blue" } else { "green" }, "value": null });
    let more = steps.iter().map(|(value, color)| json!({ "color": color, "value": value }));
    json!({ "mode": "absolute", "steps": std::iter::once(first).chain(more).collect::<Vec<_>>() })
}

impl Dashboard {
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|(_, panels)| panels)
    }

    pub fn json(&self) -> Value {
        json!({
            "uid": format!("minuet-{}", self.name), "title": self.title, "description": self.about, "tags": ["minuet"],
            "schemaVersion": 38, "version": 1, "editable": true, "graphTooltip": 1, "timezone": "browser",
            "refresh": "5s", "time": { "from": "now-15m", "to": "now" },
            "timepicker": { "refresh_intervals": ["1s", "5s", "30s", "1m"] },
            "links": [{ "type": "dashboards", "tags": ["minuet"], "title": "Minuet", "asDropdown": false,
                        "includeVars": true, "keepTime": true, "targetBlank": false }],
            "annotations": { "list": [firing()] },
            "templating": { "list": self.variables() },
            "panels": self.placed(),
        })
    }

    fn variables(&self) -> Value {
        let all = matches!(self.choice, Choice::Many);
        let query = "label_values(up{job=\"minuet\"}, node)";
        let current = if all {
            json!({ "selected": true, "text": ["All"], "value": ["$__all"] })
        } else {
            json!({ "selected": true, "text": "0", "value": "0" })
        };
        let mut node = json!({
            "name": "node", "label": "Validator", "type": "query", "datasource": source(), "definition": query,
            "query": { "query": query, "refId": "node" }, "refresh": 2, "sort": 3, "multi": all, "includeAll": all,
            "current": current,
        });
        if all {
            node["allValue"] = ".*".into();
        }
        json!([
            { "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
              "current": { "selected": true, "text": "Minuet", "value": "minuet" } },
            node,
        ])
    }

    /// Rows from top to bottom, their panels from left to right and on below where there is no more room.
    fn placed(&self) -> Vec<Value> {
        let mut placed = Vec::new();
        let (mut id, mut y) = (0, 0);
        for (title, panels) in &self.rows {
            id += 1;
            placed.push(json!({ "id": id, "type": "row", "title": title, "collapsed": false, "panels": [],
                                "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 } }));
            y += 1;
            let (mut x, mut line) = (0, 0);
            for panel in panels {
                if x + panel.width > COLUMNS {
                    (x, y, line) = (0, y + line, 0);
                }
                id += 1;
                placed.push(panel.json(id, x, y));
                x += panel.width;
                line = line.max(panel.height);
            }
            y += line;
        }
        placed
    }
}

/// Alerts that fire are marked in every graph.
fn firing() -> Value {
    json!({
        "name": "Alerts", "datasource": source(), "enable": true, "hide": false, "iconColor": "red",
        "expr": "ALERTS{alertstate=\"firing\", alertname=~\"Minuet.*\"}", "step": "5s",
        "titleFormat": "{{alertname}}", "textFormat": "validator {{node}}{{validator}}",
    })
}
