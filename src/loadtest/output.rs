//! The command: runs a plan, prints what it found, and says how it ended.

use super::args::{Args, Fanout, Plan};
use super::fanout::{Unable, fanout};
use super::report::Report;

/// How the command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The arguments ask for what may not or cannot be done.
    BadUsage,
    /// Something was lost, doubled, out of order, missing or too slow.
    Failed,
    /// All was well.
    Passed,
    /// The server does not answer.
    Unreachable,
}

impl Outcome {
    /// The exit code of the process.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::BadUsage => 64,
            Self::Failed => 1,
            Self::Passed => 0,
            Self::Unreachable => 69,
        }
    }
}

/// Runs the plan and prints its report on standard output.
///
/// # Cancel safety
/// The clients stop, and nothing is printed.
pub async fn run(args: Args) -> Outcome {
    match args.plan {
        Plan::Fanout(plan) => match fanout(&plan).await {
            Ok(report) => {
                print(&report, &plan);
                if report.passed { Outcome::Passed } else { Outcome::Failed }
            }
            Err(unable) => refuse(&unable),
        },
    }
}

fn refuse(unable: &Unable) -> Outcome {
    complain(unable);
    match unable {
        Unable::BadTarget(_) | Unable::BadUsage(_) | Unable::NotLoopback(_) | Unable::TooFewFiles { .. } => {
            Outcome::BadUsage
        }
        Unable::NoPublisher(_) => Outcome::Failed,
        Unable::Unreachable(..) => Outcome::Unreachable,
    }
}

#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
fn print(report: &Report, plan: &Fanout) {
    match report.to_json() {
        Ok(json) if plan.json => println!("{json}"),
        Ok(_) => println!("{}", report.to_table()),
        Err(error) => complain(&error),
    }
}

#[expect(clippy::print_stderr, reason = "whoever typed the command reads it there")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("partyline: {error}");
}
