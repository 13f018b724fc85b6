//! Where the validators are.

use super::regions::Regions;
use minuet_core::committee::MAX_VALIDATORS;
use std::fmt;

/// Names that stand for a list of regions.
const PRESETS: [(&str, &str); 4] = [
    (
        "global",
        "us-west-1:5,us-east-1:5,eu-west-1:5,ap-northeast-1:5,eu-north-1:5,ap-south-1:5,sa-east-1:5,eu-central-1:5,\
         ap-northeast-2:5,ap-southeast-2:5",
    ),
    ("us", "us-east-1:13,us-east-2:12,us-west-1:13,us-west-2:12"),
    ("six", "us-west-1,us-east-1,eu-west-1,ap-northeast-1,eu-central-1,ap-southeast-2"),
    ("local", "us-east-1:6"),
];

/// The regions with their number of validators.
///
/// Validators are numbered round the regions: first one of each, then the second of each that has one. Leaders follow one
/// another in that order, so successive leaders are in different regions if there are several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    counts: Vec<(usize, usize)>,
    label: String,
}

/// Why a list names no committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementError(String);

impl fmt::Display for PlacementError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for PlacementError {}

impl Placement {
    /// Reads a preset, or a list such as `us-east-1:13,us-west-1`.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub fn parse(regions: &Regions, text: &str, validators: Option<usize>) -> Result<Self, PlacementError> {
        let preset = PRESETS.iter().find(|(name, _)| *name == text).map(|(_, list)| *list);
        let mut counts = Vec::new();
        for item in preset.unwrap_or(text).split(',') {
            counts.push(read_item(regions, item.trim())?);
        }
        if let Some(validators) = validators {
            spread(&mut counts, validators);
        }
        let total = counts.iter().map(|(_, count)| count).sum();
        if !(2..=MAX_VALIDATORS).contains(&total) {
            let message = format!("{total} validators: 2 to {MAX_VALIDATORS} can be placed; six tolerate one fault");
            return Err(PlacementError(message));
        }
        let names = counts.iter().map(|(region, count)| format!("{}:{count}", regions.names()[*region]));
        let list = names.collect::<Vec<_>>().join(",");
        let label = match preset {
            Some(_) if validators.is_none() => text.to_owned(),
            _ => list,
        };
        Ok(Self { counts, label })
    }

    /// Number of validators.
    #[must_use]
    pub fn n(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Number of places on the list.
    #[must_use]
    pub fn region_count(&self) -> usize {
        self.counts.len()
    }

    /// The region of each validator.
    #[must_use]
    pub fn regions(&self) -> Vec<usize> {
        let most = self.counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let rounds = (0..most).flat_map(|round| self.counts.iter().filter(move |(_, count)| *count > round));
        rounds.map(|(region, _)| *region).collect()
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.label)
    }
}

/// `REGION` or `REGION:VALIDATORS`.
fn read_item(regions: &Regions, item: &str) -> Result<(usize, usize), PlacementError> {
    let (name, count) = item.split_once(':').unwrap_or((item, "1"));
    let Some(region) = regions.find(name) else {
        let known = regions.names().join(", ");
        return Err(PlacementError(format!(
            "no region '{name}': presets are global, us, six, local; regions are {known}"
        )));
    };
    match count.parse::<usize>() {
        Ok(count) if count > 0 => Ok((region, count.min(MAX_VALIDATORS + 1))),
        _ => Err(PlacementError(format!("'{item}' is not REGION or REGION:VALIDATORS with one validator or more"))),
    }
}

/// As many in all as asked for, as evenly as the places allow.
fn spread(counts: &mut [(usize, usize)], validators: usize) {
    let places = counts.len();
    for (place, (_, count)) in counts.iter_mut().enumerate() {
        *count = validators / places + usize::from(place < validators % places);
    }
}
