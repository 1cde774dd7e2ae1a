//! Which contacts a desktop asks for: filters, order, and one page of them.

use crate::directory::Agent;

use super::agents::VOICE;
use super::query::Query;
use super::status::{Refusal, StatusCode};

/// What is asked of the contacts.
#[derive(Debug)]
pub(super) struct ContactQuery<'a> {
    kinds: Vec<&'a str>,
    names: Vec<&'a str>,
    numbers: Vec<&'a str>,
    channels: Vec<&'a str>,
    roles: Vec<&'a str>,
    /// Every one must match, each a name or the number.
    matches: Vec<String>,
    sort: Sort,
    order: Order,
    offset: usize,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
enum Sort {
    First,
    Last,
    /// By the user name: as the directory has them.
    User,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Ascending,
    Descending,
}

impl<'a> ContactQuery<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// Code 10 for a number that is none, and for a filter that is not known: to pass it over would show too much.
    pub(super) fn of(query: &'a Query) -> Result<Self, Refusal> {
        let list = |name| query.parameter(name).map(list).unwrap_or_default();
        let matches = match query.parameter("filterName") {
            None => Vec::new(),
            Some("NamesOrPhoneNumberMatches") => {
                list("filterParameters").iter().map(|text| text.to_lowercase()).collect()
            }
            Some(_) => return Err(out_of_range("filterName")),
        };
        Ok(Self {
            kinds: list("type"),
            names: list("name"),
            numbers: list("phoneNumber"),
            channels: list("channel"),
            roles: list("roles"),
            matches,
            sort: match query.parameter("sortBy") {
                Some("firstName") => Sort::First,
                Some("lastName") => Sort::Last,
                Some(_) | None => Sort::User,
            },
            order: match query.parameter("order") {
                Some(order) if order.eq_ignore_ascii_case("descending") => Order::Descending,
                Some(_) | None => Order::Ascending,
            },
            offset: number(query, "offset")?.unwrap_or(0),
            limit: number(query, "limit")?.unwrap_or(LIMIT).min(LARGEST_LIMIT),
        })
    }

    /// How many there are, and those of the page. `agents` come in the order of their user names.
    pub(super) fn page<'b>(&self, agents: impl Iterator<Item = &'b Agent>) -> (usize, Vec<&'b Agent>) {
        let mut found: Vec<&Agent> = agents.filter(|agent| self.wants(agent)).collect();
        match self.sort {
            Sort::First => found.sort_by(|a, b| a.first_name.cmp(&b.first_name)),
            Sort::Last => found.sort_by(|a, b| a.last_name.cmp(&b.last_name)),
            Sort::User => {}
        }
        match self.order {
            Order::Ascending => {}
            Order::Descending => found.reverse(),
        }
        let total = found.len();
        (total, found.into_iter().skip(self.offset).take(self.limit).collect())
    }

    fn wants(&self, agent: &Agent) -> bool {
        let one_of = |list: &[&str], value: &str| list.is_empty() || list.contains(&value);
        one_of(&self.kinds, "User")
            && one_of(&self.names, agent.id.as_str())
            && (self.numbers.contains(&"*") || one_of(&self.numbers, agent.number.as_str()))
            && one_of(&self.channels, VOICE)
            && (self.roles.is_empty() || agent.roles.iter().any(|role| self.roles.contains(&role.as_str())))
            && (self.matches.is_empty() || self.is_matched(agent))
    }

    fn is_matched(&self, agent: &Agent) -> bool {
        let shown = [&agent.first_name, &agent.last_name, agent.id.as_str(), agent.number.as_str()];
        let shown = shown.map(str::to_lowercase);
        self.matches.iter().all(|pattern| shown.iter().any(|text| fits(text, pattern)))
    }
}

fn list(value: &str) -> Vec<&str> {
    value.split(',').map(str::trim).filter(|one| !one.is_empty()).collect()
}

fn number(query: &Query, name: &str) -> Result<Option<usize>, Refusal> {
    query.parameter(name).map(|text| text.parse().map_err(|_| out_of_range(name))).transpose()
}

fn out_of_range(name: &str) -> Refusal {
    Refusal::new(StatusCode::OutOfRange, format!("The parameter '{name}' is out of range."))
}

/// Whether a text is as a pattern says, in which `*` stands for anything. It takes no longer than the product of their
/// lengths.
fn fits(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(tail)
}

/// How many contacts a page has, if nobody says.
const LIMIT: usize = 100;

/// How many it has at most.
const LARGEST_LIMIT: usize = 1000;
