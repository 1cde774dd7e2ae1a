//! Calls that agents are offered to make.

use std::time::Duration;

use crate::calls::{AskKind, ReportKind, Term};
use crate::clock;
use crate::switch::tests::kit::{ask, config, next, number};
use crate::switch::{Line, News, Simulated, SimulatedConfig, Switch};

/// A preview is the simulated switch's own way to give desktops something to accept and to decline.
#[tokio::test(start_paused = true)]
async fn who_is_ready_and_has_no_call_is_offered_calls_to_make_the_same_in_each_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let config = SimulatedConfig { previews: Some(Duration::from_secs(20)), ..config() };
        let (switch, mut reports) = Simulated::start(config, Term(3));
        let ready = |ready| switch.set_line(number("15001"), Line { ready, ..Line::default() });
        assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err(), "nobody is ready");
        ready(true);
        let began = clock::now();
        let mut run = Vec::new();
        for _ in 0..20 {
            let Some(News::Previewed(preview)) = reports.recv().await else { panic!("something else was told") };
            assert_eq!((preview.agent.as_str(), &preview.customer.as_str()[..1]), ("15001", "7"));
            run.push((clock::now() - began, preview.customer));
        }
        let last = run.last().unwrap().0;
        assert!((200..800).contains(&last.as_secs()), "{last:?}");
        // Who is on a call is offered none.
        switch.carry_out(ask(1, AskKind::Connect(number("15001"))));
        let (_, kind) = next(&mut reports).await;
        assert_eq!(kind, ReportKind::Answered);
        assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err());
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
}
