//! How far a run is, while it goes on.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use pipeline_runtime::Plan;
use pipeline_runtime::run::{Progress, SinkProgress};
use tokio::task::JoinHandle;
use tokio::time::interval;

use super::table::{grouped, say};

/// How often bars move.
const FRAME: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// Shows how far runs are: a bar per sink on a terminal, else a line per sink now and then. Ends when dropped.
pub(super) struct Display {
    all: MultiProgress,
    bars: Vec<(Arc<str>, ProgressBar)>,
    drawing: JoinHandle<()>,
}

impl Display {
    /// Starts showing.
    pub(super) fn start(runs: Vec<(Arc<Plan>, Arc<Progress>)>) -> Self {
        if std::io::stderr().is_terminal() {
            return Self::start_bars(runs);
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let drawing = tokio::spawn(async move {
            let mut frames = interval(LINE);
            frames.tick().await;
            loop {
                frames.tick().await;
                for (plan, progress) in &runs {
                    lines(plan, progress);
                }
            }
        });
        Self { all, bars: Vec::new(), drawing }
    }

    fn start_bars(runs: Vec<(Arc<Plan>, Arc<Progress>)>) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let mut bars = Vec::new();
        let mut drawn = Vec::new();
        for (plan, progress) in runs {
            for index in 0..progress.sinks.len() {
                let bar = all
                    .add(ProgressBar::new(0).with_style(style()).with_prefix(progress.sinks[index].name.to_string()));
                bars.push((plan.name.clone(), bar.clone()));
                drawn.push((progress.clone(), index, bar));
            }
        }
        let drawing = tokio::spawn(async move {
            let mut frames = interval(FRAME);
            loop {
                frames.tick().await;
                for (progress, index, bar) in &drawn {
                    draw(progress, &progress.sinks[*index], bar);
                }
            }
        });
        Self { all, bars, drawing }
    }

    /// A line for the person who looks, above the bars.
    pub(super) fn say(&self, line: &str) {
        self.all.suspend(|| say(line));
    }

    /// This pipeline has ended: its bars make room for its summary.
    pub(super) fn finish(&self, pipeline: &str) {
        self.bars.iter().filter(|(name, _)| &**name == pipeline).for_each(|(_, bar)| bar.finish_and_clear());
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.drawing.abort();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:>16} {bar:32.cyan/blue} {human_pos:>10}/{human_len} {rate:>12}/s  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            // A rate that does not fit its place is left out; there is nobody to tell.
            let _ = out.write_str(&grouped(state.per_sec() as u64));
        })
        .progress_chars("━╸─")
}

/// The records that a sink will have received once it has everything that is known now.
fn expected(progress: &Progress, sink: &SinkProgress) -> u64 {
    (sink.backlog() + progress.produced()).max(sink.received())
}

fn draw(progress: &Progress, sink: &SinkProgress, bar: &ProgressBar) {
    if bar.is_finished() {
        return;
    }
    bar.set_length(expected(progress, sink));
    bar.set_position(sink.received());
    bar.set_message(committed(sink));
}

fn lines(plan: &Plan, progress: &Progress) {
    for sink in &progress.sinks {
        let (received, expected) = (grouped(sink.received()), grouped(expected(progress, sink)));
        let name = format!("{}/{}", plan.name, sink.name);
        say(&format!("{name}: {received} of {expected} records received, {}", committed(sink)));
    }
}

fn committed(sink: &SinkProgress) -> String {
    match sink.files() {
        0 => format!("{} committed", grouped(sink.rows())),
        files => format!("{} committed in {} files", grouped(sink.rows()), grouped(files)),
    }
}
