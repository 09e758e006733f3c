//! Heads of HTTP/1 messages. Where two readers could disagree on where a message ends, it
//! is refused; hop-by-hop headers end here, before anything is decided.

use std::mem::MaybeUninit;

use crate::Denial;

/// The longest head, and the most headers.
pub const LONGEST_HEAD: usize = 1 << 20;
const MOST_HEADERS: usize = 256;

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    /// Until the end of the connection; responses only.
    Close,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub struct Head {
    pub method: String,
    pub target: String,
    /// What is sent on, hop-by-hop headers gone.
    pub headers: Vec<(String, String)>,
    pub framing: Framing,
    /// Whether another request may follow on this connection.
    pub keep_alive: bool,
    /// The protocol of an `Upgrade`, where `Connection` names it.
    pub upgrade: Option<String>,
    pub expect_continue: bool,
}

/// The head of a response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub reason: String,
    /// All headers but those that frame the message.
    pub headers: Vec<(String, String)>,
    pub framing: Framing,
    pub keep_alive: bool,
    /// No length was given and none follows from the status: 101, or a raw stream.
    pub unframed: bool,
}

impl Head {
    /// Reads a head from the front of `bytes`; `None` while it is not whole. Gives the
    /// bytes it took.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Denial> {
        let Some(end) = end_of_head(bytes)? else { return Ok(None) };
        let mut slots = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut []);
        let whole = parsed.parse_with_uninit_headers(&bytes[..end], &mut slots);
        let whole = whole.map_err(|error| match error {
            httparse::Error::TooManyHeaders => {
                Denial::new(431, "http.head", "more than 256 headers")
            }
            _ => malformed("the request head is not HTTP/1"),
        })?;
        if whole != httparse::Status::Complete(end) {
            return Err(malformed("the request head is not HTTP/1"));
        }
        let minor = parsed.version.unwrap_or_default();
        let all = Headers::of(parsed.headers)?;
        let framing = all.framing()?.unwrap_or(Framing::Length(0));
        if minor == 0 {
            return Err(Denial::new(505, "http.version", "the Docker door speaks HTTP/1.1"));
        }
        let upgrade = all.connection().any(|word| word == "upgrade").then(|| all.get("upgrade"));
        let head = Self {
            method: parsed.method.unwrap_or_default().to_owned(),
            target: parsed.path.unwrap_or_default().to_owned(),
            framing,
            keep_alive: all.keep_alive(minor),
            upgrade: upgrade.flatten().map(str::to_owned),
            expect_continue: all.expect_continue()?,
            headers: all.end_to_end(),
        };
        Ok(Some((head, end)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

impl Response {
    /// The same for a response to a request of `method`.
    pub fn parse(bytes: &[u8], method: &str) -> Result<Option<(Self, usize)>, Denial> {
        let bad = || Denial::new(502, "daemon.answer", "the Docker daemon's answer is not HTTP/1");
        let Some(end) = end_of_head(bytes).map_err(|_| bad())? else { return Ok(None) };
        let mut slots = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut []);
        let whole = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut parsed,
            &bytes[..end],
            &mut slots,
        );
        if whole != Ok(httparse::Status::Complete(end)) {
            return Err(bad());
        }
        let status = parsed.code.unwrap_or_default();
        let all = Headers::of(parsed.headers).map_err(|_| bad())?;
        let given = all.framing().map_err(|_| bad())?;
        let bodiless = method == "HEAD" || status < 200 || status == 204 || status == 304;
        let framing = match given {
            _ if bodiless => Framing::Length(0),
            Some(framing) => framing,
            None => Framing::Close,
        };
        let response = Self {
            status,
            reason: parsed.reason.unwrap_or_default().to_owned(),
            keep_alive: all.keep_alive(parsed.version.unwrap_or_default()),
            unframed: given.is_none() && (status == 101 || (!bodiless && status == 200)),
            framing,
            headers: all.of_response(bodiless),
        };
        Ok(Some((response, end)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

fn malformed(what: &str) -> Denial {
    Denial::malformed("http.head", what)
}

/// Where the head ends. A bare line feed ends a line for some readers and not for others.
fn end_of_head(bytes: &[u8]) -> Result<Option<usize>, Denial> {
    let mut start = 0;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        if at == 0 || bytes[at - 1] != b'\r' {
            return Err(malformed("a line of the head ends without a carriage return"));
        }
        if at == start + 1 {
            // The blank line; one in front of the request is no head.
            return if start == 0 {
                Err(malformed("an empty request line"))
            } else {
                Ok(Some(at + 1))
            };
        }
        start = at + 1;
    }
    if bytes.len() > LONGEST_HEAD {
        return Err(Denial::new(431, "http.head", "the request head is larger than 1 MiB"));
    }
    Ok(None)
}

struct Headers(Vec<(String, String)>);

/// Headers that are about one hop and never sent on.
const HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "host",
    "content-length",
    "http2-settings",
];

impl Headers {
    fn of(parsed: &[httparse::Header]) -> Result<Self, Denial> {
        let text = |header: &httparse::Header| {
            let value = std::str::from_utf8(header.value).ok()?;
            (!value.contains(['\0', '\r', '\n']))
                .then(|| (header.name.to_owned(), value.to_owned()))
        };
        parsed
            .iter()
            .map(text)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| malformed("a header that is not text"))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
    fn get(&self, name: &str) -> Option<&str> {
        find(&self.0, name)
    }
    fn connection(&self) -> impl Iterator<Item = String> {
        self.all("connection")
            .flat_map(|v| v.split(','))
            .map(|word| word.trim().to_ascii_lowercase())
    }
    fn keep_alive(&self, minor: u8) -> bool {
        let named = |wanted: &str| self.connection().any(|word| word == wanted);
        if minor == 0 { named("keep-alive") } else { !named("close") }
    }

    fn framing(&self) -> Result<Option<Framing>, Denial> {
        let encodings: Vec<&str> = self.all("transfer-encoding").collect();
        let lengths: Vec<&str> = self.all("content-length").collect();
        match (&encodings[..], &lengths[..]) {
            ([], []) => Ok(None),
            ([one], []) if one.eq_ignore_ascii_case("chunked") => Ok(Some(Framing::Chunked)),
            ([], [one]) if !one.is_empty() && one.bytes().all(|b| b.is_ascii_digit()) => one
                .parse()
                .map(|length| Some(Framing::Length(length)))
                .map_err(|_| malformed("an impossible Content-Length")),
            _ => Err(malformed("the length of the body can be read in two ways")),
        }
    }

    fn expect_continue(&self) -> Result<bool, Denial> {
        match self.get("expect") {
            None => Ok(false),
            Some(value) if value.eq_ignore_ascii_case("100-continue") => Ok(true),
            Some(_) => Err(Denial::new(417, "http.expect", "an unknown Expect header")),
        }
    }

    fn end_to_end(self) -> Vec<(String, String)> {
        let named: Vec<String> = self.connection().collect();
        let hop = |key: &str| {
            HOP.iter().any(|hop| hop.eq_ignore_ascii_case(key))
                || named.iter().any(|named| named.eq_ignore_ascii_case(key))
        };
        self.0.into_iter().filter(|(key, _)| !hop(key)).collect()
    }

    /// `Content-Length` of an answer to HEAD says what GET would send, and stays.
    fn of_response(self, bodiless: bool) -> Vec<(String, String)> {
        let frames = |key: &str| {
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            is("transfer-encoding")
                || is("connection")
                || is("keep-alive")
                || (is("content-length") && !bodiless)
        };
        self.0.into_iter().filter(|(key, _)| !frames(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(text: &str) -> Result<Head, Denial> {
        Head::parse(text.as_bytes()).map(|whole| whole.expect("a whole head").0)
    }

    #[test]
    fn hop_by_hop_headers_end_here() {
        let head = head(
            "POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, X-Secret\r\nUpgrade: tcp\r\n\
             X-Secret: 1\r\nX-Registry-Auth: k\r\nTE: trailers\r\nContent-Length: 3\r\n\r\n",
        )
        .unwrap();
        assert_eq!(head.headers, [("X-Registry-Auth".to_owned(), "k".to_owned())]);
        assert_eq!(head.upgrade.as_deref(), Some("tcp"));
        assert_eq!(head.framing, Framing::Length(3));
        assert!(head.keep_alive);
    }

    #[test]
    fn a_body_with_two_lengths_is_refused() {
        for lines in [
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: \u{b}chunked",
            "Transfer-Encoding: identity",
            "Content-Length: +1",
            "Content-Length: 1, 1",
            "Content-Length:",
            "Content-Length: 99999999999999999999",
            "Content-Length : 1",
            "X: a\n b: c",
            " folded: x",
        ] {
            let text = format!("POST /x HTTP/1.1\r\n{lines}\r\n\r\n");
            assert!(Head::parse(text.as_bytes()).is_err(), "{lines:?}");
        }
        assert!(Head::parse(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_err());
        assert!(Head::parse(b"GET /x HTTP/1.1\nHost: a\n\n").is_err());
        assert!(Head::parse(b"\r\nGET /x HTTP/1.1\r\n\r\n").is_err());
        assert!(Head::parse(b"GET /x HTTP/1.1\r\nHost").unwrap().is_none());
    }

    #[test]
    fn an_answer_without_a_length_is_a_stream() {
        let parse =
            |text: &str, method: &str| Response::parse(text.as_bytes(), method).unwrap().unwrap().0;
        let raw = parse(
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n",
            "POST",
        );
        assert!(raw.unframed);
        assert!(
            parse("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", "POST")
                .unframed
        );
        let head = parse(
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Docker-Container-Path-Stat: e30=\r\n\r\n",
            "HEAD",
        );
        assert_eq!(
            (head.framing, head.headers.len(), head.unframed),
            (Framing::Length(0), 2, false)
        );
        assert!(!parse("HTTP/1.1 204 No Content\r\n\r\n", "POST").unframed);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Head::parse(&bytes);
            let _ = Response::parse(&bytes, "GET");
        }
        #[test]
        fn nearly_a_head_never_panics(text in "(GET|POST) /[a-z%0-9]{0,9} HTTP/1.[01]\r\n([A-Za-z-]{1,9}: ?[ -~]{0,9}\r\n){0,4}\r\n") {
            if let Ok(Some((head, taken))) = Head::parse(text.as_bytes()) {
                prop_assert_eq!(taken, text.len());
                for (key, _) in &head.headers {
                    prop_assert!(!HOP.contains(&key.to_ascii_lowercase().as_str()));
                }
            }
        }
    }
}
