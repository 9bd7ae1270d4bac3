//! What is served, and to what question.
use super::metrics::Metrics;
use crate::report::Report;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// The text format of Prometheus.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long the loop may take to say how things stand.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often histograms are emptied into their buckets; between two of these every sample is kept.
const UPKEEP: Duration = Duration::from_secs(5);

/// Asks the loop for a report; false if it cannot be asked.
pub type AskReport = Box<dyn Fn(oneshot::Sender<Report>) -> bool + Send + Sync>;

struct Shared {
    metrics: Arc<Metrics>,
    ask: AskReport,
}

impl Shared {
    async fn report(&self) -> Option<Report> {
        let (reply, answer) = oneshot::channel();
        if !(self.ask)(reply) {
            return None;
        }
        timeout(PATIENCE, answer).await.ok()?.ok()
    }
}

/// Serves HTTP on a listener that does not block.
///
/// # Errors
/// The listener cannot be used any more.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, ask: AskReport) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(listener, router(metrics, ask)).await
}

/// Keeps the histograms small, for ever.
pub async fn tick(metrics: Arc<Metrics>) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = ticks.tick().await;
        metrics.upkeep(Instant::now().duration_since(due));
    }
}

fn router(metrics: Arc<Metrics>, ask: AskReport) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .with_state(Arc::new(Shared { metrics, ask }))
}

/// Ready for new calls: the loop answers (its sockets were bound before it ran), and it is not draining.
async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    match shared.report().await {
        Some(report) if !report.snapshot.gauges.draining => "ready\n".into_response(),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
        None => silent(),
    }
}

async fn scrape(State(shared): State<Arc<Shared>>) -> Response {
    match shared.report().await {
        Some(report) => ([(header::CONTENT_TYPE, EXPOSITION)], shared.metrics.render(&report)).into_response(),
        None => silent(),
    }
}

fn silent() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the loop does not answer\n").into_response()
}
