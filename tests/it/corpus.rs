//! The corpora of the fuzz targets, and seeded changes of them, on the compiler that the house uses.

use std::fs;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[path = "../../fuzz/src/lib.rs"]
#[expect(
    clippy::expect_used,
    unreachable_pub,
    reason = "it is a library of its own, that fails where something is wrong"
)]
mod targets;

use targets::TARGETS;

#[test]
fn every_input_of_every_corpus_is_taken_or_refused_in_good_order() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        let taken = corpus.iter().filter(|input| target(input)).count();
        let enough = corpus.len() >= 8 && taken >= 2 && taken < corpus.len();
        assert!(enough, "{name} took {taken} of {}", corpus.len());
        assert!(corpus.iter().all(|input| input.len() <= 2_048), "{name} has an input that is no small one");
    }
}

#[test]
fn every_corpus_has_its_target_and_every_target_its_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let named = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(named("corpus"), TARGETS.map(|(name, _)| name));
    assert_eq!(named("fuzz_targets"), TARGETS.map(|(name, _)| name));
}

#[test]
fn changed_inputs_are_taken_or_refused_in_good_order() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        // By its name, so that another target beside it changes nothing here.
        let mut random =
            StdRng::seed_from_u64(name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte)));
        let mut taken = 0;
        for _ in 0..CHANGED {
            let mut input = corpus[random.random_range(0..corpus.len())].clone();
            for _ in 0..random.random_range(1..4) {
                change(&mut input, &corpus, &mut random);
            }
            taken += usize::from(target(&input));
        }
        assert!((CHANGED / 50..CHANGED).contains(&taken), "{name} took {taken} of {CHANGED}");
    }
}

/// Does what a fuzzer does: another byte, one less, some twice, or a piece of another input.
fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    match random.random_range(0..5) {
        0 if at < input.len() => input[at] = random.random(),
        1 if at < input.len() => input[at] = b"\"{}[],:/*\\0 n"[random.random_range(0..13)],
        2 if at < input.len() => {
            input.remove(at);
        }
        3 => {
            let end = input.len().min(at + random.random_range(0..16));
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece);
        }
        _ => {
            let other = &corpus[random.random_range(0..corpus.len())];
            let from = random.random_range(0..=other.len());
            let end = other.len().min(from + random.random_range(0..32));
            input.splice(at..at, other[from..end].iter().copied());
        }
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// How many changed inputs each target gets.
const CHANGED: usize = 2_000;
