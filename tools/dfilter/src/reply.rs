//! Answers as they are written: the daemon's head framed anew, and answers of our own.

use std::io;

use ds01_door::http::{Framing, Head, Response};

use crate::answer::{Next, next};
use crate::daemon;
use crate::wire::Wire;

/// The head of an answer, framed anew.
pub fn head_of(response: &Response, framing: Option<Framing>, close: bool) -> Vec<u8> {
    let mut text = String::with_capacity(daemon::USUAL);
    text += "HTTP/1.1 ";
    text += &response.status.to_string();
    for part in [" ", &response.reason, "\r\n"] {
        text.push_str(part);
    }
    for (key, value) in &response.headers {
        daemon::line(&mut text, key, value);
    }
    match framing {
        Some(Framing::Length(length)) => text += &format!("Content-Length: {length}\r\n"),
        Some(Framing::Chunked) => text += "Transfer-Encoding: chunked\r\n",
        Some(Framing::Close) | None => {}
    }
    if response.status == 101 {
        text += "Connection: Upgrade\r\n";
    } else if close {
        text += "Connection: close\r\n";
    }
    text += "\r\n";
    text.into_bytes()
}

/// The head of an answer of our own.
pub fn plain_head(status: u16, length: usize, close: bool) -> Vec<u8> {
    let reason = match status {
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        504 => "Gateway Timeout",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    };
    let close = if close { "Connection: close\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{close}\r\n"
    )
    .into_bytes()
}

/// An answer of our own with a body that is there.
pub async fn whole(
    client: &Wire,
    status: u16,
    body: &[u8],
    head: &Head,
    read: bool,
) -> io::Result<()> {
    let body = if head.method == "HEAD" { &[][..] } else { body };
    let close = next(head, read) == Next::Close;
    client.write(&[&plain_head(status, body.len(), close), body].concat()).await
}
