//! How much is at work at a time. In AWS that is the concurrency of the functions, and Lambda refuses what is beyond it;
//! one process has to do so itself, or each further request would take memory and make all others slower.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use tokio::sync::Semaphore;

/// Requests at work.
const AT_WORK: usize = 64;
/// Requests that wait for those.
const WAITING: usize = 256;

/// The places of one process. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    inside: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self::new(AT_WORK, WAITING)
    }
}

impl Places {
    fn new(at_work: usize, waiting: usize) -> Self {
        Self {
            inside: Arc::new(Semaphore::new(at_work + waiting)),
            at_work: Arc::new(Semaphore::new(at_work)),
        }
    }
}

/// Answers 503 with Retry-After where no place is left, before the body is read. Devices and programs come back.
pub(super) async fn bounded(State(places): State<Places>, request: Request, next: Next) -> Response {
    let Ok(_inside) = places.inside.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, HeaderValue::from(1))]).into_response();
    };
    // An error means that the process ends.
    let Ok(_place) = places.at_work.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use futures_util::future::join_all;
    use tower::ServiceExt;

    use super::*;

    /// A server with places for two and one who waits, in which each request works until it is let go.
    fn server(gate: &Arc<Semaphore>, most: &Arc<AtomicUsize>) -> Router {
        let (gate, most) = (Arc::clone(gate), Arc::clone(most));
        let now = Arc::new(AtomicUsize::new(0));
        let work = move || {
            let (gate, most, now) = (Arc::clone(&gate), Arc::clone(&most), Arc::clone(&now));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.expect("it is never closed").forget();
                now.fetch_sub(1, Ordering::SeqCst);
            }
        };
        Router::new().route("/", get(work)).layer(from_fn_with_state(Places::new(2, 1), bounded))
    }

    async fn ask(server: &Router) -> Response {
        let request = Request::get("/").body(Body::empty()).expect("a request");
        server.clone().oneshot(request).await.expect("an answer")
    }

    #[tokio::test]
    async fn beyond_its_places_it_refuses_and_goes_on_by_itself() {
        let (gate, most) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = server(&gate, &most);
        for _ in 0..2 {
            let asked = join_all((0..9).map(|_| ask(&server)));
            let opened = async {
                // Whoever is refused is answered before anybody is let go.
                tokio::task::yield_now().await;
                gate.add_permits(3);
            };
            let (answers, ()) = tokio::join!(asked, opened);
            let (served, refused): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(|answer| answer.status() == StatusCode::OK);
            assert_eq!((served.len(), refused.len()), (3, 6));
            for answer in refused {
                assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
                assert_eq!(answer.headers()[RETRY_AFTER], "1");
            }
        }
        assert_eq!(most.load(Ordering::SeqCst), 2, "more were at work than there are places");
    }
}
