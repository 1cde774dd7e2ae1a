//! What group commit costs: the log with 64 producers, against raw appends of the same bytes in the same
//! batches, one `fdatasync` each, on the same disk.
//!
//! `cargo bench --bench log`

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use partyline::clock;
use partyline::ids::RecordId;
use partyline::log::{
    Durability, EmbeddedConfig, EmbeddedLog, Expected, Kind, Log, LogObserver, NewRecord, Outcome, Subject,
};

const PRODUCERS: usize = 64;
const ROUND: Duration = Duration::from_millis(700);
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "group commit, {PRODUCERS} producers, {ROUNDS} rounds, each against a raw file right after it")?;
    writeln!(
        out,
        "{:>8} {:>10} {:>10} {:>8} {:>10} {:>7}",
        "payload", "log rec/s", "raw rec/s", "ratio", "syncs/s", "batch"
    )?;
    for payload in [400, 1000] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let round = measure(payload)?;
            writeln!(
                out,
                "{payload:>8} {:>10.0} {:>10.0} {:>8.2} {:>10.0} {:>7.1}",
                round.log,
                round.raw,
                round.log / round.raw,
                round.syncs,
                round.batch
            )?;
            rounds.push(round.log / round.raw);
        }
        rounds.sort_by(f64::total_cmp);
        let median = rounds.get(ROUNDS / 2).copied().unwrap_or_default();
        writeln!(out, "{payload:>8} median ratio {median:.2} (asked: at least 0.50)")?;
    }
    Ok(())
}

struct Round {
    log: f64,
    raw: f64,
    syncs: f64,
    batch: f64,
}

fn measure(payload: usize) -> Result<Round, Box<dyn Error>> {
    let directory = tempfile::tempdir_in(".")?;
    let (batches, took) = run_log(directory.path(), payload)?;
    let records: usize = batches.iter().sum();
    let written = std::fs::read_dir(directory.path())?
        .map(|entry| Ok(entry?.metadata()?.len()))
        .sum::<Result<u64, std::io::Error>>()?;
    let each = usize::try_from(written)? / records.max(1);
    let raw = run_raw(&directory.path().join("raw"), &batches, each)?;
    let (count, records) = (batches.len() as f64, records as f64);
    Ok(Round {
        log: records / took.as_secs_f64(),
        raw: records / raw.as_secs_f64(),
        syncs: count / took.as_secs_f64(),
        batch: records / count,
    })
}

/// How many records each batch had: what is answered between two syncs.
#[derive(Default)]
struct Batches(Mutex<Vec<usize>>);

impl LogObserver for Batches {
    fn appended(&self, _kind: Kind, _outcome: Outcome, _took: Duration) {
        if let Ok(mut batches) = self.0.lock()
            && let Some(batch) = batches.last_mut()
        {
            *batch += 1;
        }
    }

    fn synced(&self, _took: Duration) {
        if let Ok(mut batches) = self.0.lock() {
            batches.push(0);
        }
    }
}

fn run_log(directory: &Path, payload: usize) -> Result<(Vec<usize>, Duration), Box<dyn Error>> {
    let batches = Arc::new(Batches::default());
    let config = EmbeddedConfig {
        directory: directory.to_owned(),
        durability: Durability::Commit,
        segment_size: 1 << 30,
        ..EmbeddedConfig::default()
    };
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(config, Arc::clone(&batches) as Arc<dyn LogObserver>)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bytes = Bytes::from(vec![b'x'; payload]);
    let start = clock::now();
    let took = runtime.block_on(async {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| tokio::spawn(produce(Arc::clone(&log), producer, bytes.clone(), start)))
            .collect();
        for producer in producers {
            producer.await?;
        }
        let took = clock::now() - start;
        log.close().await;
        Ok::<_, Box<dyn Error>>(took)
    })?;
    let formed = batches.0.lock().map(|batches| batches.clone()).unwrap_or_default();
    Ok((formed, took))
}

async fn produce(log: Arc<dyn Log>, producer: usize, payload: Bytes, start: Instant) {
    let subject = Subject::new(&format!("call/{producer:08}"));
    while clock::now() - start < ROUND {
        let record = NewRecord {
            id: RecordId::draw(),
            subject: subject.clone(),
            expected: Expected::Any,
            kind: Kind(100),
            version: 1,
            time: clock::wall(),
            volatile: false,
            ends: false,
            payload: payload.clone(),
        };
        let _outcome = log.append(record).await;
    }
}

/// The same batches into a plain file.
fn run_raw(path: &Path, batches: &[usize], each: usize) -> Result<Duration, Box<dyn Error>> {
    let mut file = File::create_new(path)?;
    let largest = batches.iter().copied().max().unwrap_or_default();
    let bytes = vec![b'x'; largest * each];
    let start = clock::now();
    for batch in batches.iter().filter(|batch| **batch > 0) {
        file.write_all(bytes.get(..batch * each).unwrap_or_default())?;
        file.sync_data()?;
    }
    Ok(clock::now() - start)
}
