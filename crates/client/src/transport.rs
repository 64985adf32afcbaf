//! One request, one connection.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::Answer;
use crate::address::Address;

type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) async fn exchange(
    address: &Address,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<Vec<u8>>,
    most: usize,
) -> Result<Answer, Error> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, address.authority())
        .header(ACCEPT, "application/json");
    request = request.header(USER_AGENT, concat!("procyon/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
    match address {
        Address::Socket(path) => send(UnixStream::connect(path).await?, request, most).await,
        Address::Http { host, port } => send(dial(host, *port).await?, request, most).await,
        Address::Https { host, port, name, tls } => {
            let plain = dial(host, *port).await?;
            let stream = TlsConnector::from(tls.clone()).connect(name.clone(), plain).await?;
            send(stream, request, most).await
        }
    }
}

async fn dial(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((bare, port)).await
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Answer, Error> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the exchange; what goes wrong there, the exchange says.
    let carry = tokio::spawn(async move { connection.await.ok() });
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(response.into_body(), most).collect().await?.to_bytes().to_vec();
    carry.abort();
    Ok(Answer { status, location, body })
}
