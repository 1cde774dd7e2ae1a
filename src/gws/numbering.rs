//! What a numbering plan says of numbers outside.

use std::collections::BTreeSet;
use std::sync::Arc;

use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber};

use crate::calls::Endpoint;
use crate::ids::Number;

/// A region whose numbering plan is known, by its two letters of ISO 3166.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Region(Id);

/// How numbers outside are read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Numbering {
    region: Region,
    inside: Arc<BTreeSet<Number>>,
}

/// A number outside, read.
#[derive(Debug)]
pub(super) struct Outside {
    /// In the form of E.164.
    pub(super) e164: String,
    /// As people of the region write it.
    pub(super) formatted: String,
    /// Whose it is; numbers that belong to no country are nobody's.
    pub(super) country: Option<Country>,
}

/// The country of a number.
#[derive(Debug)]
pub(super) struct Country {
    /// Its name, if its two letters are those of a country.
    pub(super) name: Option<&'static str>,
    /// Its two letters.
    pub(super) code: Id,
    /// What numbers abroad begin with to reach it.
    pub(super) calling_code: u16,
}

impl Region {
    /// Reads the two letters.
    pub fn parse(letters: &str) -> Option<Self> {
        DATABASE.by_id(letters)?;
        letters.parse().ok().map(Self)
    }
}

impl Numbering {
    /// Numbers are read as they are dialled in the region. Those that are `inside` mean nothing outside.
    pub fn new(region: Region, inside: impl IntoIterator<Item = Number>) -> Self {
        Self { region, inside: Arc::new(inside.into_iter().collect()) }
    }

    /// Reads a number, if it is one outside and valid.
    pub(super) fn read(&self, endpoint: &Endpoint) -> Option<Outside> {
        if endpoint.home.is_some() || self.inside.contains(&endpoint.number) {
            return None;
        }
        let text = endpoint.number.as_str();
        if !is_dialled(text) {
            return None;
        }
        let number = phonenumber::parse(Some(self.region.0), text).ok().filter(PhoneNumber::is_valid)?;
        let e164 = number.format().mode(Mode::E164).to_string();
        if e164.len() > LONGEST {
            return None;
        }
        let code = region_of(&number);
        let mode = if code == Some(self.region.0) { Mode::National } else { Mode::International };
        let calling_code = number.code().value();
        let country = code.map(|code| Country {
            name: rust_iso3166::from_alpha2(code.as_ref()).map(|country| country.name),
            code,
            calling_code,
        });
        Some(Outside { e164, formatted: number.format().mode(mode).to_string(), country })
    }
}

/// Where a valid number belongs. One that begins with a zero after the country's code, as in Italy, is not found by what
/// follows the zero: it belongs to the country that the code is for above all.
fn region_of(number: &PhoneNumber) -> Option<Id> {
    let main = || DATABASE.by_code(&number.code().value())?.first()?.id().parse().ok();
    number.country().id().or_else(main)
}

/// Whether a text is nothing but a number as people write it: names, codes and addresses are not to be read as numbers.
fn is_dialled(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    text.len() <= WRITTEN
        && rest.starts_with(|c: char| c.is_ascii_digit() || c == '(')
        && rest.bytes().all(|byte| byte.is_ascii_digit() || b" ()-.".contains(&byte))
}

/// The longest number in the form of E.164.
const LONGEST: usize = "+123456789012345".len();

/// The longest number that somebody writes.
const WRITTEN: usize = 32;
