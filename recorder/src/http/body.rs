//! Owns the bodies on both sides of an exchange: the request's, observed as the actor reads it, and the
//! response's, whose end is held back until the call is safe in the file.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::Error as HttpError;

use super::observation::SharedObservation;

/// A request's body, from wherever it comes.
pub type RequestBody = UnsyncBoxBody<Bytes, HttpError>;

/// Passes a request's body on, and notes what passed.
pub(super) struct ObservedBody {
    body: RequestBody,
    observation: SharedObservation,
    broken: bool,
}

impl ObservedBody {
    pub fn new(body: RequestBody, observation: SharedObservation) -> Self {
        ObservedBody { body, observation, broken: false }
    }
}

impl Body for ObservedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(chunk) = frame.data_ref() {
                    self.observation.update(|body| body.chunk(chunk));
                }
                // Nothing comes after trailers, so nobody asks for more.
                if frame.is_trailers() {
                    self.observation.update(|body| body.complete());
                }
            }
            Some(Err(_)) => self.broken = true,
            None if self.broken => {}
            None => self.observation.update(|body| body.complete()),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body that a client gets: its parts in order, and its end. Without an end it breaks off, so that a
/// response whose call did not reach the file never passes for a whole one.
#[derive(Debug)]
pub struct ClientBody {
    parts: mpsc::Receiver<BodyPart>,
    done: bool,
    /// It breaks off with the next poll.
    breaks: bool,
}

/// A part of a response's body.
#[derive(Debug)]
pub(super) enum BodyPart {
    /// A frame, with more to come.
    Frame(Frame<Bytes>),
    /// The last frame.
    Last(Frame<Bytes>),
    /// The end, after the last frame was sent as one with more to come.
    End,
}

/// The response's body broke off.
#[derive(Debug, thiserror::Error)]
#[error("the actor's response broke off")]
pub struct BrokenOff;

impl ClientBody {
    /// A body and the end that feeds it. Dropping the feeding end without a last part cuts the body off.
    pub(super) fn channel() -> (mpsc::Sender<BodyPart>, ClientBody) {
        let (sender, parts) = mpsc::channel(1);
        (sender, ClientBody { parts, done: false, breaks: false })
    }

    /// An empty body. The head of the response can announce that it is empty.
    pub(super) fn empty() -> ClientBody {
        let (_, body) = ClientBody::channel();
        ClientBody { done: true, ..body }
    }

    /// A whole body at once.
    pub(super) fn full(text: impl Into<Bytes>) -> ClientBody {
        let (sender, body) = ClientBody::channel();
        // The channel has room for the one part.
        let _ = sender.try_send(BodyPart::Last(Frame::data(text.into())));
        body
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let part = ready!(self.parts.poll_recv(cx));
        if part.is_none() && !self.breaks {
            // A connection drops what it has not sent when the body breaks off, and sends it when it has to
            // wait.
            self.breaks = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.done = !matches!(part, Some(BodyPart::Frame(_)));
        Poll::Ready(match part {
            Some(BodyPart::Frame(frame) | BodyPart::Last(frame)) => Some(Ok(frame)),
            Some(BodyPart::End) => None,
            None => Some(Err(BrokenOff)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }
}

/// A request's body from a connection. If the connection is lost, hyper ends the body as if it were whole;
/// this breaks it off.
pub(super) struct FromConnection {
    pub body: Incoming,
    pub lost: CancellationToken,
}

impl Body for FromConnection {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let was_whole = self.body.is_end_stream();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(match frame {
            Some(frame) => Some(frame.map_err(HttpError::from)),
            None if !was_whole && self.lost.is_cancelled() => Some(Err(HttpError::ConnectionTerminated)),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body that is in memory already.
pub(super) fn in_memory(bytes: Bytes) -> RequestBody {
    http_body_util::Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_body_that_breaks_off_lets_the_connection_send_what_was_before() {
        let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
        let waker = wakes.clone().into();
        let mut cx = Context::from_waker(&waker);
        let (parts, body) = ClientBody::channel();
        parts.try_send(BodyPart::Frame(Frame::data(Bytes::from_static(b"four")))).expect("there is room");
        drop(parts);
        let mut body = pin!(body);

        assert!(matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(Some(Ok(_)))));
        assert!(body.as_mut().poll_frame(&mut cx).is_pending());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "the connection looks again at once");
        assert!(matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(Some(Err(BrokenOff)))));
        assert!(matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(None)));
    }
}
