//! Families of children by typed label: what is counted often is looked up once.

use std::marker::PhantomData;
use std::sync::OnceLock;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

/// The values of one label. The order of [`ALL`](Self::ALL) is the order of the declaration.
pub trait Label: Copy + Send + Sync + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The value on the page.
    fn as_str(self) -> &'static str;

    /// Its place in [`ALL`](Self::ALL).
    fn index(self) -> usize;
}

/// A counter for each value of a label. All of them stand on the page from the start, at 0.
#[derive(Debug)]
pub struct Counters<L> {
    children: Vec<IntCounter>,
    label: PhantomData<L>,
}

/// A gauge for each value of a label. All of them stand on the page from the start, at 0.
#[derive(Debug)]
pub struct Gauges<L> {
    children: Vec<IntGauge>,
    label: PhantomData<L>,
}

/// A histogram for each value of a label. All of them stand on the page from the start, empty.
#[derive(Debug)]
pub struct Histograms<L> {
    children: Vec<Histogram>,
    label: PhantomData<L>,
}

/// A counter for each pair of values of two labels. One stands on the page once it was asked for.
#[derive(Debug)]
pub struct Pairs<A, B> {
    family: IntCounterVec,
    children: Vec<OnceLock<IntCounter>>,
    labels: PhantomData<(A, B)>,
}

impl<L: Label> Counters<L> {
    pub(super) fn new(family: &IntCounterVec) -> Self {
        let children = L::ALL.iter().map(|value| family.with_label_values(&[value.as_str()])).collect();
        Self { children, label: PhantomData }
    }

    /// The counter of a value.
    pub fn of(&self, value: L) -> &IntCounter {
        &self.children[value.index()]
    }
}

impl<L: Label> Gauges<L> {
    pub(super) fn new(family: &IntGaugeVec) -> Self {
        let children = L::ALL.iter().map(|value| family.with_label_values(&[value.as_str()])).collect();
        Self { children, label: PhantomData }
    }

    /// The gauge of a value.
    pub fn of(&self, value: L) -> &IntGauge {
        &self.children[value.index()]
    }
}

impl<L: Label> Histograms<L> {
    pub(super) fn new(family: &HistogramVec) -> Self {
        let children = L::ALL.iter().map(|value| family.with_label_values(&[value.as_str()])).collect();
        Self { children, label: PhantomData }
    }

    /// The histogram of a value.
    pub fn of(&self, value: L) -> &Histogram {
        &self.children[value.index()]
    }
}

impl<A: Label, B: Label> Pairs<A, B> {
    pub(super) fn new(family: IntCounterVec) -> Self {
        let children = (0..A::ALL.len() * B::ALL.len()).map(|_| OnceLock::new()).collect();
        Self { family, children, labels: PhantomData }
    }

    /// The counter of a pair. Looked up the first time only.
    pub fn of(&self, first: A, second: B) -> &IntCounter {
        self.children[first.index() * B::ALL.len() + second.index()]
            .get_or_init(|| self.family.with_label_values(&[first.as_str(), second.as_str()]))
    }
}
