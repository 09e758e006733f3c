//! A call's bytes in both directions, each at the pace of whoever takes them.

use std::future::poll_fn;

use bytes::Bytes;
use ds01_door::Denial;
use h2::client::{ResponseFuture, SendRequest};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};

use crate::grpc::call::refuse;

/// Sends a call and brings its answer back. `message` is all that is sent; without it what
/// `body` brings passes as it comes. Whichever side gives up, the other hears of it: a
/// dropped stream is a cancelled one.
pub async fn both(
    upstream: SendRequest<Bytes>,
    request: Request<()>,
    message: Option<Bytes>,
    body: Option<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let sent = match upstream.ready().await {
        Ok(mut ready) => ready.send_request(request, false),
        Err(error) => Err(error),
    };
    let Ok((answer, mut up)) = sent else { return gone(&mut respond) };
    if let Some(message) = message
        && up.send_data(message, true).is_err()
    {
        return gone(&mut respond);
    }
    let down = down(answer, respond);
    match body {
        None => down.await,
        Some(body) => {
            let mut down = std::pin::pin!(down);
            tokio::select! {
                () = &mut down => {}
                _ = pump(body, &mut up) => down.await,
            }
        }
    }
}

fn gone(respond: &mut SendResponse<Bytes>) {
    let denial = Denial::new(502, "daemon.gone", "the Docker daemon does not answer")
        .todo("try again in a moment; if it stays so, tell an admin (systemctl status docker)");
    refuse(respond, &denial);
}

async fn down(answer: ResponseFuture, mut respond: SendResponse<Bytes>) {
    let answer = tokio::select! {
        answer = answer => answer,
        // The client has given up; so does the stream to the daemon when it is dropped.
        _ = poll_fn(|context| respond.poll_reset(context)) => return,
    };
    let (head, body) = match answer {
        Ok(answer) => answer.into_parts(),
        Err(error) => {
            return match error.reason() {
                Some(reason) if error.is_reset() => respond.send_reset(reason),
                _ => gone(&mut respond),
            };
        }
    };
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    let whole = body.is_end_stream();
    if let Ok(mut to) = respond.send_response(response, whole)
        && !whole
    {
        let _ = pump(body, &mut to).await;
    }
}

/// Passes a body on with its trailers. An error ends both streams.
async fn pump(mut from: RecvStream, to: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    loop {
        let piece = tokio::select! {
            piece = from.data() => piece,
            reason = poll_fn(|context| to.poll_reset(context)) => return Err(reason?.into()),
        };
        let Some(piece) = piece else { break };
        let mut piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                to.send_reset(error.reason().unwrap_or(Reason::CANCEL));
                return Err(error);
            }
        };
        let length = piece.len();
        while !piece.is_empty() {
            to.reserve_capacity(piece.len());
            match poll_fn(|context| to.poll_capacity(context)).await {
                Some(room) => {
                    let room = room?.min(piece.len());
                    to.send_data(piece.split_to(room), false)?;
                }
                None => return Err(Reason::CANCEL.into()),
            }
        }
        from.flow_control().release_capacity(length)?;
    }
    match from.trailers().await {
        Ok(Some(trailers)) => to.send_trailers(trailers),
        Ok(None) => to.send_data(Bytes::new(), true),
        Err(error) => {
            to.send_reset(error.reason().unwrap_or(Reason::CANCEL));
            Err(error)
        }
    }
}
